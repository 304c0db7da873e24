import { describe, expect, it } from 'vitest';
import type { Transport } from '../../../src/domain/config/spec.js';
import { answer, openOddServer, tools, type OddBehaviour } from '../../support/mcp/odd-server.js';
import { clientErrorOf, openHttpServer, openPool, textOf } from '../../support/mcp/pool.js';
import { EVERYTHING, httpServer, nodeServer } from '../../support/mcp/specs.js';
import { NETWORK_KINDS, networkServer } from '../../support/mcp/transports.js';

const LIMIT = 100_000;
const ALMOST = 'x'.repeat(60_000);

describe('maxResultBytes', () => {
  const kinds = NETWORK_KINDS.map(
    ({ kind, open }) => [kind, async () => networkServer(kind, (await open()).url)] as const,
  );
  it.each<readonly [string, () => Promise<Transport> | Transport, string]>([
    ...kinds.map(([kind, open]) => [kind, open, 'text'] as const),
    ['stdio', () => nodeServer([EVERYTHING, 'stdio']), 'message'],
  ])('limits what a server returns over %s', async (_, open, parameter) => {
    const transport = await open();
    const { pool } = openPool([{ name: 'one', spec: { transport } }], { maxResultBytes: LIMIT });
    const echo = async (text: string) =>
      pool.app.callTool('one', { name: 'echo', arguments: { [parameter]: text } });
    expect(textOf(await echo(ALMOST))).toContain(ALMOST);
    const error = await clientErrorOf(echo(ALMOST + ALMOST));
    expect([error.reason, error.sent]).toEqual(['LIMIT_EXCEEDED', true]);
    expect(error.message).toContain(`more than ${String(LIMIT)} bytes`);
    expect(textOf(await echo('small'))).toContain('small');
  });

  it('can be more than its default', async () => {
    const { pool } = openPool(
      [{ name: 'one', spec: { transport: httpServer((await openHttpServer()).url) } }],
      { maxResultBytes: 12 * 2 ** 20 },
    );
    const text = 'x'.repeat(11 * 2 ** 20);
    const result = await pool.app.callTool('one', { name: 'echo', arguments: { text } });
    expect(textOf(result).length).toBe(text.length);
  });
});

/** A list of `count` pages, each with one tool of 60,000 bytes. */
function pages(count: number): OddBehaviour {
  return (exchange) => {
    const { rpc } = exchange;
    if (rpc?.method !== 'tools/list') return false;
    const page = Number(rpc.params?.['cursor'] ?? 1);
    const [tool] = tools(1, page);
    const more = page < count ? { nextCursor: String(page + 1) } : {};
    return answer(exchange, { tools: [{ ...tool, description: ALMOST }], ...more });
  };
}

describe('a list of tools', () => {
  it('ends its connection when its pages add up to too much, and others go on [C7]', async () => {
    const odd = await openOddServer(pages(Infinity));
    const good = await openHttpServer({ label: 'good' });
    const servers = [
      { name: 'odd', spec: { transport: httpServer(odd.url) } },
      { name: 'good', spec: { transport: httpServer(good.url) } },
    ];
    const { pool, seen } = openPool(servers, { maxResultBytes: LIMIT });
    expect((await pool.app.get('good')).state).toBe('live');
    const error = await clientErrorOf(
      pool.app.call('odd', async (connection) => connection.listTools()),
    );
    expect([error.reason, error.sent]).toEqual(['LIMIT_EXCEEDED', true]);
    expect(error.message).toContain(`a list of more than ${String(LIMIT)} bytes`);
    expect(odd.seen.filter((method) => method === 'tools/list')).toHaveLength(2);
    await seen(({ type, name }) => type === 'closed' && name === 'odd');
    expect(textOf(await pool.app.callTool('good', { name: 'label' }))).toBe('good');
  });

  it('is counted by itself, however many are read at once and one after the other', async () => {
    const odd = await openOddServer(pages(3));
    const { pool } = openPool([{ name: 'odd', spec: { transport: httpServer(odd.url) } }], {
      maxResultBytes: 3.2 * ALMOST.length,
    });
    const connection = await pool.app.get('odd');
    for (let round = 0; round < 3; round += 1) {
      const lists = await Promise.all(
        Array.from({ length: 5 }, async () => connection.listTools()),
      );
      expect(lists.map((list) => list.length)).toEqual([3, 3, 3, 3, 3]);
    }
  });
});
