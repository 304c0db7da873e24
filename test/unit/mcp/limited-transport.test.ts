import type { JSONRPCMessage } from '@modelcontextprotocol/client';
import { describe, expect, it } from 'vitest';
import { LimitedTransport } from '../../../src/mcp/limited-transport.js';
import type { McpTransport } from '../../../src/mcp/transport.js';

const NOTIFICATION: JSONRPCMessage = {
  jsonrpc: '2.0',
  method: 'notifications/tools/list_changed',
};

describe('a server that sends notifications all the time', () => {
  it('loses its connection, and nothing of what came before', async () => {
    const state = { isClosed: false };
    const inner: McpTransport = {
      hasSession: false,
      start: () => Promise.resolve(),
      send: () => Promise.resolve(),
      close: () => {
        state.isClosed = true;
        return Promise.resolve();
      },
    };
    const transport = new LimitedTransport(inner);
    let received = 0;
    transport.onmessage = () => (received += 1);
    await transport.start();
    // In one turn, so that hardly any come on top of the burst, however slow the machine.
    let sent = 0;
    for (; !state.isClosed && sent < 1_000_000; sent += 1) inner.onmessage?.(NOTIFICATION);
    expect(state.isClosed).toBe(true);
    expect(sent).toBeGreaterThan(10_000);
    expect(received).toBe(sent - 1);
    expect(transport.endCause?.kind).toBe('limit_exceeded');
  });
});
