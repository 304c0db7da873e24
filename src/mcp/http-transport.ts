import {
  isInitializeRequest,
  isJSONRPCErrorResponse,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  StreamableHTTPClientTransport,
  type JSONRPCMessage,
  type MessageExtraInfo,
  type RequestId,
  type TransportSendOptions,
} from '@modelcontextprotocol/client';
import { boundedFetch } from './bounded-fetch.js';
import { createBufferBudget } from './buffer-budget.js';
import { ANSWER_LOST } from './classify-error.js';
import type { HttpTarget } from './connect-target.js';
import type { HttpFetch } from './http-fetch.js';
import type { McpError } from './mcp-error.js';
import { createReconnectDelay } from './reconnect-delay.js';
import type { McpTransport } from './transport.js';
import { within } from './within.js';

/** How long the end of a session may take. */
const END_SESSION_MS = 5000;

/** With what the SDK gives up on its stream of notices. It says so nowhere else. */
const GAVE_UP = /maximum reconnection attempts/i;

/** What it takes besides its target. */
export interface HttpTransportOptions {
  /** The largest message that is taken. */
  readonly maxMessageBytes: number;
  /** Called at the end of close(). */
  readonly onGone?: () => Promise<void>;
}

type SendOptions = NonNullable<Parameters<StreamableHTTPClientTransport['send']>[1]>;

/**
 * The SDK's streamable HTTP transport with four repairs: a request whose event stream
 * ends without the answer is answered with an error instead of hanging until its time-out
 * (typescript-sdk #2739); close() deletes the session first, also one whose handshake is
 * still under way; timers of reconnection do not keep our process alive; and what a server
 * makes us keep is bounded, and ends the connection where it exceeds a limit.
 */
export class HttpTransport implements McpTransport {
  readonly hasPerRequestStream = true;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage, extra?: MessageExtraInfo) => void;
  /** Called when the stream of notices is given up. */
  onStreamLost?: () => void;
  endCause: McpError | undefined;
  readonly #inner: StreamableHTTPClientTransport;
  readonly #onGone: (() => Promise<void>) | undefined;
  readonly #reconnectDelay = createReconnectDelay();
  readonly #waiting = new Set<RequestId>();
  #handshake: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #sessionGone = false;

  constructor(target: HttpTarget, http: HttpFetch, options: HttpTransportOptions) {
    this.#onGone = options.onGone;
    const { maxMessageBytes } = options;
    const budget = createBufferBudget((error) => this.#exceeded(error), maxMessageBytes);
    this.#inner = new StreamableHTTPClientTransport(new URL(target.url), {
      fetch: boundedFetch(http.fetch, budget),
      requestInit: { headers: { ...target.headers } },
      reconnectionScheduler: (reconnect, delayMs) => {
        const timer = setTimeout(reconnect, this.#reconnectDelay.next(delayMs)).unref();
        return () => clearTimeout(timer);
      },
    });
  }

  get hasSession(): boolean {
    return this.#inner.sessionId !== undefined;
  }

  setProtocolVersion(version: string): void {
    this.#inner.setProtocolVersion(version);
  }

  async start(): Promise<void> {
    this.#inner.onmessage = (message: JSONRPCMessage) => this.#receive(message);
    this.#inner.onclose = () => this.onclose?.();
    this.#inner.onerror = (error) => {
      this.onerror?.(error);
      if (GAVE_UP.test(error.message)) this.onStreamLost?.();
    };
    await this.#inner.start();
  }

  async send(message: JSONRPCMessage, options: TransportSendOptions = {}): Promise<void> {
    const passed = withoutUndefined(options);
    if (!isJSONRPCRequest(message)) {
      await this.#inner.send(message, passed);
      return;
    }
    const { id } = message;
    this.#waiting.add(id);
    const sending = this.#inner.send(message, {
      ...passed,
      onRequestStreamEnd: () => {
        options.onRequestStreamEnd?.();
        this.#answerLost(id);
      },
    });
    if (isInitializeRequest(message)) this.#handshake = sending;
    try {
      await sending;
    } catch (error) {
      this.#waiting.delete(id);
      throw error;
    }
  }

  forgetSession(): void {
    this.#sessionGone = true;
  }

  /** Deletes the session, in 5 s at most, then closes. Idempotent. */
  async close(): Promise<void> {
    this.#closing ??= this.#end();
    await this.#closing;
  }

  async #end(): Promise<void> {
    delete this.#inner.onerror;
    if (!this.#sessionGone) await within(END_SESSION_MS, this.#endSession());
    await this.#inner.close();
    await this.#onGone?.();
  }

  async #endSession(): Promise<void> {
    // An aborted handshake may yet open a session, which the server would keep for ever.
    await this.#handshake;
    await this.#inner.terminateSession();
  }

  #exceeded(error: McpError): void {
    if (this.#closing !== undefined) return;
    this.endCause = error;
    // Another request to such a server would only delay the end.
    this.#sessionGone = true;
    void this.close();
  }

  #receive(message: JSONRPCMessage): void {
    this.#reconnectDelay.reset();
    const isAnswer = isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message);
    if (isAnswer && message.id !== undefined) this.#waiting.delete(message.id);
    this.onmessage?.(message);
  }

  #answerLost(id: RequestId): void {
    if (!this.#waiting.delete(id)) return;
    const text = 'the event stream ended without the answer';
    const error = { code: -32000, message: text, data: ANSWER_LOST };
    this.onmessage?.({ jsonrpc: '2.0', id, error });
  }
}

/** The options that are set; those that mean nothing here are left out. */
function withoutUndefined(options: TransportSendOptions): SendOptions {
  const { requestSignal, headers, resumptionToken, onresumptiontoken } = options;
  return {
    ...(requestSignal === undefined ? {} : { requestSignal }),
    ...(headers === undefined ? {} : { headers }),
    ...(resumptionToken === undefined ? {} : { resumptionToken }),
    ...(onresumptiontoken === undefined ? {} : { onresumptiontoken }),
  };
}
