import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ConnectOptions } from '../../../src/mcp/connector.js';
import type { McpError } from '../../../src/mcp/mcp-error.js';
import { mcpErrorOf, openConnection } from '../../support/mcp/connect.js';
import { ownServer } from '../../support/mcp/own-server.js';
import { isGroupAlive, isProcessAlive, until } from '../../support/mcp/pool.js';
import { mostPerTurn } from '../../support/most-per-turn.js';
import { scratchFolder } from '../../support/scratch-folder.js';

/** A connection to a process that runs `program`, and why it ended. */
async function openWatched(program: string, options: ConnectOptions = {}) {
  let onClosed: (cause: McpError) => void = () => undefined;
  const ended = new Promise<McpError>((resolve) => (onClosed = resolve));
  const connection = await openConnection(ownServer(program), { ...options, onClosed });
  return { connection, ended };
}

/** Says `text` without end once the handshake is over, and still reads what it is sent. */
const flood = (text: string) => `
  const text = ${text};
  const flood = () => say(text) ? setImmediate(flood) : process.stdout.once('drain', flood);
  handle('notifications/initialized', flood);`;

/** Answers every call of a tool with `result`, which is JSON that need not be parsed to be made. */
const answering = (result: string) => `
  handle('tools/call', (id) => say('{"jsonrpc":"2.0","id":' + id + ',"result":' + ${result} + '}\\n'));`;

describe('processes that send too much', () => {
  it('are held back, take one turn for each line, and are ended', async () => {
    let told = 0;
    const noisy = await Promise.all([
      openWatched(flood(`'{"not":"rpc"}\\n'.repeat(1000)`), { onError: () => (told += 1) }),
      openWatched(flood(`'debug: noise\\n'.repeat(1000)`)),
      openWatched(flood(`'\\n'.repeat(1000)`)),
      openWatched(flood(`'{"jsonrpc":"2.0","method":"notifications/x"}\\n'.repeat(1000)`)),
      openWatched(flood(`'{"jsonrpc":"2.0","id":"p","method":"ping"}\\n'.repeat(1000)`)),
    ]);
    const { connection: other } = await openWatched('');
    let ended = 0;
    const causes = Promise.all(
      noisy.map(async ({ ended: cause }) => cause.finally(() => (ended += 1))),
    );
    const most = await mostPerTurn(
      () => told,
      () => ended === noisy.length,
    );
    expect(most).toBe(1);
    await other.probe();
    const all = await causes;
    expect(all.map(({ kind }) => kind)).toEqual(Array<string>(5).fill('limit_exceeded'));
    expect(all.map(({ message }) => message)).toEqual([
      ...Array<string>(4).fill('the process sends too much that nobody asked for'),
      'the server sent more than 500 requests at once, or 50 a second',
    ]);
    expect(told).toBeGreaterThan(5000);
    expect(told).toBeLessThan(40_000);
    await until(() => noisy.every(({ connection: { pid = 0 } }) => !isGroupAlive(pid)));
  });

  it('are not ended for it while a call is in flight, which is answered', async () => {
    const { connection } = await openWatched(`
      handle('tools/call', (id) => {
        for (let n = 0; n < 7; n += 1) say('noise\\n'.repeat(1000));
        answer(id, { content: [] });
      });`);
    expect((await connection.callTool({ name: 'x' })).content).toEqual([]);
    await connection.probe();
  });

  it.each([
    ['larger than a message may be', `JSON.stringify('x'.repeat(11_000_000))`, '10485760 bytes'],
    ['that is nested', `'{"a":'.repeat(1_000_000) + '1' + '}'.repeat(1_000_000)`, '128 levels'],
    ['with a million blocks', `'{"content":[' + '{},'.repeat(1_000_000) + '{}]}'`, '100000 values'],
  ])('fail the call and are ended for a result %s', async (_, result, limit) => {
    const { connection, ended } = await openWatched(answering(result));
    const error = await mcpErrorOf(connection.callTool({ name: 'x' }));
    expect([error.kind, error.sent]).toEqual(['limit_exceeded', true]);
    expect(error.message).toContain(limit);
    expect(await ended).toBe(error);
    await until(() => !isGroupAlive(connection.pid ?? 0));
  });

  it('may send one large text, up to the limit that is set', async () => {
    const result = `JSON.stringify({ content: [{ type: 'text', text: 'x'.repeat(1_000_000) }] })`;
    const { connection: large } = await openWatched(answering(result));
    const { content } = await large.callTool({ name: 'x' });
    expect(content[0]).toMatchObject({ type: 'text', text: 'x'.repeat(1_000_000) });
    const { connection: small } = await openWatched(answering(result), {
      maxMessageBytes: 1_000_000,
    });
    const error = await mcpErrorOf(small.callTool({ name: 'x' }));
    expect(error.message).toContain('more than 1000000 bytes');
  });
});

describe('processes that go on', () => {
  it('after they closed their output end the connection, and are ended', async () => {
    const { connection, ended } = await openWatched(`
      handle('tools/call', () => require('fs').closeSync(1));
      setInterval(() => undefined, 1000);`);
    const error = await mcpErrorOf(connection.callTool({ name: 'x' }));
    expect([error.kind, error.sent]).toEqual(['lost', true]);
    expect(error.message).toBe('the process closed its output');
    expect(await ended).toBe(error);
    await until(() => !isGroupAlive(connection.pid ?? 0));
  });

  it('after they closed their output in the handshake fail the connect at once', async () => {
    const program = `handlers.initialize = () => require('fs').closeSync(1);
      setInterval(() => undefined, 1000);`;
    const error = await mcpErrorOf(openConnection(ownServer(program), { connectMs: 3_600_000 }));
    expect([error.kind, error.message]).toEqual([
      'connect_failed',
      'the process closed its output',
    ]);
  });

  describe.skipIf(process.platform !== 'linux')('in a session of their own', () => {
    /** A server that starts `script` with `sh`, which writes the id of a process to a file. */
    async function openWithStray(script: string) {
      const file = join(scratchFolder(), 'pid');
      const { connection, ended } = await openWatched(`
        require('child_process').spawn('/bin/sh', ['-c', ${JSON.stringify(script)}],
          { stdio: 'ignore', env: { ...process.env, FILE: ${JSON.stringify(file)} } });`);
      await until(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'));
      return { connection, ended, stray: Number(readFileSync(file, 'utf8')) };
    }

    it.each([
      ['under a parent that lives', `setsid sh -c 'echo $$ > $FILE; exec sleep 600'; true`],
      ['after their parent ended', `setsid sh -c 'echo $$ > $FILE; exec sleep 600' &`],
      [
        'without their environment',
        `setsid sh -c 'echo $$ > $FILE; exec env -i /bin/sleep 600'; true`,
      ],
      [
        'though they ignore SIGTERM',
        `setsid sh -c 'trap "" TERM; echo $$ > $FILE; while :; do sleep 1; done' &`,
      ],
    ])('are gone when the connection is closed: %s', async (_, script) => {
      const { connection, stray } = await openWithStray(script);
      expect([isProcessAlive(stray), isGroupAlive(stray)]).toEqual([true, true]);
      await connection.close({ graceMs: 100 });
      await until(() => !isProcessAlive(stray) && !isGroupAlive(connection.pid ?? 0));
    });

    it('are gone when the server is killed', async () => {
      const { connection, ended, stray } = await openWithStray(
        `setsid sh -c 'echo $$ > $FILE; exec sleep 600' &`,
      );
      process.kill(connection.pid ?? 0, 'SIGKILL');
      await ended;
      await until(() => !isProcessAlive(stray));
    });
  });
});
