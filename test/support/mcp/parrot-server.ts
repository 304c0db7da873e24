import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import type { ConnectTarget } from '../../../src/mcp/connect-target.js';
import { INITIALIZED, openOddServer, type RpcRequest } from './odd-server.js';
import { ownServer } from './own-server.js';

/** How a server sends what it is given. */
export const PARROT_KINDS = ['stdio', 'sse', 'websocket', 'HTTP events', 'HTTP body'] as const;
export type ParrotKind = (typeof PARROT_KINDS)[number];

/**
 * A server whose tools send the bytes of their argument `raw`, in base64, as a message, and then
 * what they should. `$ID` in them is the id of the call. As an HTTP body they are all it sends.
 */
export async function openParrot(kind: ParrotKind): Promise<ConnectTarget> {
  if (kind === 'stdio') return ownServer(PROGRAM);
  if (kind === 'websocket') return { kind, url: await openWebSockets(), headers: {} };
  if (kind === 'sse') return { kind, url: await openSse(), headers: {} };
  const { url } = await openOddServer(({ rpc, response }) => {
    if (rpc?.id === undefined) return false;
    const messages = messagesFor(rpc);
    if (kind === 'HTTP body') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(messages[0]);
    } else {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(Buffer.concat(messages.map(toEvent)));
    }
    return true;
  });
  return { kind: 'streamable_http', url, headers: {} };
}

const PROGRAM = `
  process.stdin.once('end', () => process.exit(0));
  handle('tools/call', (id, { arguments: { raw } }) => {
    const text = Buffer.from(raw, 'base64').toString('latin1').replaceAll('$ID', id) + '\\n';
    process.stdout.write(Buffer.from(text, 'latin1'));
    answer(id, { content: [] });
  });`;

function messagesFor({ id, method, params }: RpcRequest): Buffer[] {
  const result = method === 'initialize' ? INITIALIZED : { content: [] };
  const answer = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, result }));
  const { raw } = (params?.['arguments'] ?? {}) as { readonly raw?: string };
  if (raw === undefined) return [answer];
  const text = Buffer.from(raw, 'base64').toString('latin1').replaceAll('$ID', String(id));
  return [Buffer.from(text, 'latin1'), answer];
}

function toEvent(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from('data: '), message, Buffer.from('\n\n')]);
}

async function openSse(): Promise<string> {
  let opened = 0;
  const streams = new Map<string, ServerResponse>();
  const { url } = await openOddServer(({ rpc, request, response }) => {
    if (request.method === 'GET') {
      const endpoint = `/post/${String((opened += 1))}`;
      streams.set(endpoint, response);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`event: endpoint\ndata: ${endpoint}\n\n`);
      return true;
    }
    response.writeHead(202).end();
    const stream = streams.get(request.url ?? '');
    if (rpc?.id !== undefined) stream?.write(Buffer.concat(messagesFor(rpc).map(toEvent)));
    return true;
  });
  return url;
}

async function openWebSockets(): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer) => {
      const rpc = JSON.parse(data.toString()) as RpcRequest;
      if (rpc.id === undefined) return;
      for (const message of messagesFor(rpc)) socket.send(message, { binary: false });
    });
  });
  await once(server, 'listening');
  return `ws://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}
