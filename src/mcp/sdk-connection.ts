import {
  SdkError,
  SdkErrorCode,
  type CallToolResult,
  type Client,
  type RequestOptions as SdkOptions,
  type StandardSchemaV1,
} from '@modelcontextprotocol/client';
import { TIMEOUT_DEFAULTS } from '../domain/config/spec.js';
import { freezeDeep } from '../domain/freeze-deep.js';
import { timerMs } from '../domain/timer.js';
import { classifyError } from './classify-error.js';
import { aborted } from './handshake.js';
import { markList } from './list-limit.js';
import type {
  McpConnection,
  RawRequest,
  RequestOptions,
  ServerInfo,
  Tool,
  ToolCall,
  ToolResult,
} from './mcp-connection.js';
import { McpError, type McpErrorKind } from './mcp-error.js';
import type { ErrorRedactor } from './redacted-error.js';
import type { ConnectionListeners } from './redacted-listeners.js';
import type { Redactor } from './redactor.js';
import type { ResultValidator } from './schema-validator.js';
import { createTimeLimit } from './time-limit.js';
import type { McpTransport } from './transport.js';

/** Defaults and listeners of a connection; see ConnectOptions. */
export interface ConnectionOptions extends Omit<ConnectionListeners, 'onStderr'> {
  readonly callMs?: number;
}

/** What a connection consists of. */
export interface ConnectionParts {
  readonly client: Client;
  readonly transport: McpTransport;
  readonly results: ResultValidator;
  readonly redactor: Redactor;
  readonly redactError: ErrorRedactor;
}

const PROBE_MS = 10_000;

/** How often the time without progress a request may take in all. */
const TOTAL_FACTOR = 10;

/** After these the connection is of no more use. */
const FATAL = new Set<McpErrorKind>(['stale_session', 'closed', 'limit_exceeded']);

/** Errors that a probe takes for an answer. */
const ANSWERS = new Set<McpErrorKind>(['refused', 'invalid_answer']);

/** Takes any result as it is. */
const UNCHECKED: StandardSchemaV1<unknown, Record<string, unknown>> = {
  '~standard': {
    version: 1,
    vendor: 'switchboard',
    validate: (value) => ({ value: value as Record<string, unknown> }),
  },
};

/**
 * An open connection over a client of the SDK. It watches for the three signs of a dead
 * peer: the end of the process, what calls fail with, and a probe that it sends by itself
 * when the stream of notices was given up.
 */
export class SdkConnection implements McpConnection {
  readonly era: 'legacy' | 'modern';
  readonly protocolVersion: string | undefined;
  readonly serverInfo: ServerInfo | undefined;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly instructions: string | undefined;
  readonly redactor: Redactor;
  readonly #redactError: ErrorRedactor;
  readonly #client: Client;
  readonly #transport: McpTransport;
  readonly #results: ResultValidator;
  readonly #options: ConnectionOptions;
  #dead = false;
  #probing: Promise<void> | undefined;

  constructor(parts: ConnectionParts, options: ConnectionOptions) {
    const { client, transport, results, redactor, redactError } = parts;
    this.redactor = redactor;
    this.#redactError = redactError;
    this.#client = client;
    this.#transport = transport;
    this.#results = results;
    this.#options = options;
    this.era = client.getProtocolEra() ?? 'legacy';
    this.protocolVersion = client.getNegotiatedProtocolVersion();
    // Copies, as many may hold this connection and the SDK keeps its own.
    this.serverInfo = freezeDeep(structuredClone(client.getServerVersion()));
    this.capabilities = freezeDeep(structuredClone(client.getServerCapabilities() ?? {}));
    this.instructions = client.getInstructions();
    client.onerror = (error) => options.onError?.(error);
    client.onclose = () => this.#died(transport.endCause ?? ended());
    transport.onStreamLost = () => void this.probe().catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.#transport.processId;
  }

  async callTool(call: ToolCall, options: RequestOptions = {}): Promise<ToolResult> {
    const params = { name: call.name, arguments: { ...call.arguments } };
    const result = await this.#run(options, async (sdk) => {
      const called = await this.#client.callTool(params, sdk);
      await this.#results.check(called.structuredContent);
      options.signal?.throwIfAborted();
      return called;
    });
    return toToolResult(result);
  }

  async listTools(options: RequestOptions = {}): Promise<readonly Tool[]> {
    // The SDK would print a line to our standard output.
    if (this.capabilities['tools'] === undefined) return [];
    const list = markList();
    const { tools } = await this.#run(options, (sdk) =>
      this.#client.listTools(undefined, { ...sdk, ...list }),
    );
    return tools;
  }

  async request(call: RawRequest, options: RequestOptions = {}): Promise<Record<string, unknown>> {
    const request = { method: call.method, params: { ...call.params } };
    return this.#run(options, (sdk) => this.#client.request(request, UNCHECKED, sdk));
  }

  async probe(options: RequestOptions = {}): Promise<void> {
    this.#probing ??= this.#probe(options).finally(() => (this.#probing = undefined));
    await this.#probing;
  }

  async close(options: { readonly graceMs?: number } = {}): Promise<void> {
    this.#dead = true;
    // Ours, and not the client's: that would end requests first, and the session never.
    try {
      await this.#transport.close(options.graceMs);
      await this.#client.close();
    } catch (error) {
      this.#options.onError?.(error as Error);
    }
  }

  async #probe(options: RequestOptions): Promise<void> {
    const timed = { timeoutMs: PROBE_MS, totalTimeoutMs: PROBE_MS, ...options };
    try {
      await this.#run(timed, (sdk) =>
        this.era === 'modern' ? this.#client.discover(sdk) : this.#client.ping(sdk),
      );
    } catch (error) {
      const cause = error as McpError;
      if (ANSWERS.has(cause.kind)) return;
      if (cause.kind !== 'aborted' && cause.kind !== 'unauthorized') this.#died(cause);
      throw cause;
    }
  }

  async #run<T>(options: RequestOptions, send: (sdk: SdkOptions) => Promise<T>): Promise<T> {
    const { signal, onProgress } = options;
    const timeoutMs = options.timeoutMs ?? this.#options.callMs ?? TIMEOUT_DEFAULTS.callMs;
    if (isAborted(signal)) throw aborted(signal);
    const totalMs = options.totalTimeoutMs ?? timeoutMs * TOTAL_FACTOR;
    // The SDK would look at such a limit only when progress comes, and anew for each page.
    const limit = createTimeLimit(totalMs, signal, () => tooLate(totalMs));
    const hadSession = this.#transport.hasSession;
    try {
      return await send({
        timeout: timerMs(timeoutMs),
        // Without a listener no progress is asked for, and none would start the time anew.
        resetTimeoutOnProgress: true,
        onprogress: (progress) => onProgress?.(progress),
        signal: limit.signal,
      });
    } catch (error) {
      if (isAborted(signal)) throw aborted(signal);
      const classified = this.#redactError(this.#classify(error, hadSession));
      // Refused connections and lost streams alike: the session that we had is gone.
      if (FATAL.has(classified.kind) || isUnreachable(classified)) this.#died(classified);
      else if (classified.kind === 'lost') void this.probe().catch(() => undefined);
      throw classified;
    } finally {
      limit.release();
    }
  }

  #classify(error: unknown, hadSession: boolean): McpError {
    const { endCause } = this.#transport;
    const hasEnded = error instanceof SdkError && error.code === SdkErrorCode.ConnectionClosed;
    return hasEnded && endCause !== undefined ? endCause : classifyError(error, { hadSession });
  }

  #died(cause: McpError): void {
    if (this.#dead) return;
    this.#dead = true;
    if (cause.kind !== 'timeout') this.#transport.forgetSession?.();
    this.#options.onClosed?.(cause);
  }
}

// A function, because the compiler does not know that a signal changes during an await.
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** In words of the SDK, which cancels the request with it. */
function tooLate(totalMs: number): SdkError {
  const text = `no answer within ${String(totalMs)} ms in all`;
  return new SdkError(SdkErrorCode.RequestTimeout, text);
}

function isUnreachable(error: McpError): boolean {
  return error.kind === 'lost' && !error.sent;
}

/** What is said of an end of which nothing more is known. */
function ended(): McpError {
  return new McpError('closed', 'the connection has ended', { sent: false });
}

function toToolResult(result: CallToolResult): ToolResult {
  return {
    content: result.content,
    ...(result.structuredContent === undefined
      ? {}
      : { structuredContent: result.structuredContent }),
    isError: result.isError === true,
  };
}
