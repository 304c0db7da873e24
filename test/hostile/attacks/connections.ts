import http2 from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../../bench/lab/lab.js';
import { GetServerRequest } from '../../../generated/switchboard/v1/registry_service.js';
import { Tier } from '../../../generated/switchboard/v1/server.js';
import { APP, byName, declare, largeSpec } from '../../support/grpc-admin/grpc-admin.js';
import type { Attack } from '../attack.js';
import { startAttacked, TOKENS } from '../lab/control-plane.js';
import { connect } from './http2.js';

/** How long what was sent is left as it is. Milliseconds. */
const HOLD_MS = 2_000;
/** How long requests are left unfinished, unless all of them are ended before. Milliseconds. */
const UNFINISHED_MS = 10_000;
const MIB = 2 ** 20;
const GET = {
  ':method': 'POST',
  ':path': '/switchboard.v1.RegistryService/GetServer',
  'content-type': 'application/grpc',
  te: 'trailers',
};

/** A message of 4 MiB less one byte that never comes. */
function unfinishedBody(): Buffer {
  const size = 4 * MIB - 1_024;
  const body = Buffer.alloc(5 + size - 1);
  body.writeUInt32BE(size, 1);
  return body;
}

/** Connections on which nothing is said. */
async function openSilent(lab: Lab, address: string, count: number): Promise<string> {
  const sockets = await Promise.all(Array.from({ length: count }, () => connect(lab, address)));
  for (const socket of sockets) socket.resume();
  await sleep(HOLD_MS, undefined, { signal: lab.signal });
  const closed = sockets.filter((socket) => socket.destroyed).length;
  return `${String(closed)} of ${String(count)} closed`;
}

/** Asks for what is large, and opens no window for the answers. */
async function readNothing(lab: Lab, address: string): Promise<string> {
  const session = http2.connect(`http://${address}`, { settings: { initialWindowSize: 0 } });
  lab.defer(() => session.destroy());
  session.on('error', () => undefined);
  const request = GetServerRequest.encode(
    GetServerRequest.fromPartial({ view: APP, key: byName('large') }),
  ).finish();
  const body = Buffer.alloc(5 + request.length);
  body.writeUInt32BE(request.length, 1);
  body.set(request, 5);
  let answered = 0;
  for (let n = 0; n < 500; n += 1) {
    const stream = session.request({ ...GET, authorization: `Bearer ${TOKENS.reader}` });
    stream.on('error', () => undefined).on('data', () => undefined);
    stream.on('end', () => (answered += 1));
    stream.end(body);
  }
  await sleep(HOLD_MS, undefined, { signal: lab.signal });
  return `${String(answered)} of 500 answered`;
}

async function openUnfinished(
  lab: Lab,
  address: string,
  streams: number,
  headers: http2.OutgoingHttpHeaders = {},
): Promise<string> {
  const session = http2.connect(`http://${address}`, { settings: { initialWindowSize: MIB } });
  lab.defer(() => {
    session.destroy();
  });
  session.on('error', () => undefined);
  const ended: Promise<void>[] = [];
  let count = 0;
  const body = unfinishedBody();
  for (let n = 0; n < streams; n += 1) {
    const stream = session.request({ ...GET, ...headers });
    stream.on('error', () => undefined);
    ended.push(
      new Promise((resolve) => stream.once('close', resolve)).then(() => void (count += 1)),
    );
    stream.write(body);
    stream.resume();
  }
  const held = sleep(UNFINISHED_MS, undefined, { signal: lab.signal });
  await Promise.race([Promise.all(ended), held]);
  return `${String(count)} of ${String(streams)} ended`;
}

/** Connections that take room and do nothing with it. */
export const CONNECTION_ATTACKS: readonly Attack[] = [
  {
    name: '150 requests that never end',
    about:
      'One connection without a token with 150 calls, each of which lacks the last byte of 4 MiB.',
    defence: 'Credentials are checked on the headers; without them nothing of a body is kept.',
    target: 'control plane',
    held: / of 150 ended$/,
    maxGrowthMiB: 64,
    async open(lab) {
      const { address, ...attacked } = await startAttacked(lab);
      return { ...attacked, attack: () => openUnfinished(lab, address, 150) };
    },
  },
  {
    name: '150 requests of a reader that never end',
    about: 'The same with the token of a reader.',
    defence: 'Bytes of incomplete requests are limited for each connection; the largest ends.',
    target: 'control plane',
    held: /^1\d\d of 150 ended$/,
    maxGrowthMiB: 64,
    async open(lab) {
      const { address, ...attacked } = await startAttacked(lab);
      const headers = { authorization: `Bearer ${TOKENS.reader}` };
      return { ...attacked, attack: () => openUnfinished(lab, address, 150, headers) };
    },
  },
  {
    name: '2,000 silent sockets',
    about: 'Connections that are opened and send nothing.',
    defence: 'A connection has 5 s until HTTP/2 is spoken on it.',
    target: 'control plane',
    held: /^\d+ of 2000 closed$/,
    maxGrowthMiB: 64,
    async open(lab) {
      const { address, ...attacked } = await startAttacked(lab);
      return { ...attacked, attack: () => openSilent(lab, address, 2_000) };
    },
  },
  {
    name: '300 silent sockets where 128 files may be open',
    about: 'More connections that send nothing than the process may have open.',
    defence: 'Connections are fewer than open files, and the oldest without credentials is closed.',
    target: 'control plane',
    held: /^\d+ of 300 closed$/,
    maxGrowthMiB: 64,
    async open(lab) {
      const { address, ...attacked } = await startAttacked(lab, { maxFiles: 128 });
      return { ...attacked, attack: () => openSilent(lab, address, 300) };
    },
  },
  {
    name: 'answers that are never read',
    about: 'A reader that asks 500 times for 1 MiB and gives the server no room to answer.',
    defence: 'A connection has at most 1,000 calls at once.',
    target: 'control plane',
    held: /^0 of 500 answered$/,
    maxGrowthMiB: 768,
    async open(lab) {
      const { address, as, ...attacked } = await startAttacked(lab);
      const server = { name: 'large', tier: Tier.TIER_APP, spec: largeSpec() };
      await declare(as(TOKENS.admin), 'default', server);
      return { ...attacked, attack: () => readNothing(lab, address) };
    },
  },
];
