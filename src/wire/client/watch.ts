import { type ClientReadableStream, status, type StatusObject } from '@grpc/grpc-js';
import * as message from '../../../generated/switchboard/v1/registry_service.js';
import type { SwitchboardError } from '../../domain/errors.js';
import type { View } from '../../domain/view.js';
import { fromStatus } from '../status.js';
import { toViewMessage } from '../view-codec.js';
import { fromWatchMessage, type WatchEvent, type WatchMessage } from '../watch-decoder.js';
import { type Answer, answerOf } from './answer.js';
import type { RegistryCalls } from './call.js';

export type { WatchEvent, WatchMessage };

/** One message of a watch. */
export type WatchAnswer = Answer<WatchMessage>;

/** The call that follows a view. */
export function watchCalls({ stub, tenant, metadata }: RegistryCalls) {
  return {
    /**
     * Follows a view until `signal` aborts or the stream ends; returns the error that it ended
     * with. Each message comes in its turn; what `onMessage` throws ends the stream and is thrown.
     */
    async watchServers(
      from: { readonly view: View; readonly resumeToken: string },
      {
        signal,
        onMessage,
      }: { readonly signal: AbortSignal; readonly onMessage: (message: WatchAnswer) => void },
    ): Promise<SwitchboardError | undefined> {
      const { view, resumeToken } = from;
      const request = message.WatchServersRequest.fromPartial({
        tenant,
        view: toViewMessage(view),
        resumeToken,
      });
      const stream = stub.watchServers(request, metadata);
      return readStream(stream, signal, (frame) => {
        onMessage(fromWatchResponse(frame));
      });
    },
  };
}

/** Reads one message of a watch. */
export function fromWatchResponse(frame: message.WatchServersResponse): WatchAnswer {
  return answerOf('WatchServersResponse', frame, fromWatchMessage);
}

/** Reads until the stream ends; returns the error that it ended with. */
async function readStream(
  stream: ClientReadableStream<message.WatchServersResponse>,
  signal: AbortSignal,
  onFrame: (frame: message.WatchServersResponse) => void,
): Promise<SwitchboardError | undefined> {
  const cancel = (): void => {
    stream.cancel();
  };
  signal.addEventListener('abort', cancel);
  let thrown: { readonly error: unknown } | undefined;
  stream.on('data', (frame: message.WatchServersResponse) => {
    if (thrown !== undefined) return;
    try {
      onFrame(frame);
    } catch (error) {
      thrown = { error };
      cancel();
    }
  });
  // The status tells the same, and also comes when all is well.
  stream.on('error', () => undefined);
  // The status may come before the last messages were read, `end` comes after them.
  const [[ended]] = (await Promise.all([once(stream, 'status'), once(stream, 'end')])) as [
    [StatusObject],
    unknown,
  ];
  signal.removeEventListener('abort', cancel);
  if (thrown !== undefined) throw thrown.error;
  return ended.code === status.OK ? undefined : fromStatus(ended);
}

/** The arguments of the next `event`; unlike that of node:events, an error is no end to it. */
function once(
  stream: ClientReadableStream<message.WatchServersResponse>,
  event: string,
): Promise<unknown[]> {
  return new Promise((resolve) => {
    stream.once(event, (...args: unknown[]) => {
      resolve(args);
    });
  });
}
