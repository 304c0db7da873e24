import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { callRaw, openRawClient } from '../lab/raw-grpc.js';
import { encodePut, PUT_PATH } from '../lab/etcd-messages.js';
import { freePort } from '../lab/free-port.js';
import { serve } from '../lab/serve.js';
import type { Usage } from '../lab/worker.js';

/** Which program, and where its data goes. */
export interface EtcdOptions {
  readonly program: string;
  readonly dataDir: string;
}

/** Clock ticks a second and bytes a page, as every Linux that Node runs on has them. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4_096;
const START_MS = 30_000;

let etcd: ChildProcess | undefined;

const methods = {
  /** Starts etcd as it is by default: one member, every write flushed. Answers the address. */
  async start({ program, dataDir }: EtcdOptions): Promise<string> {
    const [client, peer] = [await freePort(), await freePort()];
    const [clientUrl, peerUrl] = [client, peer].map((port) => `http://127.0.0.1:${String(port)}`);
    const flags = {
      'data-dir': dataDir,
      'listen-client-urls': clientUrl,
      'advertise-client-urls': clientUrl,
      'listen-peer-urls': peerUrl,
      'initial-advertise-peer-urls': peerUrl,
      'initial-cluster': `default=${peerUrl ?? ''}`,
      'log-level': 'error',
    };
    const argv = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value ?? '']);
    etcd = spawn(program, argv, { stdio: ['ignore', 'ignore', 'inherit'] });
    const address = `127.0.0.1:${String(client)}`;
    await untilServing(address);
    return address;
  },
  usage: (): Usage => usageOf(etcd?.pid ?? 0),
};

async function untilServing(address: string): Promise<void> {
  const client = openRawClient(address);
  await new Promise<void>((resolve, reject) => {
    client.waitForReady(Date.now() + START_MS, (error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
  await callRaw(client, PUT_PATH, encodePut(Buffer.from('ready'), Buffer.from('yes')));
  client.close();
}

/** From /proc: user and system time are fields 14 and 15 of stat, resident pages field 24. */
function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [user = 0, system = 0, pages = 0] = [fields[11], fields[12], fields[21]];
  const cpuMicros = ((user + system) * 1e6) / TICKS_PER_SECOND;
  return { cpuMicros, heapBytes: 0, rssBytes: pages * PAGE_BYTES };
}

/** A keeper of etcd: etcd ends when the keeper does, also when that is killed. */
export type EtcdRole = typeof methods;

process.on('exit', () => etcd?.kill('SIGKILL'));
serve(methods);
