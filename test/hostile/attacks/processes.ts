import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../../bench/lab/lab.js';
import { ownServer } from '../../support/mcp/own-server.js';
import type { Attack } from '../attack.js';
import { startNode } from '../lab/node.js';

/** How a stdio server attacks: the text of its program, as `ownServer` takes it. */
interface ProcessAttack extends Pick<Attack, 'name' | 'about' | 'defence'> {
  readonly program: string;
  /** Of what the use came to. */
  readonly held: RegExp;
}

/** How long a node may take to end a process and all that it started. Milliseconds. */
const END_MS = 15_000;

/** Every process with the mark in its environment or arguments. Linux only. */
async function processesWith(mark: string): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const isMarked = async (pid: string): Promise<boolean> => {
    for (const file of ['environ', 'cmdline'])
      if ((await readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')).includes(mark))
        return true;
    return false;
  };
  return (await Promise.all(pids.map(isMarked))).filter(Boolean).length;
}

/** How many are left once the node had its time to end them. */
async function leftOf(mark: string): Promise<number> {
  const end = performance.now() + END_MS;
  let left = await processesWith(mark);
  while (left > 0 && performance.now() < end) {
    await sleep(100);
    left = await processesWith(mark);
  }
  return left;
}

/** A process that does what its program says; the outcome is also what is left of it. */
function processAttack({ program, held, ...rest }: ProcessAttack): Attack {
  return {
    ...rest,
    target: 'node',
    held: new RegExp(`${held.source}.*; 0 processes left$`),
    maxGrowthMiB: 160,
    async open(lab: Lab) {
      const mark = `hostile-${randomUUID()}`;
      lab.defer(() => killAll(mark));
      const env = { PATH: process.env['PATH'] ?? '', MARK: mark };
      const { command, args } = ownServer(`const mark = '${mark}';\n${LISTING}\n${program}`);
      return startNode(lab, {
        transport: { kind: 'stdio', command, args, env, cwd: '', stderr: 'ignore' },
        attack: async (node) => {
          const outcome = await node.call('use', 'call a tool');
          await node.call('forget');
          return `${outcome.slice(0, 60)}; ${String(await leftOf(mark))} processes left`;
        },
      });
    },
  };
}

/** So that a failed defence leaves nothing behind. */
async function killAll(mark: string): Promise<void> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (!environment.includes(`MARK=${mark}`)) continue;
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}

const LISTING = `
handle('tools/list', (id) => answer(id, { tools: [{ name: 'tool', inputSchema: { type: 'object' } }] }));
const keepOn = () => setInterval(() => undefined, 1000);
const { spawn } = require('child_process');
const start = (script, more = {}) =>
  spawn('/bin/sh', ['-c', script, mark], { stdio: 'ignore', ...more }).on('error', () => undefined);`;

/** Says `text`, an expression, from the first call on without end, and reads on. */
const flood = (text: string): string => `
  const text = ${text};
  const flood = () => say(text) ? setImmediate(flood) : process.stdout.once('drain', flood);
  handle('tools/call', flood);`;

const NOISE = 'A process is held back, one line a turn, and ended when it sends too much.';
const SIZES = 'A line has a limit in bytes, levels and values, checked before it is parsed.';
const TREE = 'Everything a process started is ended with it, in whatever session.';

/** Processes that a node starts. */
export const PROCESS_ATTACKS: readonly Attack[] = [
  processAttack({
    name: 'a process that says notifications without end',
    about: 'A process answers a call with notifications, as fast as it can.',
    defence: NOISE,
    held: /^(LIMIT_EXCEEDED|CALL_TIMEOUT)/,
    program: flood(`'{"jsonrpc":"2.0","method":"notifications/x"}\\n'.repeat(1000)`),
  }),
  processAttack({
    name: 'a process that says junk without end',
    about: 'A process answers a call with lines that are no JSON, as fast as it can.',
    defence: NOISE,
    held: /^(LIMIT_EXCEEDED|CALL_TIMEOUT)/,
    program: flood(`'debug: noise\\n'.repeat(1000)`),
  }),
  processAttack({
    name: 'a line without end',
    about: 'A process answers a call with one line that never ends.',
    defence: SIZES,
    held: /^LIMIT_EXCEEDED/,
    program: flood(`'x'.repeat(65536)`),
  }),
  processAttack({
    name: 'lines of 8 MB, nested deep',
    about: 'A process answers a call with lines of 8 MB that are nested JSON, as fast as it can.',
    defence: SIZES,
    held: /^LIMIT_EXCEEDED/,
    program: flood(`'{"a":'.repeat(1400000) + '1' + '}'.repeat(1400000) + '\\n'`),
  }),
  processAttack({
    name: 'lines of 8 MB without an id',
    about: 'A process answers a call with lines of 8 MB of text, as fast as it can.',
    defence: NOISE,
    held: /^(LIMIT_EXCEEDED|CALL_TIMEOUT)/,
    program: flood(
      `JSON.stringify({ jsonrpc: '2.0', method: 'x', params: { x: 'x'.repeat(8e6) } }) + '\\n'`,
    ),
  }),
  processAttack({
    name: 'pings from a process that never reads',
    about: 'A process sends pings as fast as it can, and never reads an answer.',
    defence: 'A server may leave 64 answers unread, and make 50 requests a second.',
    held: /^LIMIT_EXCEEDED/,
    program: `
      const pings = Array.from({ length: 400 }, (_, n) =>
        JSON.stringify({ jsonrpc: '2.0', id: 'x'.repeat(1000) + n, method: 'ping' }) + '\\n').join('');
      const send = () => say(pings) ? setImmediate(send) : process.stdout.once('drain', send);
      handle('tools/call', () => { process.stdin.pause(); send(); });`,
  }),
  processAttack({
    name: 'a process that closes its output',
    about: 'A process closes its output in a call, and lives on.',
    defence: 'A process that closes its output is ended.',
    held: /^CONNECTION_LOST/,
    program: `handle('tools/call', () => require('fs').closeSync(1)); keepOn();`,
  }),
  processAttack({
    name: 'a process that does not end',
    about: 'A process ignores SIGTERM and the end of its input.',
    defence: 'After a grace period a process group is killed.',
    held: /^returned/,
    program: `
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => undefined);
      handle('tools/call', (id) => answer(id, { content: [] })); keepOn();`,
  }),
  processAttack({
    name: 'grandchildren in sessions of their own',
    about: 'A process starts others in their own sessions, which ignore SIGTERM.',
    defence: TREE,
    held: /^returned/,
    program: `
      for (let n = 0; n < 3; n += 1) start('trap "" TERM; while :; do sleep 1; done', { detached: true });
      handle('tools/call', (id) => answer(id, { content: [] }));`,
  }),
  processAttack({
    name: 'grandchildren without a parent',
    about: 'A process starts others in their own sessions, whose parents end at once.',
    defence: TREE,
    held: /^returned/,
    program: `
      for (let n = 0; n < 3; n += 1) start('setsid sh -c "while :; do sleep 1; done" ' + mark + ' &');
      handle('tools/call', (id) => setTimeout(() => answer(id, { content: [] }), 300));`,
  }),
  processAttack({
    name: 'a process that starts 40 others',
    about: 'A process starts 20 others that start others, half of them in sessions of their own.',
    defence: TREE,
    held: /^returned/,
    program: `
      for (let n = 0; n < 20; n += 1) start('trap "" TERM; (while :; do sleep 1; done) & while :; do sleep 1; done', { detached: n % 2 === 0 });
      handle('tools/call', (id) => setTimeout(() => answer(id, { content: [] }), 300));`,
  }),
];
