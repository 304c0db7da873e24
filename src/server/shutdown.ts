import type { Server } from '@grpc/grpc-js';
import { SwitchboardError } from '../domain/errors.js';
import { toStatus } from '../wire/status.js';
import type { Guard } from './connections/guard.js';
import type { Shell } from './grpc/shell.js';
import type { Log } from './log.js';
import type { SideServices } from './side-services.js';

/** What takes part in stopping. */
export interface RunningParts {
  readonly server: Server;
  /** Where it listens. */
  readonly address: string;
  readonly guard: Guard;
  readonly shell: Pick<Shell, 'drain' | 'endStreams'>;
  readonly side: SideServices;
  readonly application: { endStreams(error: SwitchboardError): void };
}

/** After how long clients are asked to come back; each stream spreads it. Milliseconds. */
const RETRY_DELAY_MS = 1_000;

/** How long connections that were cut may take to go. Milliseconds. */
const CUT_TIMEOUT_MS = 1_000;

/**
 * Stops in this order: health says NOT_SERVING; new calls are refused; streams end with
 * SHUTTING_DOWN and a retry delay; calls that run may finish until `drainTimeoutMs` is
 * over; what is left is cut. Never throws.
 */
export async function shutDown(
  parts: RunningParts,
  drainTimeoutMs: number,
  log: Log,
): Promise<void> {
  const { server, guard, shell, side, application, address } = parts;
  side.setServing(false);
  shell.drain();
  const error = new SwitchboardError('SHUTTING_DOWN', undefined, { retryDelayMs: RETRY_DELAY_MS });
  try {
    application.endStreams(error);
  } catch (failure) {
    log.error({ err: failure }, 'could not end the streams');
  }
  // What the application does not know of yet, such as a session that was not opened.
  shell.endStreams(error);
  side.endStreams(toStatus(error));

  // Otherwise one that never finishes its handshake would be waited for.
  guard.close();
  // Both are needed: `tryShutdown` closes connections when their calls have ended and tells
  // when, but would wait for ever; `drain` closes them and cuts those left after the time.
  server.drain(address, drainTimeoutMs);
  const drained = new Promise<void>((resolve) => {
    server.tryShutdown(() => {
      resolve();
    });
  });
  if (await isInTime(drained, drainTimeoutMs)) return;
  log.warn({ drainTimeoutMs }, 'calls did not end in time and are cut');
  await isInTime(drained, CUT_TIMEOUT_MS);
}

/**
 * Ends all connections at once, whatever runs on them; without effect once `shutDown` has
 * begun. `forceShutdown` of grpc-js alone would miss them: it keeps account of connections
 * only while channelz is on.
 */
export function cutConnections(server: Server, address: string): void {
  server.drain(address, 0);
  server.forceShutdown();
}

async function isInTime(done: Promise<void>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false);
  });
  const inTime = await Promise.race([done.then(() => true), expired]);
  clearTimeout(timer);
  return inTime;
}

/**
 * Calls `stop` at the first SIGINT or SIGTERM, and `force` with the exit code that the
 * shell expects at the second. The result takes the handlers away.
 */
export function onStopSignal(stop: () => void, force: (exitCode: number) => void): () => void {
  let stopping = false;
  const handlers = Object.entries({ SIGINT: 130, SIGTERM: 143 }).map(([signal, exitCode]) => {
    const handler = (): void => {
      if (stopping) force(exitCode);
      else stop();
      stopping = true;
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  return () => {
    for (const remove of handlers) remove();
  };
}
