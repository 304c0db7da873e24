import type { Readable } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import {
  deserializeMessage,
  SdkError,
  SdkErrorCode,
  serializeMessage,
  type JSONRPCMessage,
} from '@modelcontextprotocol/client';
import type { StdioTarget } from './connect-target.js';
import { jsonExcess } from './json-limits.js';
import { McpError, type McpErrorKind } from './mcp-error.js';
import { MAX_MESSAGE_SIZE } from './message.js';
import { createNoiseLimit } from './noise-limit.js';
import { createPendingRequests } from './pending-requests.js';
import { endGroup, killGroup, leaderExit, spawnGroup, type ProcessGroup } from './process-group.js';
import { createLineBuffer } from './process-lines.js';
import type { McpTransport } from './transport.js';
import { within } from './within.js';

/** How long the pipe may still bring answers after the process is gone. */
const DRAIN_MS = 200;
const DEFAULT_GRACE_MS = 2000;

const SPACE = 0x20;
const OPEN_OBJECT = 0x7b;

/** What a process transport takes besides its target. */
export interface ProcessOptions {
  readonly onStderr?: ((text: string) => void) | undefined;
  /** Called once when no more of it comes. */
  readonly onStderrEnd?: (() => void) | undefined;
  /** The largest message that is taken. Default 10 MiB. */
  readonly maxMessageBytes?: number | undefined;
}

/**
 * The transport to a process. Unlike the SDK's it owns the whole process group, tells the
 * end by the exit of the process (a grandchild may hold the pipe open for ever), and a
 * send does not hang when the process dies.
 */
export class ProcessTransport implements McpTransport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  /** Called once when the whole process group is gone. */
  onGone?: () => void;
  readonly hasSession = false;
  endCause: McpError | undefined;
  readonly #target: StdioTarget;
  readonly #onStderr: ((text: string) => void) | undefined;
  readonly #onStderrEnd: (() => void) | undefined;
  readonly #maxMessageBytes: number;
  readonly #pending = createPendingRequests();
  readonly #noise = createNoiseLimit();
  #group: ProcessGroup | undefined;
  #reading: Promise<unknown> = Promise.resolve();
  #ended = false;
  #closing: Promise<void> | undefined;

  constructor(target: StdioTarget, options: ProcessOptions = {}) {
    this.#target = target;
    this.#onStderr = options.onStderr;
    this.#onStderrEnd = options.onStderrEnd;
    this.#maxMessageBytes = options.maxMessageBytes ?? MAX_MESSAGE_SIZE;
  }

  get processId(): number | undefined {
    return this.#group?.child.pid;
  }

  /** How the process ended; undefined while it runs, or if it never ran. */
  get exit(): string | undefined {
    const { signalCode = null, exitCode = null, pid } = this.#group?.child ?? {};
    // One that could not be started has an exit code as well.
    if (pid === undefined) return undefined;
    if (signalCode !== null) return `signal ${signalCode}`;
    return exitCode === null ? undefined : `exit code ${String(exitCode)}`;
  }

  async exitSoon(): Promise<string | undefined> {
    const child = this.#group?.child;
    if (child?.pid !== undefined && this.exit === undefined) await leaderExit(child, DRAIN_MS);
    return this.exit;
  }

  async start(): Promise<void> {
    if (this.#closing !== undefined) throw new SdkError(SdkErrorCode.NotConnected, 'closed');
    this.#group = spawnGroup(this.#target);
    const { child } = this.#group;
    const spawned = new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.on('error', (error) => this.onerror?.(error));
    for (const stream of [child.stdin, child.stdout, child.stderr]) {
      stream?.on('error', (error) => this.onerror?.(error));
    }
    child.once('exit', () => void this.#exited());
    await spawned;
    const { stdout, stderr } = child;
    this.#reading = Promise.all([
      stdout === null ? undefined : this.#readToEnd(stdout),
      stderr === null ? undefined : this.#readErrorsToEnd(stderr),
    ]);
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#group?.child.stdin;
    if (stdin?.writable !== true || this.#ended) {
      throw new SdkError(SdkErrorCode.NotConnected, 'the process has ended');
    }
    this.#pending.sending(message);
    await new Promise<void>((resolve, reject) => {
      stdin.write(serializeMessage(message), (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  /** Ends the process group; see endGroup. Idempotent. */
  async close(graceMs = DEFAULT_GRACE_MS): Promise<void> {
    this.#closing ??= this.#end(graceMs);
    await this.#closing;
  }

  /** Ends the process group at once and does not wait. For the end of our own process. */
  killNow(): void {
    if (this.#group !== undefined) killGroup(this.#group);
  }

  async #end(graceMs: number): Promise<void> {
    // Requests in flight fail now, not after the grace.
    this.#finish();
    if (this.#group !== undefined) {
      await endGroup(this.#group, graceMs);
      const { stdin, stdout, stderr } = this.#group.child;
      for (const stream of [stdin, stdout, stderr]) stream?.destroy();
    }
    this.onGone?.();
  }

  /** The process is gone: what it has said is still read, unless a grandchild holds the pipe open. */
  async #exited(): Promise<void> {
    await within(DRAIN_MS, this.#reading);
    await this.close();
  }

  #fail(kind: McpErrorKind, message: string): void {
    if (this.#ended) return;
    this.endCause = new McpError(kind, message, { sent: true });
    void this.close();
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.onclose?.();
  }

  /** Reads messages until the end, of the output or of the connection, and then drops the rest. */
  async #read(stdout: Readable): Promise<void> {
    const lines = createLineBuffer();
    for await (const chunk of stdout.iterator({ destroyOnReturn: false })) {
      for (const line of lines.push(chunk as Buffer)) {
        await this.#take(line);
        if (this.#ended) break;
      }
      // There is no finding the next message in a line without an end.
      if (lines.pendingBytes > this.#maxMessageBytes) this.#tooLarge();
      if (this.#ended) break;
    }
    // One that was ended for what it sent may send without end.
    if (this.endCause === undefined) stdout.resume();
    else stdout.destroy();
  }

  async #readToEnd(stdout: Readable): Promise<void> {
    // What breaks it is told by the stream itself.
    await this.#read(stdout).catch(() => undefined);
    if ((await this.exitSoon()) === undefined) this.#fail('lost', 'the process closed its output');
  }

  /** Takes one line in a turn of its own, so that no server holds up others by its number of lines. */
  async #take(line: Buffer): Promise<void> {
    if (line.length > this.#maxMessageBytes) {
      this.#tooLarge();
      return;
    }
    const message = this.#parse(line);
    if (this.#ended) return;
    if (message !== undefined && this.#pending.settle(message)) this.#noise.forgive();
    else await this.#holdBack(line.length);
    if (message !== undefined) this.onmessage?.(message);
    await nextTurn();
  }

  /** Undefined for a line that is no message: what is no object is skipped, and other things told. */
  #parse(line: Buffer): JSONRPCMessage | undefined {
    if (!isObjectText(line)) return undefined;
    const excess = jsonExcess(line);
    if (excess !== undefined) {
      this.#fail('limit_exceeded', `the process sent a message with ${excess}`);
      return undefined;
    }
    try {
      return deserializeMessage(line.toString());
    } catch (error) {
      if (!(error instanceof SyntaxError)) this.onerror?.(error as Error);
      return undefined;
    }
  }

  async #holdBack(bytes: number): Promise<void> {
    const waitMs = this.#noise.take(bytes);
    // With calls in flight they are not failed for it: each has a limit of its own.
    if (this.#noise.isTooNoisy && this.#pending.count === 0) {
      this.#fail('limit_exceeded', 'the process sends too much that nobody asked for');
    } else if (waitMs > 0) {
      await delay(waitMs);
    }
  }

  #tooLarge(): void {
    const text = `the process sent a message of more than ${String(this.#maxMessageBytes)} bytes`;
    this.#fail('limit_exceeded', text);
  }

  async #readErrorsToEnd(stderr: Readable): Promise<void> {
    await this.#readErrors(stderr).catch(() => undefined);
    this.#onStderrEnd?.();
  }

  async #readErrors(stderr: Readable): Promise<void> {
    const noise = createNoiseLimit();
    for await (const text of stderr.setEncoding('utf8')) {
      this.#onStderr?.(text as string);
      await delay(noise.take((text as string).length));
    }
  }
}

/** Whether a line can be a message: JSON-RPC has only objects. */
function isObjectText(line: Buffer): boolean {
  const first = line.find((byte) => byte > SPACE);
  return first === OPEN_OBJECT;
}
