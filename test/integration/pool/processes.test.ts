import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { PoolEvent } from '../../../src/client/pool/pool-event.js';
import {
  clientErrorOf,
  isGroupAlive,
  isProcessAlive,
  openHttpServer,
  openPool,
  textOf,
  until,
} from '../../support/mcp/pool.js';
import { EVERYTHING, FILESYSTEM, httpServer, MEMORY, nodeServer } from '../../support/mcp/specs.js';

async function temporaryFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'switchboard-')));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function pidOf(event: PoolEvent): number {
  if (event.type !== 'connected' || event.pid === undefined) throw new Error('no process');
  return event.pid;
}

/** `sh` that stays, with the server as its child: what `npx` and wrapper scripts do. */
function wrapped(script: string) {
  return nodeServer(['-c', script], { command: '/bin/sh' });
}

describe('server processes', () => {
  it('serve tools, and are gone with their group when the pool is closed', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'hello.txt'), 'hello');
    const { pool, events } = openPool([
      { name: 'everything', spec: { transport: nodeServer([EVERYTHING, 'stdio']) } },
      {
        name: 'memory',
        spec: {
          transport: nodeServer([MEMORY], { env: { MEMORY_FILE_PATH: join(folder, 'm.json') } }),
        },
      },
      { name: 'files', spec: { transport: nodeServer([FILESYSTEM, folder]) } },
    ]);
    const outcomes = await pool.app.getAll();
    expect(outcomes.map(({ name, error }) => [name, error])).toEqual([
      ['everything', undefined],
      ['files', undefined],
      ['memory', undefined],
    ]);
    const [echo, read] = await Promise.all([
      pool.app.callTool('everything', { name: 'echo', arguments: { message: 'hi' } }),
      pool.app.callTool('files', {
        name: 'read_text_file',
        arguments: { path: join(folder, 'hello.txt') },
      }),
    ]);
    expect([textOf(echo), textOf(read)]).toEqual(['Echo: hi', 'hello']);
    const entities = [{ name: 'Ana', entityType: 'person', observations: ['here'] }];
    await pool.app.callTool('memory', { name: 'create_entities', arguments: { entities } });
    expect(await readFile(join(folder, 'm.json'), 'utf8')).toContain('Ana');
    const pids = events.filter(({ type }) => type === 'connected').map(pidOf);
    expect(pids.map(isGroupAlive)).toEqual([true, true, true]);
    await pool.close();
    expect(pids.map(isGroupAlive)).toEqual([false, false, false]);
  });

  it('take their grandchildren with them, also stubborn ones', async () => {
    const folder = await temporaryFolder();
    const pidFile = join(folder, 'pid');
    // A helper that ignores the end of input and SIGTERM, beside the server, behind a shell.
    const script = `sh -c 'trap "" TERM; echo $$ > ${pidFile}; while :; do sleep 1; done' </dev/null >/dev/null 2>&1 &
      ${process.execPath} ${EVERYTHING} stdio; wait`;
    const { pool, seen } = openPool([{ name: 'one', spec: { transport: wrapped(script) } }], {
      processGraceMs: 200,
    });
    await pool.app.callTool('one', { name: 'echo', arguments: { message: 'hi' } });
    const group = pidOf(await seen(({ type }) => type === 'connected'));
    const grandchild = Number(await readFile(pidFile, 'utf8'));
    expect([grandchild === group, isProcessAlive(grandchild)]).toEqual([false, true]);
    expect(await pool.app.disconnect('one')).toBe(1);
    await until(() => !isProcessAlive(grandchild) && !isGroupAlive(group));
  });

  it('that are killed with -9 fail the call in flight at once, and the next get starts another', async () => {
    const { pool, seen, events } = openPool([
      { name: 'one', spec: { transport: nodeServer([EVERYTHING, 'stdio']) } },
    ]);
    await pool.app.callTool('one', { name: 'echo', arguments: { message: 'hi' } });
    const first = pidOf(await seen(({ type }) => type === 'connected'));
    const running = clientErrorOf(
      pool.app.callTool(
        'one',
        { name: 'trigger-long-running-operation', arguments: { duration: 360, steps: 10 } },
        { timeoutMs: 3_600_000 },
      ),
    );
    process.kill(first, 'SIGKILL');
    const error = await running;
    expect([error.reason, error.sent]).toEqual(['CONNECTION_LOST', true]);
    const again = await pool.app.callTool('one', { name: 'echo', arguments: { message: 'again' } });
    expect(textOf(again)).toBe('Echo: again');
    const pids = events.filter(({ type }) => type === 'connected').map(pidOf);
    expect(new Set(pids).size).toBe(2);
    expect(isGroupAlive(first)).toBe(false);
  });

  it('are not left behind by a connect that is given up', async () => {
    const folder = await temporaryFolder();
    const pidFile = join(folder, 'pid');
    const script = `echo $$ > ${pidFile}; exec sleep 600`;
    const { pool } = openPool([{ name: 'one', spec: { transport: wrapped(script) } }]);
    const stop = new AbortController();
    const asked = clientErrorOf(pool.app.get('one', { signal: stop.signal }));
    await until(() => existsText(pidFile));
    const pid = Number(await readFile(pidFile, 'utf8'));
    expect(isGroupAlive(pid)).toBe(true);
    stop.abort();
    expect((await asked).reason).toBe('CANCELLED');
    await pool.close();
    expect(isGroupAlive(pid)).toBe(false);
  });

  it('are not left behind by a connect that takes too long, or by a pool that closes meanwhile', async () => {
    const folder = await temporaryFolder();
    const silent = (file: string) => wrapped(`echo $$ > ${join(folder, file)}; exec sleep 600`);
    const { pool } = openPool([
      { name: 'slow', spec: { transport: silent('a'), timeouts: { connectMs: 200 } } },
      { name: 'open', spec: { transport: silent('b') } },
    ]);
    expect((await clientErrorOf(pool.app.get('slow'))).reason).toBe('CONNECT_TIMEOUT');
    const open = clientErrorOf(pool.app.get('open'));
    await until(() => existsText(join(folder, 'b')));
    await pool.close();
    expect((await open).reason).toBe('POOL_CLOSED');
    const pids = await Promise.all(
      ['a', 'b'].map(async (file) => Number(await readFile(join(folder, file), 'utf8'))),
    );
    expect(pids.map(isGroupAlive)).toEqual([false, false]);
  });

  it('that cannot be started, or end at once, are typed errors that say why', async () => {
    const { pool } = openPool([
      { name: 'none', spec: { transport: nodeServer([], { command: 'no-such-program' }) } },
      { name: 'ends', spec: { transport: wrapped('exit 3') } },
      {
        name: 'talks',
        spec: { transport: wrapped('echo not json; exec sleep 600'), timeouts: { connectMs: 200 } },
      },
    ]);
    const [ends, none, talks] = (await pool.app.getAll()).map(({ error }) => error);
    expect([none?.reason, ends?.reason, talks?.reason]).toEqual([
      'CONNECT_FAILED',
      'CONNECT_FAILED',
      'CONNECT_TIMEOUT',
    ]);
    expect(none?.message).toContain('ENOENT');
    expect(ends?.message).toContain('exit code 3');
  });

  it('see a small environment, their own variables and folder, and nothing of the node', async () => {
    const folder = await temporaryFolder();
    const out = join(folder, 'env.json');
    const program = `require('fs').writeFileSync(process.env.OUT, JSON.stringify({ env: process.env, cwd: process.cwd(), args: process.argv.slice(1) })); console.error('a complaint')`;
    const transport = nodeServer(['-e', program, '--', 'a ${env:REGION} b', '$${literal}'], {
      env: { OUT: out, TOKEN: 'Bearer ${env:KEY}' },
      cwd: folder,
      stderr: 'pipe',
    });
    const env = {
      PATH: '/usr/bin:/bin',
      HOME: folder,
      KEY: 'k ${env:HOME}',
      REGION: '$(id)',
      AWS_SECRET: 'no',
    };
    const { pool, seen } = openPool([{ name: 'one', spec: { transport } }], { env });
    expect((await clientErrorOf(pool.app.get('one'))).reason).toBe('CONNECT_FAILED');
    const told = JSON.parse(await readFile(out, 'utf8')) as {
      env: object;
      cwd: string;
      args: string[];
    };
    expect(told).toMatchObject({
      env: { PATH: '/usr/bin:/bin', HOME: folder, TOKEN: 'Bearer k ${env:HOME}', OUT: out },
      cwd: folder,
      args: ['a $(id) b', '${literal}'],
    });
    expect(Object.keys(told.env)).not.toContain('AWS_SECRET');
    expect(Object.keys(told.env)).not.toContain('KEY');
    const stderr = await seen(({ type }) => type === 'stderr');
    expect(stderr).toMatchObject({
      name: 'one',
      text: expect.stringContaining('a complaint') as string,
    });
  });

  it('are limited: an idle one makes room, and with none idle it is a typed error', async () => {
    const transport = nodeServer([EVERYTHING, 'stdio']);
    const http = await openHttpServer();
    const { pool, seen } = openPool(
      [
        { name: 'a', spec: { transport } },
        { name: 'b', spec: { transport } },
        { name: 'c', spec: { transport } },
        { name: 'http', spec: { transport: httpServer(http.url) } },
      ],
      { maxStdioProcesses: 2 },
    );
    const a = await pool.app.get('a');
    await pool.app.get('b');
    expect((await pool.app.get('c')).state).toBe('live');
    expect(a.state).not.toBe('live');
    expect(await seen(({ type }) => type === 'retired')).toMatchObject({
      name: 'a',
      cause: 'evicted',
    });
    const stop = new AbortController();
    const long = {
      name: 'trigger-long-running-operation',
      arguments: { duration: 360, steps: 10 },
    };
    const busy = ['b', 'c'].map(async (name) =>
      clientErrorOf(pool.app.callTool(name, long, { signal: stop.signal })),
    );
    expect((await clientErrorOf(pool.app.get('a'))).reason).toBe('TOO_MANY_PROCESSES');
    expect((await pool.app.get('http')).state).toBe('live');
    stop.abort();
    expect((await Promise.all(busy)).map((error) => error.reason)).toEqual([
      'CANCELLED',
      'CANCELLED',
    ]);
    expect((await pool.app.get('a')).state).toBe('live');
  });

  it('survive what is no message on their output, and answers that come in pieces', async () => {
    const program = `
      process.stdin.setEncoding('utf8');
      let rest = '';
      process.stdin.on('data', (text) => {
        const lines = (rest + text).split('\\n');
        rest = lines.pop();
        for (const line of lines) {
          const { id, method, params } = JSON.parse(line);
          if (id === undefined) continue;
          const result = method === 'initialize'
            ? { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'own', version: '1' } }
            : { content: [{ type: 'text', text: 'ä'.repeat(70000) }] };
          const answer = Buffer.from('debug: noise\\n{"not":"rpc"}\\n' + JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
          for (let at = 0; at < answer.length; at += 4097) process.stdout.write(answer.subarray(at, at + 4097));
        }
      });`;
    const { pool } = openPool([{ name: 'one', spec: { transport: nodeServer(['-e', program]) } }]);
    const answers = await Promise.all(
      [1, 2, 3].map(async () => textOf(await pool.app.callTool('one', { name: 'x' }))),
    );
    expect(answers.map((text) => text.length)).toEqual([70_000, 70_000, 70_000]);
    expect((await pool.app.get('one')).serverInfo).toEqual({ name: 'own', version: '1' });
  });

  it('that end right after every start are not started in a loop', async () => {
    const program = `
      process.stdin.once('data', (text) => {
        const { id, params } = JSON.parse(String(text).split('\\n')[0]);
        const result = { protocolVersion: params.protocolVersion, capabilities: {}, serverInfo: { name: 'own', version: '1' } };
        process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
        process.stdin.once('data', () => process.exit(1));
      });`;
    const { pool, events, seen } = openPool(
      [{ name: 'one', spec: { transport: nodeServer(['-e', program]) } }],
      {
        backoff: { initialMs: 60_000, maxMs: 60_000 },
      },
    );
    await pool.app.get('one').catch(() => undefined);
    await seen(({ type }) => type === 'retired' || type === 'failed');
    const error = await clientErrorOf(pool.app.get('one'));
    expect(error.reason).toBe('CONNECT_FAILED');
    expect(error.retryAfterMs).toBeGreaterThan(0);
    await clientErrorOf(pool.app.get('one'));
    expect(events.filter(({ type }) => type === 'connecting')).toHaveLength(1);
  });
});

function existsText(file: string): boolean {
  try {
    return readFileSync(file, 'utf8').endsWith('\n');
  } catch {
    return false;
  }
}
