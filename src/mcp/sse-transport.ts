import {
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  type FetchLike,
  type JSONRPCMessage,
} from '@modelcontextprotocol/client';
import type { EventSourceMessage } from 'eventsource-parser';
import { classifyError } from './classify-error.js';
import type { HttpTarget } from './connect-target.js';
import { readEvents } from './event-stream.js';
import { fetchWithinOrigin } from './fetch-within-origin.js';
import type { HttpFetch } from './http-fetch.js';
import { McpError } from './mcp-error.js';
import { deliverMessage } from './message.js';
import { errorText, MAX_ERROR_BYTES, readAtMost } from './read-body.js';
import { createSilenceLimit, type SilenceLimit } from './silence-limit.js';
import type { McpTransport, StreamLimits } from './transport.js';
import { within } from './within.js';

/** How long posts under way may still say whether they arrived after the stream ended. */
const DRAIN_MS = 200;

/**
 * The transport of protocol 2024-11-05: one event stream from the server, and a POST for
 * each message to it. The session lives as long as the stream. Unlike the SDK's, which
 * opens another stream and so speaks to a server that never met it, this one ends with
 * its stream: calls in flight fail at once, except that a POST whose answer is still to
 * come decides for itself whether it was sent. With `readMs` a stream counts as lost that
 * was silent for so long while an answer was due.
 */
export class SseTransport implements McpTransport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  /** False, because what a POST is answered is judged here. */
  readonly hasSession = false;
  endCause: McpError | undefined;
  readonly #target: HttpTarget;
  readonly #http: HttpFetch;
  readonly #fetch: FetchLike;
  readonly #silence: SilenceLimit;
  readonly #maxMessageBytes: number;
  readonly #posting = new Set<Promise<void>>();
  #endpoint: URL | undefined;
  #protocolVersion: string | undefined;
  #takesMessages = true;
  #isOver = false;
  #closing: Promise<void> | undefined;

  /** `http` is its own from now on, and closed with it. */
  constructor(target: HttpTarget, http: HttpFetch, { readMs, maxMessageBytes }: StreamLimits) {
    this.#target = target;
    this.#maxMessageBytes = maxMessageBytes;
    this.#fetch = fetchWithinOrigin(http.fetch);
    this.#http = http;
    this.#silence = createSilenceLimit(readMs, () => {
      void this.#lost(lost(`nothing came for ${String(readMs)} ms`));
    });
  }

  setProtocolVersion(version: string): void {
    this.#protocolVersion = version;
  }

  /** Fulfilled when the server has said where to send messages. */
  async start(): Promise<void> {
    const headers = { ...this.#target.headers, accept: 'text/event-stream' };
    const response = await this.#fetch(this.#target.url, { headers });
    if (!response.ok) throw await statusError(response);
    const type = response.headers.get('content-type') ?? 'none';
    const { body } = response;
    if (body === null || !type.startsWith('text/event-stream')) {
      await body?.cancel();
      const text = `not an event stream: content type ${type}`;
      throw new McpError('invalid_answer', text, { sent: false });
    }
    await new Promise<void>((resolve, reject) => {
      void this.#read(body, resolve).then((cause) => {
        reject(cause);
        return this.#lost(cause);
      });
    });
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const endpoint = this.#endpoint;
    if (!this.#takesMessages || endpoint === undefined) {
      throw new SdkError(SdkErrorCode.NotConnected, 'the event stream has ended');
    }
    this.#silence.sending(message);
    const posting = this.#post(endpoint, message);
    this.#posting.add(posting);
    try {
      await posting;
    } catch (error) {
      this.#silence.failed(message);
      throw error;
    } finally {
      this.#posting.delete(posting);
    }
  }

  /** Cuts the stream, which ends the session, and whatever else is open. */
  async close(): Promise<void> {
    this.#closing ??= this.#end();
    await this.#closing;
  }

  /** Reads to the end of the stream. Answers why it ended; never rejects. */
  async #read(body: ReadableStream<Uint8Array>, onEndpoint: () => void): Promise<McpError> {
    const onEvent = (event: EventSourceMessage): void => {
      if (event.event === 'endpoint') {
        this.#endpoint ??= endpointOf(event.data, this.#target.url);
        onEndpoint();
      } else if (event.event === undefined || event.event === 'message') {
        this.#receive(event.data);
      }
    };
    try {
      await readEvents(body, {
        maxMessageBytes: this.#maxMessageBytes,
        onEvent,
        onHeard: () => this.#silence.heard(),
      });
      return lost('the event stream ended');
    } catch (error) {
      if (error instanceof McpError && error.kind === 'limit_exceeded') return error;
      return lost(`the event stream broke: ${(error as Error).message}`);
    }
  }

  #receive(text: string): void {
    deliverMessage(text, {
      onerror: (error) => this.onerror?.(error),
      onmessage: (message) => {
        this.#silence.received(message);
        this.onmessage?.(message);
      },
    });
  }

  async #post(endpoint: URL, message: JSONRPCMessage): Promise<void> {
    const version = this.#protocolVersion;
    const response = await this.#fetch(endpoint, {
      method: 'POST',
      headers: {
        ...this.#target.headers,
        'content-type': 'application/json',
        ...(version === undefined ? {} : { 'mcp-protocol-version': version }),
      },
      body: JSON.stringify(message),
    });
    if (!response.ok) throw classifyError(await statusError(response), { hadSession: true });
    if (response.body !== null) await readAtMost(response.body, MAX_ERROR_BYTES);
  }

  async #lost(cause: McpError): Promise<void> {
    if (!this.#takesMessages) return;
    this.#takesMessages = false;
    this.endCause = cause;
    await within(DRAIN_MS, Promise.allSettled(this.#posting));
    this.#finish();
  }

  async #end(): Promise<void> {
    this.#takesMessages = false;
    this.#finish();
    await this.#http.close();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#silence.stop();
    this.onclose?.();
  }
}

function lost(text: string): McpError {
  return new McpError('lost', text, { sent: true });
}

async function statusError(response: Response): Promise<SdkHttpError> {
  const text = await errorText(response);
  const { status, statusText } = response;
  const code = SdkErrorCode.ClientHttpNotImplemented;
  return new SdkHttpError(code, `HTTP ${String(status)}`, { status, statusText, text });
}

/** Messages carry our headers: they go to no other origin. */
function endpointOf(data: string, streamUrl: string): URL {
  const { origin } = new URL(streamUrl);
  const endpoint = URL.canParse(data, streamUrl) ? new URL(data, streamUrl) : undefined;
  if (endpoint?.origin === origin) return endpoint;
  const text = `the server names an endpoint of another origin: ${endpoint?.origin ?? 'no URL'}`;
  throw new McpError('refused', text, { sent: false });
}
