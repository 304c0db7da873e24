import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A JSON-RPC request as it came. */
export interface RpcRequest {
  readonly id?: number | string;
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** One exchange: `rpc` is undefined for what is no JSON-RPC request. */
export interface OddExchange {
  readonly rpc: RpcRequest | undefined;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Answers an exchange in its own way; false leaves it to the server, which behaves well. */
export type OddBehaviour = (exchange: OddExchange) => boolean | Promise<boolean>;

/** A server that speaks just enough MCP over streamable HTTP to do it wrong. */
export interface OddServer {
  readonly url: string;
  /** JSON-RPC methods, or HTTP method and path, in order. */
  readonly seen: readonly string[];
  /** Exchanges whose answer has not ended, and whose client is still there. */
  readonly open: number;
}

/** Starts one. Well-behaved it is of the old era and has the tool `one`. */
export async function startOddServer(
  behave: OddBehaviour = () => false,
): Promise<OddServer & AsyncDisposable> {
  const seen: string[] = [];
  const open = new Set<ServerResponse>();
  const http = createServer((request, response) => {
    open.add(response);
    response.once('close', () => open.delete(response));
    void readRpc(request).then(async (rpc) => {
      seen.push(rpc?.method ?? `${request.method ?? ''} ${request.url ?? ''}`);
      if (!(await behave({ rpc, request, response }))) answerWell({ rpc, request, response });
    });
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}/mcp`,
    seen,
    get open() {
      return open.size;
    },
    async [Symbol.asyncDispose]() {
      http.close();
      http.closeAllConnections();
      await once(http, 'close');
    },
  };
}

/** Answers a request with a result. */
export function answer({ rpc, response }: OddExchange, result: object): true {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', id: rpc?.id, result }));
  return true;
}

/** Answers with nothing but a status and headers. */
export function refuse(
  { response }: OddExchange,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): true {
  response.writeHead(status, headers).end();
  return true;
}

/** What a well-behaved server answers to `initialize`. */
export const INITIALIZED = {
  protocolVersion: '2025-06-18',
  capabilities: { tools: {} },
  serverInfo: { name: 'odd', version: '1.2.3' },
  instructions: 'be kind',
};

/** So many tools, beginning with a number. */
export function tools(count: number, from = 0): object[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `tool-${String(from + index)}`,
    description: 'does something',
    inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
  }));
}

function answerWell(exchange: OddExchange): void {
  const { rpc, response } = exchange;
  if (rpc === undefined) response.writeHead(405).end();
  else if (rpc.id === undefined) response.writeHead(202).end();
  else if (rpc.method === 'initialize') answer(exchange, INITIALIZED);
  else if (rpc.method === 'tools/list')
    answer(exchange, { tools: [{ name: 'one', inputSchema: {} }] });
  else {
    const error = { code: -32601, message: 'Method not found' };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id: rpc.id, error }));
  }
}

async function readRpc(request: IncomingMessage): Promise<RpcRequest | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? undefined : (JSON.parse(text) as RpcRequest);
}
