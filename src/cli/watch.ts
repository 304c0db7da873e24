import { type ClientReadableStream, status, type StatusObject } from '@grpc/grpc-js';
import { backoffMs } from '../domain/backoff.js';
import type { SwitchboardError } from '../domain/errors.js';
import { WatchServersRequest, type WatchServersResponse } from '../wire/clients.js';
import { codeOf, fromStatus } from '../wire/status.js';
import { toViewMessage } from '../wire/view-codec.js';
import type { Connection, Flags } from './connection.js';
import type { Io } from './io.js';
import { viewOf } from './view.js';
import { jsonLine, textLine } from './watch-text.js';

const BACKOFF = { firstMs: 200, maxMs: 10_000, jitter: 0.5 };

/**
 * `switchboard watch`: prints a view and every change of it until `signal` aborts. What
 * belongs to one commit is printed together. When the server goes away, it goes on from the
 * last token, with growing delays; what ends the watch for good is thrown. A server that
 * cannot be reached at the start also ends it.
 */
export async function watch(
  connection: Connection,
  flags: Flags,
  io: Pick<Io, 'out' | 'err' | 'signal'>,
): Promise<void> {
  const view = toViewMessage(viewOf(flags));
  const print = flags['json'] === true ? jsonLine : textLine;
  const progress: Progress = { token: '', pending: [], failures: 0, connected: false };
  const isStopped = (): boolean => io.signal.aborted;
  for (;;) {
    const request = WatchServersRequest.fromPartial({
      tenant: connection.tenant,
      view,
      resumeToken: progress.token,
    });
    const stream = connection.client.watchServers(request, connection.metadata);
    progress.pending = [];
    const error = await readStream(stream, io.signal, (message) => {
      for (const whole of advance(progress, message)) io.out(print(whole));
    });
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
  pending: WatchServersResponse[];
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
function advance(
  progress: Progress,
  message: WatchServersResponse,
): readonly WatchServersResponse[] {
  progress.failures = 0;
  progress.connected = true;
  const closing = message.closes ?? closingOf(message);
  if (closing !== undefined) {
    const whole = [...progress.pending, message];
    progress.pending = [];
    progress.token = closing.token;
    return whole;
  }
  switch (message.message?.$case) {
    case 'event':
      progress.pending.push(message);
      return [];
    case 'heartbeat':
      // Empty while a snapshot is under way: nothing to resume from yet.
      if (progress.pending.length === 0 && message.message.value.token !== '') {
        progress.token = message.message.value.token;
      }
      return [message];
    case 'reset':
      progress.pending = [];
      return [message];
    default:
      return [];
  }
}

/** A message that does nothing but end a snapshot or a commit. */
function closingOf({ message }: WatchServersResponse): { readonly token: string } | undefined {
  return message?.$case === 'synced' || message?.$case === 'commit' ? message.value : undefined;
}

/** Reads until the stream ends; answers the error that it ended with. */
async function readStream(
  stream: ClientReadableStream<WatchServersResponse>,
  signal: AbortSignal,
  onMessage: (message: WatchServersResponse) => void,
): Promise<SwitchboardError | undefined> {
  const cancel = (): void => {
    stream.cancel();
  };
  signal.addEventListener('abort', cancel);
  stream.on('data', onMessage);
  // The status tells the same, and also comes when all is well.
  stream.on('error', () => undefined);
  // The status may come before the last messages were read, `end` comes after them.
  const [[ended]] = (await Promise.all([once(stream, 'status'), once(stream, 'end')])) as [
    [StatusObject],
    unknown,
  ];
  signal.removeEventListener('abort', cancel);
  return ended.code === status.OK ? undefined : fromStatus(ended);
}

/** The arguments of the next `event`; unlike that of node:events, an error is no end to it. */
function once(
  stream: ClientReadableStream<WatchServersResponse>,
  event: string,
): Promise<unknown[]> {
  return new Promise((resolve) => {
    stream.once(event, (...args: unknown[]) => {
      resolve(args);
    });
  });
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
