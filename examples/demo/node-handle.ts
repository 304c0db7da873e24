import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { hasEnded, stopChild } from './child.js';
import type { CallRequest, FromNode, Report, ToNode } from './messages.js';

/** How long anything that the story waits for may take. Milliseconds. */
const PATIENCE_MS = 20_000;

/** The text that a call was answered with, or the reason why not. */
export interface Outcome {
  readonly text?: string;
  readonly reason?: string;
}

/** A call that a node makes. */
export interface RunningCall {
  /** Resolves when the server says that it works on it, at the latest at its end. */
  readonly begun: Promise<void>;
  readonly ended: Promise<Outcome>;
}

/** Starts a node that follows `target` for `user`; resolves when it has what the user may use. */
export async function startNode(
  name: string,
  { target, user }: { readonly target: string; readonly user: string },
): Promise<Node> {
  const program = fileURLToPath(new URL('./node-process.js', import.meta.url));
  const node = new Node(name, fork(program, [name, target, user]));
  try {
    await node.until('its start', ({ status }) => status === 'READY');
    return node;
  } catch (error) {
    await node.stop();
    throw error;
  }
}

/** A node of the application, in a process of its own. */
export class Node {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #calls = new Map<number, (message: FromNode) => void>();
  readonly #looking = new Set<() => void>();
  #report: Report | undefined;
  #lastCall = 0;

  constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    child.on('message', (message: FromNode) => {
      this.#receive(message);
    });
    child.once('exit', () => {
      this.#ended();
    });
  }

  /** What it has said last of itself. */
  get report(): Report {
    if (this.#report === undefined) throw new Error(`${this.name} has said nothing yet`);
    return this.#report;
  }

  get isRunning(): boolean {
    return !hasEnded(this.#child);
  }

  /** Lets the node call a tool for its user. */
  call(request: CallRequest): RunningCall {
    const id = (this.#lastCall += 1);
    let begin!: () => void;
    let end!: (outcome: Outcome) => void;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const ended = new Promise<Outcome>((resolve) => (end = resolve));
    void ended.then(begin);
    this.#calls.set(id, (message) => {
      if (message.type === 'progress') begin();
      if (message.type === 'answer') end({ text: message.text });
      if (message.type === 'failure') end({ reason: message.reason });
    });
    if (this.isRunning) this.#tell({ type: 'call', id, ...request });
    else this.#ended();
    return { begun, ended };
  }

  /** Waits until the node reports something; fails if it does not, and says so with `what`. */
  until(what: string, isSo: (report: Report) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#looking.delete(look);
      };
      const fail = (why: string): void => {
        done();
        const last = JSON.stringify(this.#report);
        reject(new Error(`${this.name}, ${what}: ${why}. Its last report: ${last}`));
      };
      const look = (): void => {
        if (!this.isRunning) {
          fail('the process has ended');
        } else if (this.#report !== undefined && isSo(this.#report)) {
          done();
          resolve();
        }
      };
      const timer = setTimeout(() => {
        fail('did not come in time');
      }, PATIENCE_MS);
      this.#looking.add(look);
      look();
    });
  }

  /** Lets the process close its connections and end. Twice is fine. */
  async stop(): Promise<void> {
    if (!this.isRunning) return;
    const ended = once(this.#child, 'exit');
    this.#tell({ type: 'stop' });
    const force = setTimeout(() => void stopChild(this.#child), PATIENCE_MS);
    await ended;
    clearTimeout(force);
  }

  #receive(message: FromNode): void {
    if (message.type !== 'report') {
      this.#calls.get(message.id)?.(message);
      return;
    }
    this.#report = message.report;
    for (const look of [...this.#looking]) look();
  }

  #ended(): void {
    for (const [id, on] of this.#calls) on({ type: 'failure', id, reason: 'the node has ended' });
    for (const look of [...this.#looking]) look();
  }

  #tell(message: ToNode): void {
    if (this.#child.connected) this.#child.send(message);
  }
}
