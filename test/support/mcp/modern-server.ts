import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler, type NodeIncomingMessageLike } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { onTestFinished } from 'vitest';

/** A server that speaks both eras; answers its address. Stopped with the test. */
export async function openModernServer(): Promise<string> {
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'modern', version: '1.0.0' });
    server.registerTool('label', {}, () => ({ content: [{ type: 'text', text: 'modern' }] }));
    return server;
  });
  const http = createServer((request, response) => {
    void toNodeHandler(handler)(request as NodeIncomingMessageLike, response);
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  onTestFinished(async () => {
    http.close();
    http.closeAllConnections();
    await once(http, 'close');
  });
  return `http://127.0.0.1:${String((http.address() as AddressInfo).port)}/mcp`;
}
