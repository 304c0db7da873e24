import type { ChannelCredentials, ChannelOptions, Metadata } from '@grpc/grpc-js';
import {
  ConnectionServiceClient,
  type SyncResponse,
} from '../../../generated/switchboard/v1/connection_service.js';
import { isSwitchboardError, SwitchboardError } from '../../domain/errors.js';
import type { FeedMessage, NodeCall } from '../../domain/node-stream.js';
import { messagesOf, toSyncRequest } from '../feed-codec.js';
import { fromStatus } from '../status.js';
import { channelOptions } from './channel.js';

/** A client of ConnectionService for the stream of a node. */
export interface SyncClient {
  /** Opens a Sync call. What `onMessage` throws ends it. */
  sync(metadata: Metadata, handlers: SyncStreamHandlers): SyncStream;
  close(): void;
}

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

/** A client at `target`, such as `127.0.0.1:7070`. Its owner closes it. */
export function createSyncClient(
  target: string,
  credentials: ChannelCredentials,
  options?: ChannelOptions,
): SyncClient {
  const stub = new ConnectionServiceClient(target, credentials, channelOptions(options));
  return {
    sync: (metadata, handlers) => openSyncStream(stub, metadata, handlers),
    close: () => {
      stub.close();
    },
  };
}

function openSyncStream(
  stub: ConnectionServiceClient,
  metadata: Metadata,
  { onMessage, onEnd }: SyncStreamHandlers,
): SyncStream {
  const call = stub.sync(metadata);
  let over = false;
  const finish = (error: SwitchboardError): void => {
    if (over) return;
    over = true;
    call.cancel();
    onEnd(error);
  };
  call.on('data', (frame: SyncResponse) => {
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
