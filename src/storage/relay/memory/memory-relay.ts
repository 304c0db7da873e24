import { SwitchboardError } from '../../../domain/errors.js';
import { shardOf, type Relay, type RelayMessage } from '../../relay.js';

export interface MemoryRelayOptions {
  /** Told what a receiver threw. By default a process warning. */
  readonly onReceiverError?: (error: unknown) => void;
  /** So many messages wait at most to be delivered. Default 1,024. */
  readonly maxQueued?: number;
}

interface Receiver {
  readonly shards: ReadonlySet<number>;
  readonly receive: (message: RelayMessage) => void;
}

const SHARDS = 16;
const MAX_QUEUED = 1_024;

/**
 * Opens a Relay within this process: each message that is not dropped reaches every
 * subscriber once, in the order of publishing, after `publish` has returned to its caller.
 * Two relays know nothing of each other. Messages are handed on as they are, not copied.
 */
export function openMemoryRelay(options: MemoryRelayOptions = {}): Promise<Relay> {
  const { onReceiverError = warn, maxQueued = MAX_QUEUED } = options;
  const receivers = new Set<Receiver>();
  const queue: RelayMessage[] = [];
  let closed = false;

  const deliver = (message: RelayMessage): void => {
    const shard = shardOf(message.tenant, SHARDS);
    for (const receiver of [...receivers]) {
      if (!receiver.shards.has(shard) || !receivers.has(receiver)) continue;
      try {
        receiver.receive(message);
      } catch (error) {
        onReceiverError(error);
      }
    }
  };
  const deliverAll = (): void => {
    for (const message of queue.splice(0)) deliver(message);
  };

  return Promise.resolve({
    shards: SHARDS,
    publish: (message) => {
      if (closed) return;
      if (queue.length === 0) queueMicrotask(deliverAll);
      queue.push(message);
      if (queue.length > maxQueued) queue.shift();
    },
    subscribe: (shards, receive) =>
      settle(() => {
        if (closed) throw new SwitchboardError('CLOSED', 'the relay is closed');
        const receiver = { shards: new Set(shards), receive };
        receivers.add(receiver);
        return () => settle(() => void receivers.delete(receiver));
      }),
    close: () =>
      settle(() => {
        closed = true;
        queue.length = 0;
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
