import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import type { Flags } from './connection.js';
import { UsageError } from './failure.js';

/** What surrounds a command: where it writes, whom it can ask, and what stops it. */
export interface Io {
  /** For the answer that was asked for. */
  out(text: string): void;
  /** For everything said beside it. */
  err(text: string): void;
  /** Whether somebody reads standard error as it is written: progress is worth showing. */
  readonly watched: boolean;
  /** Whether somebody is there to be asked. */
  readonly interactive: boolean;
  /** Asks on standard error; answers the line, empty if there is none. Rejects when stopped. */
  ask(question: string): Promise<string>;
  /** All of standard input. */
  readInput(): Promise<string>;
  /** Aborts with the first Ctrl-C or SIGTERM; the second one ends the process at once. */
  readonly signal: AbortSignal;
}

/** What a command is given besides its arguments. */
export interface Surroundings {
  readonly flags: Flags;
  readonly io: Io;
}

/** The process itself. From here on Ctrl-C aborts `signal` and no longer ends the process. */
export function processIo(): Io {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      controller.abort();
    });
  }
  const { signal } = controller;
  return {
    out: (chunk) => void process.stdout.write(chunk),
    err: (chunk) => void process.stderr.write(chunk),
    watched: process.stderr.isTTY,
    interactive: process.stdin.isTTY && process.stderr.isTTY,
    ask: (question) => askOnTerminal(question, signal),
    readInput: () => text(process.stdin),
    signal,
  };
}

async function askOnTerminal(question: string, signal: AbortSignal): Promise<string> {
  const lines = createInterface({
    input: process.stdin,
    output: process.stderr,
    // As a terminal, it would take Ctrl-C for itself.
    terminal: false,
  });
  try {
    const ended = new Promise<string>((resolve) => {
      lines.once('close', () => {
        resolve('');
      });
    });
    return await Promise.race([lines.question(question, { signal }), ended]);
  } finally {
    lines.close();
  }
}

/** Whether to go on: `--yes` and a process that nobody watches go on without a question. */
export async function confirmed(
  io: Io,
  question: string,
  flags: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  if (flags['yes'] === true || !io.interactive) return true;
  try {
    return /^y(es)?$/i.test((await io.ask(`${question} [y/N] `)).trim());
  } catch (error) {
    if (!io.signal.aborted) throw error;
    io.err('\n');
    return false;
  }
}

/**
 * The same for what takes access away from people: where nobody can be asked, only `--yes` goes
 * on. Throws a UsageError.
 */
export async function confirmedLoss(
  io: Io,
  question: string,
  flags: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  if (flags['yes'] !== true && !io.interactive) {
    throw new UsageError(
      'this takes access away from people, and nobody can be asked without a terminal: pass --yes, or --dry-run to see what would change',
    );
  }
  return confirmed(io, question, flags);
}
