import type { Metadata } from '@grpc/grpc-js';
import { isSwitchboardError, SwitchboardError } from '../../domain/errors.js';
import type { FeedMessage, NodeCall } from '../../domain/node-stream.js';
import type { ConnectionServiceClient } from '../../wire/clients.js';
import { messagesOf, toSyncRequest } from '../../wire/feed-codec.js';
import { fromStatus } from '../../wire/status.js';

/** One Sync call. `onMessage` and `onEnd` are never called again after `onEnd` or `cancel`. */
export interface SyncStream {
  send(message: NodeCall): void;
  cancel(): void;
}

export interface SyncStreamHandlers {
  readonly onMessage: (message: FeedMessage) => void;
  /** How it ended; UNAVAILABLE-like errors are as normal as a plain end. */
  readonly onEnd: (error: SwitchboardError) => void;
}

/** Opens a Sync call. What `onMessage` throws ends it. */
export function openSyncStream(
  client: ConnectionServiceClient,
  metadata: Metadata,
  { onMessage, onEnd }: SyncStreamHandlers,
): SyncStream {
  const call = client.sync(metadata);
  let over = false;
  const finish = (error: SwitchboardError): void => {
    if (over) return;
    over = true;
    call.cancel();
    onEnd(error);
  };
  call.on('data', (frame: Parameters<typeof messagesOf>[0]) => {
    try {
      for (const message of messagesOf(frame)) if (!over) onMessage(message);
    } catch (error) {
      finish(
        isSwitchboardError(error)
          ? error
          : new SwitchboardError('INTERNAL', 'the stream could not be applied', { cause: error }),
      );
    }
  });
  call.on('error', (error: Error & { code?: number; details?: string; metadata?: Metadata }) => {
    finish(
      fromStatus({
        code: error.code ?? 2,
        details: error.details ?? error.message,
        ...(error.metadata && { metadata: error.metadata }),
      }),
    );
  });
  call.on('end', () => {
    finish(new SwitchboardError('SHUTTING_DOWN', 'the stream was ended'));
  });
  return {
    send(message) {
      if (!over) call.write(toSyncRequest(message));
    },
    cancel() {
      over = true;
      call.cancel();
    },
  };
}
