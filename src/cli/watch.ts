import { backoffMs } from '../domain/backoff.js';
import type { SwitchboardError } from '../domain/errors.js';
import type { RegistryClient } from '../wire/client/registry-client.js';
import type { WatchAnswer } from '../wire/client/watch.js';
import { codeOf } from '../wire/status.js';
import type { Flags } from './connection.js';
import type { Io } from './io.js';
import { jsonLine } from './text.js';
import { viewOf } from './view.js';
import { textLine } from './watch-text.js';

const BACKOFF = { firstMs: 200, maxMs: 10_000, jitter: 0.5 };

/**
 * `switchboard watch`: prints a view and every change of it until `signal` aborts. What
 * belongs to one commit is printed together. When the server goes away, it goes on from the
 * last token, with growing delays; what ends the watch for good is thrown. A server that
 * cannot be reached at the start also ends it.
 */
export async function watch(
  client: RegistryClient,
  flags: Flags,
  io: Pick<Io, 'out' | 'err' | 'signal'>,
): Promise<void> {
  const view = viewOf(flags);
  const print = flags['json'] === true ? jsonLine : textLine;
  const progress: Progress = { token: '', pending: [], failures: 0, connected: false };
  const isStopped = (): boolean => io.signal.aborted;
  for (;;) {
    progress.pending = [];
    const error = await client.watchServers(
      { view, resumeToken: progress.token },
      {
        signal: io.signal,
        onMessage: (message) => {
          for (const whole of advance(progress, message)) io.out(print(whole));
        },
      },
    );
    if (isStopped()) return;
    if (error !== undefined && !(progress.connected && isTransient(error))) throw error;
    const waitMs = delayBefore(progress, error);
    io.err(
      `switchboard: ${error?.reason ?? 'the stream ended'}; reconnecting in ${waitMs.toFixed(0)} ms\n`,
    );
    await pause(waitMs, io.signal);
    if (isStopped()) return;
  }
}

interface Progress {
  /** From where to go on. */
  token: string;
  /** Events whose commit, or snapshot, is not complete. */
  pending: WatchAnswer[];
  /** Attempts since the last message. */
  failures: number;
  /** Whether there was ever a message. */
  connected: boolean;
}

/** Grows with every attempt, differs between clients, and is at least what the server asks for. */
function delayBefore(progress: Progress, error: SwitchboardError | undefined): number {
  progress.failures += 1;
  const delayMs = backoffMs(BACKOFF, progress.failures, Math.random());
  return Math.max(error?.retryDelayMs ?? 0, delayMs);
}

/** The messages that are to be printed now that `message` came. */
function advance(progress: Progress, message: WatchAnswer): readonly WatchAnswer[] {
  progress.failures = 0;
  progress.connected = true;
  const { content, closingToken } = message;
  if (closingToken !== undefined) {
    const whole = [...progress.pending, message];
    progress.pending = [];
    progress.token = closingToken;
    return whole;
  }
  switch (content.kind) {
    case 'event':
      progress.pending.push(message);
      return [];
    case 'heartbeat':
      // Empty while a snapshot is under way: nothing to resume from yet.
      if (progress.pending.length === 0 && content.token !== '') progress.token = content.token;
      return [message];
    case 'reset':
      progress.pending = [];
      return [message];
    default:
      return [];
  }
}

function isTransient(error: SwitchboardError): boolean {
  return codeOf(error) === 'UNAVAILABLE';
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
