import {
  isJSONRPCNotification,
  isJSONRPCRequest,
  SdkError,
  SdkErrorCode,
  type JSONRPCMessage,
  type MessageExtraInfo,
  type RequestId,
  type TransportSendOptions,
} from '@modelcontextprotocol/client';
import { createTokenBucket, type Rate } from '../domain/token-bucket.js';
import type { McpError } from './mcp-error.js';
import { createListLimit, type ListLimit } from './list-limit.js';
import { limitExceeded, MAX_MESSAGE_SIZE } from './message.js';
import type { McpTransport } from './transport.js';

/** Requests of a server whose answers it may leave unread. */
export const MAX_UNANSWERED = 64;

/** Requests of a server: each of them makes us send something. */
const REQUESTS: Rate = { burst: 500, perSecond: 50 };

/** Notifications of a server. */
const NOTIFICATIONS: Rate = { burst: 10_000, perSecond: 2000 };

/**
 * Any transport, with limits to what a server may demand by itself, and to its lists. Beyond them the
 * connection ends with `limit_exceeded`, without ending its session.
 */
export class LimitedTransport implements McpTransport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage, extra?: MessageExtraInfo) => void;
  readonly #inner: McpTransport;
  readonly #requests = createTokenBucket(REQUESTS);
  readonly #notifications = createTokenBucket(NOTIFICATIONS);
  readonly #unanswered = new Set<RequestId>();
  readonly #maxListBytes: number;
  readonly #lists: ListLimit;
  #failure: McpError | undefined;

  /** A list may have as many bytes, over all its pages, as one message. */
  constructor(inner: McpTransport, maxMessageBytes = MAX_MESSAGE_SIZE) {
    this.#inner = inner;
    this.#maxListBytes = maxMessageBytes;
    this.#lists = createListLimit(maxMessageBytes);
  }

  get hasSession(): boolean {
    return this.#inner.hasSession;
  }

  get hasPerRequestStream(): boolean {
    return this.#inner.hasPerRequestStream === true;
  }

  get endCause(): McpError | undefined {
    return this.#failure ?? this.#inner.endCause;
  }

  get processId(): number | undefined {
    return this.#inner.processId;
  }

  set onStreamLost(listener: () => void) {
    this.#inner.onStreamLost = listener;
  }

  setProtocolVersion(version: string): void {
    this.#inner.setProtocolVersion?.(version);
  }

  forgetSession(): void {
    this.#inner.forgetSession?.();
  }

  async exitSoon(): Promise<string | undefined> {
    return this.#inner.exitSoon?.();
  }

  async start(): Promise<void> {
    this.#inner.onmessage = (message: JSONRPCMessage, extra?: MessageExtraInfo) =>
      this.#receive(message, extra);
    this.#inner.onerror = (error) => this.onerror?.(error);
    this.#inner.onclose = () => this.onclose?.();
    await this.#inner.start();
  }

  async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if (this.#failure !== undefined) {
      throw new SdkError(SdkErrorCode.NotConnected, this.#failure.message);
    }
    this.#lists.sending(message, options);
    try {
      await this.#inner.send(message, options);
    } finally {
      if (!('method' in message) && message.id !== undefined) this.#unanswered.delete(message.id);
    }
  }

  async close(graceMs?: number): Promise<void> {
    await this.#inner.close(graceMs);
  }

  #receive(message: JSONRPCMessage, extra?: MessageExtraInfo): void {
    if (this.#failure !== undefined) return;
    const excess = this.#excess(message);
    if (excess === undefined) {
      this.onmessage?.(message, extra);
      return;
    }
    this.#failure = limitExceeded(excess);
    this.#inner.forgetSession?.();
    void this.#inner.close();
  }

  #excess(message: JSONRPCMessage): string | undefined {
    const now = performance.now();
    if (isJSONRPCRequest(message)) {
      if (this.#unanswered.size >= MAX_UNANSWERED) {
        return `more than ${String(MAX_UNANSWERED)} requests without reading the answers`;
      }
      this.#unanswered.add(message.id);
      return this.#requests.take(now) >= 0 ? undefined : rateText('requests', REQUESTS);
    }
    if (isJSONRPCNotification(message)) {
      return this.#notifications.take(now) >= 0
        ? undefined
        : rateText('notifications', NOTIFICATIONS);
    }
    if (!this.#lists.isExceededBy(message)) return undefined;
    return `a list of more than ${String(this.#maxListBytes)} bytes`;
  }
}

function rateText(what: string, { burst, perSecond }: Rate): string {
  return `more than ${String(burst)} ${what} at once, or ${String(perSecond)} a second`;
}
