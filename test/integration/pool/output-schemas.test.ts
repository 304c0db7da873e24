import { describe, expect, it } from 'vitest';
import { mcpErrorOf, openConnection } from '../../support/mcp/connect.js';
import { ownServer } from '../../support/mcp/own-server.js';

/** A server with one tool for each of `schemas`, whose structured result is what it is called with. */
function toolsWith(schemas: Readonly<Record<string, object>>) {
  return ownServer(`
    const tools = Object.entries(${JSON.stringify(schemas)}).map(([name, outputSchema]) =>
      ({ name, inputSchema: { type: 'object' }, outputSchema }));
    handle('tools/list', (id) => answer(id, { tools }));
    handle('tools/call', (id, params) => answer(id, { content: [], structuredContent: params.arguments }));`);
}

const text = (more: object) => ({
  type: 'object',
  properties: { text: { type: 'string', ...more } },
});

describe('output schemas of servers', () => {
  it('decide about structured results', async () => {
    const connection = await openConnection(toolsWith({ short: text({ maxLength: 3 }) }));
    await connection.listTools();
    const call = async (value: string) =>
      connection.callTool({ name: 'short', arguments: { text: value } });
    expect((await call('abc')).structuredContent).toEqual({ text: 'abc' });
    const error = await mcpErrorOf(call('abcd'));
    expect([error.kind, error.sent]).toEqual(['invalid_answer', true]);
    expect(error.message).toContain('must NOT have more than 3 characters');
  });

  it('that take for ever to check fail the call, and hold up nobody', async () => {
    const slow = await openConnection(toolsWith({ slow: text({ pattern: '^(a+)+$' }) }));
    const other = await openConnection(toolsWith({ short: text({ maxLength: 3 }) }));
    await Promise.all([slow.listTools(), other.listTools()]);
    const failing = mcpErrorOf(
      slow.callTool({ name: 'slow', arguments: { text: `${'a'.repeat(200)}!` } }),
    );
    // A check on our own thread would let none of these through before it is over.
    for (let n = 0; n < 5; n += 1) await other.probe();
    expect((await other.callTool({ name: 'short', arguments: { text: 'abc' } })).isError).toBe(
      false,
    );
    const error = await failing;
    expect([error.kind, error.sent]).toEqual(['invalid_answer', true]);
    expect(error.message).toContain('cannot be checked against the output schema');
    await slow.probe();
  });
});
