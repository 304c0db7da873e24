import type { ClientReadableStream } from '@grpc/grpc-js';
import { isSwitchboardError, type SwitchboardError } from '../domain/errors.js';
import {
  type ServerEvent,
  WatchServersRequest,
  type WatchServersResponse,
} from '../wire/clients.js';
import { watchMessageToJson } from '../wire/json.js';
import { fromStatus, GRPC_CODES } from '../wire/status.js';
import { toViewMessage } from '../wire/view-codec.js';
import type { Connection, Flags } from './connection.js';
import { serverRow } from './server-text.js';
import { viewOf } from './view.js';

/** Where a watch writes to, and what stops it. */
export interface WatchIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly signal: AbortSignal;
}

const FIRST_DELAY_MS = 200;
const LAST_DELAY_MS = 10_000;

/**
 * `switchboard watch`: prints a view and every change of it until `signal` aborts. What
 * belongs to one commit is printed together. When the server goes away, it goes on from the
 * last token, with growing delays; what ends the watch for good is thrown. A server that
 * cannot be reached at the start also ends it.
 */
export async function watch(connection: Connection, flags: Flags, io: WatchIo): Promise<void> {
  const view = toViewMessage(viewOf(flags));
  const print = flags['json'] === true ? jsonLine : textLine;
  const progress: Progress = { token: '', pending: [] };
  let delayMs = FIRST_DELAY_MS;
  let connected = false;
  while (!io.signal.aborted) {
    const request = WatchServersRequest.fromPartial({
      tenant: connection.tenant,
      view,
      resumeToken: progress.token,
    });
    const stream = connection.client.watchServers(request, connection.metadata);
    progress.pending = [];
    const error = await readStream(stream, io.signal, (message) => {
      delayMs = FIRST_DELAY_MS;
      connected = true;
      for (const whole of advance(progress, message)) io.out(print(whole));
    });
    if (io.signal.aborted) return;
    if (error !== undefined && !(connected && isTransient(error))) throw error;
    const waitMs = Math.max(error?.retryDelayMs ?? 0, delayMs * (0.5 + Math.random() / 2));
    io.err(
      `switchboard: ${error?.reason ?? 'the stream ended'}; reconnecting in ${waitMs.toFixed(0)} ms\n`,
    );
    await pause(waitMs, io.signal);
    delayMs = Math.min(delayMs * 2, LAST_DELAY_MS);
  }
}

interface Progress {
  /** From where to go on. */
  token: string;
  /** Events whose commit, or snapshot, is not complete. */
  pending: WatchServersResponse[];
}

/** The messages that are to be printed now that `message` came. */
function advance(
  progress: Progress,
  message: WatchServersResponse,
): readonly WatchServersResponse[] {
  switch (message.message?.$case) {
    case 'event':
      progress.pending.push(message);
      return [];
    case 'synced':
    case 'commit': {
      const whole = [...progress.pending, message];
      progress.pending = [];
      progress.token = message.message.value.token;
      return whole;
    }
    case 'heartbeat':
      if (progress.pending.length === 0) progress.token = message.message.value.token;
      return [message];
    case 'reset':
      progress.pending = [];
      return [message];
    case undefined:
      return [];
  }
}

/** Reads until the stream ends; answers the error that it ended with. */
function readStream(
  stream: ClientReadableStream<WatchServersResponse>,
  signal: AbortSignal,
  onMessage: (message: WatchServersResponse) => void,
): Promise<SwitchboardError | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = (): void => {
      stream.cancel();
    };
    signal.addEventListener('abort', cancel);
    const finish = (error?: SwitchboardError): void => {
      signal.removeEventListener('abort', cancel);
      resolve(error);
    };
    stream.on('data', (message: WatchServersResponse) => {
      try {
        onMessage(message);
      } catch (error) {
        stream.cancel();
        reject(error as Error);
      }
    });
    stream.on('error', (error) => {
      finish(fromStatus(error as never));
    });
    stream.on('end', () => {
      // An error, if there is one, is told right after.
      setImmediate(finish);
    });
  });
}

function isTransient(error: SwitchboardError): boolean {
  return isSwitchboardError(error) && GRPC_CODES[error.reason] === 'UNAVAILABLE';
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

function jsonLine(message: WatchServersResponse): string {
  return `${JSON.stringify(watchMessageToJson(message))}\n`;
}

const EVENT_WORDS: Readonly<Record<number, string>> = {
  1: 'ADDED',
  2: 'MODIFIED',
  3: 'REMOVED',
  4: 'UNCHANGED',
};

const RESET_WORDS: Readonly<Record<number, string>> = {
  1: 'the token is too old',
  2: 'the log was restored',
  3: 'the history differs',
  4: 'the token is of another view',
  5: 'this reader fell behind',
};

function textLine({ message }: WatchServersResponse): string {
  switch (message?.$case) {
    case 'event':
      return eventLine(message.value);
    case 'synced':
      return 'SYNCED     waiting for changes\n';
    case 'reset':
      return `RESET      ${RESET_WORDS[message.value.reason] ?? '?'}; the whole view follows\n`;
    default:
      return '';
  }
}

function eventLine({ type, server }: ServerEvent): string {
  const word = (EVENT_WORDS[type] ?? '?').padEnd(11);
  if (server === undefined) return `${word}\n`;
  const [name = '', ...facts] = serverRow(server);
  const known = server.spec === undefined ? '' : `  ${facts.join('  ')}`;
  return `${word}${name || server.id}${known}\n`;
}
