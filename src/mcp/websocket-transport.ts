import { isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as tlsConnect, type ConnectionOptions } from 'node:tls';
import {
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  type JSONRPCMessage,
} from '@modelcontextprotocol/client';
import { WebSocket, type ClientOptions, type RawData } from 'ws';
import { closeError } from './close-code.js';
import type { HttpTarget } from './connect-target.js';
import { McpError } from './mcp-error.js';
import { deliverMessage, largeMessage, limitExceeded } from './message.js';
import type { McpTransport, StreamLimits } from './transport.js';
import { openTunnel } from './tunnel.js';
import { within } from './within.js';

/** How long the peer has to answer our close. */
const CLOSE_MS = 1000;

/**
 * The transport to a WebSocket: each text frame is a message, subprotocol `mcp`. Whatever
 * ends the socket ends the session. With `readMs` the peer is pinged twice in that time, and
 * counts as lost when not a byte of it came for so long, whether or not an answer is due.
 */
export class WebSocketTransport implements McpTransport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly hasSession = false;
  endCause: McpError | undefined;
  readonly #target: HttpTarget;
  readonly #limits: StreamLimits;
  readonly #stop = new AbortController();
  #socket: WebSocket | undefined;
  #pinging: NodeJS.Timeout | undefined;
  #isOver = false;
  #closing: Promise<void> | undefined;

  constructor(target: HttpTarget, limits: StreamLimits) {
    this.#target = target;
    this.#limits = limits;
  }

  async start(): Promise<void> {
    const { signal } = this.#stop;
    signal.throwIfAborted();
    const options = await dialling(this.#target, signal);
    signal.throwIfAborted();
    const socket = new WebSocket(this.#target.url, 'mcp', {
      ...options,
      headers: { ...this.#target.headers },
      maxPayload: this.#limits.maxMessageBytes,
      perMessageDeflate: false,
      // One message a turn: the SDK drops progress that comes in one piece with an answer.
      allowSynchronousEvents: false,
    });
    this.#socket = socket;
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    const { readMs } = this.#limits;
    if (readMs !== undefined) this.#ping(socket, readMs);
    socket.once('open', () => this.#follow(socket));
    await opened(socket);
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const socket = this.#socket;
    if (this.#isOver || socket?.readyState !== WebSocket.OPEN) {
      throw new SdkError(SdkErrorCode.NotConnected, 'the WebSocket is not open');
    }
    await new Promise<void>((resolve, reject) => {
      socket.send(JSON.stringify(message), (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  /** Closes with 1000, and cuts after 1 s if the peer does not answer. */
  async close(): Promise<void> {
    this.#closing ??= this.#end();
    await this.#closing;
  }

  async #end(): Promise<void> {
    this.#finish();
    this.#stop.abort();
    const socket = this.#socket;
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.close(1000);
    await within(CLOSE_MS, closed);
    socket.terminate();
    await closed;
  }

  #follow(socket: WebSocket): void {
    socket.on('close', (code, reason) => this.#lost(closeError(code, reason.toString())));
    socket.on('error', (error) => {
      if (!this.#isOver) this.onerror?.(error);
      this.#lost(socketError(error, this.#limits));
    });
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.#isOver) return;
    if (isBinary) this.onerror?.(new Error('a binary frame, which is no message'));
    // Text comes in one piece, as a Buffer: nothing else was asked for.
    else this.#deliver((data as Buffer).toString());
  }

  #deliver(text: string): void {
    try {
      deliverMessage(text, this);
    } catch (error) {
      this.#lost(error as McpError);
      this.#socket?.terminate();
    }
  }

  #ping(socket: WebSocket, readMs: number): void {
    socket.once('upgrade', ({ socket: tcp }) => {
      let heard = tcp.bytesRead;
      let silentTurns = 0;
      this.#pinging = setInterval(() => {
        silentTurns = tcp.bytesRead === heard ? silentTurns + 1 : 0;
        heard = tcp.bytesRead;
        // Turns and not the clock: after a stall of our own the answer may lie there unread.
        if (silentTurns < 2) {
          if (socket.readyState === WebSocket.OPEN) socket.ping();
          return;
        }
        this.#lost(new McpError('lost', `nothing came for ${String(readMs)} ms`, { sent: true }));
        socket.terminate();
      }, readMs / 2).unref();
    });
  }

  #lost(cause: McpError): void {
    if (this.#isOver) return;
    this.endCause = cause;
    this.#finish();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#pinging);
    this.onclose?.();
  }
}

function socketError(error: Error, { maxMessageBytes }: StreamLimits): McpError {
  const isTooLarge = 'code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
  if (isTooLarge) return limitExceeded(largeMessage(maxMessageBytes));
  return new McpError('lost', error.message, { sent: true, cause: error });
}

/**
 * Rejects with the HTTP status of a refused upgrade, or why else it did not open. The
 * socket is the caller's to close.
 */
async function opened(socket: WebSocket): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    // For good: an aborted handshake tells an error as well.
    socket.on('error', reject);
    socket.once('unexpected-response', (_request, { statusCode = 0, statusMessage = '' }) => {
      const data = { status: statusCode, statusText: statusMessage };
      reject(new SdkHttpError(SdkErrorCode.ClientHttpNotImplemented, 'not upgraded', data));
    });
  });
}

/** What is passed on to the socket as well. */
type DialOptions = ClientOptions & { readonly lookup?: LookupFunction };

/** How the socket is made: directly, or through the proxy of the target. */
async function dialling(target: HttpTarget, signal: AbortSignal): Promise<DialOptions> {
  const { proxyUrl, guard } = target;
  if (proxyUrl === undefined) return guard === undefined ? {} : { lookup: guard.lookup };
  const { hostname, port, protocol } = new URL(target.url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const isSecure = protocol === 'wss:';
  const end = { host, port: Number(port || (isSecure ? 443 : 80)) };
  const tunnel = await openTunnel(proxyUrl, end, { signal, ...(guard && { guard }) });
  const servername = isIP(host) === 0 ? { servername: host } : {};
  const createConnection = (options: ConnectionOptions): Socket =>
    isSecure ? tlsConnect({ ...options, ...servername, path: undefined, socket: tunnel }) : tunnel;
  // The declared type is that of net.createConnection with all its forms.
  return { createConnection: createConnection as NonNullable<ClientOptions['createConnection']> };
}
