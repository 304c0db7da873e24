import type { ChildProcess } from 'node:child_process';
import {
  ReadBuffer,
  SdkError,
  SdkErrorCode,
  serializeMessage,
  type JSONRPCMessage,
} from '@modelcontextprotocol/client';
import type { StdioTarget } from './connect-target.js';
import { endGroup, leaderExit, signalGroup, spawnGroup } from './process-group.js';
import type { McpTransport } from './transport.js';

/** How long the pipe may still bring answers after the process is gone. */
const DRAIN_MS = 200;
const DEFAULT_GRACE_MS = 2000;

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
  readonly #target: StdioTarget;
  readonly #onStderr: ((text: string) => void) | undefined;
  readonly #buffer = new ReadBuffer();
  #child: ChildProcess | undefined;
  #ended = false;
  #closing: Promise<void> | undefined;

  constructor(target: StdioTarget, onStderr?: (text: string) => void) {
    this.#target = target;
    this.#onStderr = onStderr;
  }

  get processId(): number | undefined {
    return this.#child?.pid;
  }

  /** How the process ended; undefined while it runs, or if it never ran. */
  get exit(): string | undefined {
    const { signalCode = null, exitCode = null, pid } = this.#child ?? {};
    // One that could not be started has an exit code as well.
    if (pid === undefined) return undefined;
    if (signalCode !== null) return `signal ${signalCode}`;
    return exitCode === null ? undefined : `exit code ${String(exitCode)}`;
  }

  async exitSoon(): Promise<string | undefined> {
    const child = this.#child;
    if (child?.pid !== undefined && this.exit === undefined) await leaderExit(child, DRAIN_MS);
    return this.exit;
  }

  async start(): Promise<void> {
    if (this.#closing !== undefined) throw new SdkError(SdkErrorCode.NotConnected, 'closed');
    const child = spawnGroup(this.#target);
    this.#child = child;
    const spawned = new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.on('error', (error) => this.onerror?.(error));
    child.stdin?.on('error', (error) => this.onerror?.(error));
    child.stdout?.on('error', (error) => this.onerror?.(error));
    child.stdout?.on('data', (chunk: Buffer) => this.#read(chunk));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#onStderr?.(text));
    child.once('exit', () => this.#exited(child));
    await spawned;
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#child?.stdin;
    if (stdin?.writable !== true || this.#ended) {
      throw new SdkError(SdkErrorCode.NotConnected, 'the process has ended');
    }
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
    if (this.#child?.pid !== undefined) signalGroup(this.#child.pid, 'SIGKILL');
  }

  async #end(graceMs: number): Promise<void> {
    // Requests in flight fail now, not after the grace.
    this.#finish();
    const child = this.#child;
    if (child !== undefined) {
      await endGroup(child, graceMs);
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
    }
    this.onGone?.();
  }

  #exited(child: ChildProcess): void {
    const done = (): void => {
      clearTimeout(timer);
      void this.close();
    };
    const timer = setTimeout(done, DRAIN_MS);
    child.once('close', done);
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#buffer.clear();
    this.onclose?.();
  }

  #read(chunk: Buffer): void {
    if (this.#ended) return;
    try {
      this.#buffer.append(chunk);
    } catch (error) {
      // More than a message may have: there is no finding the next one.
      this.onerror?.(error as Error);
      void this.close();
      return;
    }
    while (this.#deliver());
  }

  /** Hands over one message; false when there is none. Lines that are no message are told and skipped. */
  #deliver(): boolean {
    try {
      const message = this.#buffer.readMessage();
      if (message === null) return false;
      this.onmessage?.(message);
    } catch (error) {
      this.onerror?.(error as Error);
    }
    return true;
  }
}
