import http2 from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../../bench/lab/lab.js';
import type { Attack } from '../attack.js';
import { startAttacked } from '../lab/control-plane.js';
import { connect } from './http2.js';

/** How long what was sent is left as it is. Milliseconds. */
const HOLD_MS = 2_000;
/** How long requests are left unfinished, unless all of them are ended before. Milliseconds. */
const UNFINISHED_MS = 10_000;
const MIB = 2 ** 20;

/** A message of 4 MiB less one byte that never comes. */
function unfinishedBody(): Buffer {
  const size = 4 * MIB - 1_024;
  const body = Buffer.alloc(5 + size - 1);
  body.writeUInt32BE(size, 1);
  return body;
}

async function openUnfinished(lab: Lab, address: string, streams: number): Promise<string> {
  const session = http2.connect(`http://${address}`, { settings: { initialWindowSize: MIB } });
  lab.defer(() => {
    session.destroy();
  });
  session.on('error', () => undefined);
  const ended: Promise<void>[] = [];
  let count = 0;
  const body = unfinishedBody();
  for (let n = 0; n < streams; n += 1) {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/switchboard.v1.RegistryService/GetServer',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
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
    target: 'control plane',
    maxGrowthMiB: 64,
    async open(lab) {
      const { address, ...attacked } = await startAttacked(lab);
      return { ...attacked, attack: () => openUnfinished(lab, address, 150) };
    },
  },
  {
    name: '2,000 silent sockets',
    about: 'Connections that are opened and send nothing.',
    target: 'control plane',
    maxGrowthMiB: 64,
    async open(lab) {
      const { address, ...attacked } = await startAttacked(lab);
      return {
        ...attacked,
        attack: async () => {
          const sockets = await Promise.all(
            Array.from({ length: 2_000 }, () => connect(lab, address)),
          );
          await sleep(HOLD_MS, undefined, { signal: lab.signal });
          const closed = sockets.filter((socket) => socket.destroyed).length;
          return `${String(closed)} of ${String(sockets.length)} closed`;
        },
      };
    },
  },
];
