import { SwitchboardError } from '../../../domain/errors.js';
import type { Relay, RelayedCommits } from '../../relay.js';

export interface MemoryRelayOptions {
  /** Told what a receiver threw. By default a process warning. */
  readonly onReceiverError?: (error: unknown) => void;
}

/**
 * Opens a Relay within this process: each message reaches every subscriber once, in the
 * order of publishing, after `publish` has returned to its caller. Two relays know
 * nothing of each other. Messages are handed on as they are, not copied.
 */
export function openMemoryRelay(options: MemoryRelayOptions = {}): Promise<Relay> {
  const onReceiverError = options.onReceiverError ?? warn;
  const receivers = new Set<{ readonly receive: (message: RelayedCommits) => void }>();
  let closed = false;

  const deliver = (message: RelayedCommits): void => {
    for (const receiver of [...receivers]) {
      if (!receivers.has(receiver)) continue;
      try {
        receiver.receive(message);
      } catch (error) {
        onReceiverError(error);
      }
    }
  };
  const admit = (signal?: AbortSignal): void => {
    if (closed) throw new SwitchboardError('CLOSED', 'the relay is closed');
    if (signal?.aborted === true) throw new SwitchboardError('CANCELLED');
  };

  return Promise.resolve({
    publish: (message, { signal } = {}) =>
      settle(() => {
        admit(signal);
        queueMicrotask(() => deliver(message));
      }),
    subscribe: (receive) =>
      settle(() => {
        admit();
        const receiver = { receive };
        receivers.add(receiver);
        return () => settle(() => void receivers.delete(receiver));
      }),
    close: () =>
      settle(() => {
        closed = true;
        receivers.clear();
      }),
  });
}

function settle<T>(body: () => T): Promise<T> {
  return new Promise((resolve) => {
    resolve(body());
  });
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : new Error(String(error)));
}
