import type { ServerDuplexStream, ServerWritableStream } from '@grpc/grpc-js';
import type { Caller } from '../../domain/caller.js';
import { isSwitchboardError, SwitchboardError } from '../../domain/errors.js';
import type { FrameSink } from '../../services/watch/sink.js';
import { toStatus } from '../../wire/status.js';
import { atBoundary } from './boundary.js';
import { type CallContext, cancellationOf, workingTimeMs } from './call-context.js';
import { GrpcFrameSink } from './frame-sink.js';
import type { Receiver } from './receive.js';
import type { ShellState } from './shell-state.js';

/** What a stream handler writes to, and what it knows. */
export interface StreamCall {
  readonly sink: FrameSink;
  /** `context.signal` is that of the sink. */
  readonly context: CallContext;
}

/**
 * Serves a server stream. It may return while the stream goes on; the stream ends by
 * `sink.end`, or with the error that the handler throws.
 */
export type ServerStreamHandler<Q> = (request: Q, call: StreamCall) => Promise<void> | void;

/**
 * Serves a bidirectional stream, as a server stream. `requests` ends when the peer sends no
 * more or is gone (the signal may abort only after that), and throws INVALID_FIELD at a
 * message that cannot be decoded. The next message is read when it is asked for.
 */
export type BidiHandler<Q> = (requests: AsyncIterable<Q>, call: StreamCall) => Promise<void> | void;

type OutgoingCall =
  ServerWritableStream<Buffer, Uint8Array> | ServerDuplexStream<Buffer, Uint8Array>;

/** A server stream as grpc-js wants it. */
export function serverStream<Q>(
  state: ShellState,
  receiver: Receiver<Q>,
  handler: ServerStreamHandler<Q>,
): (call: ServerWritableStream<Buffer, Uint8Array>) => void {
  return (call) => {
    serve(state, { call, receiver }, (streamCall) =>
      handler(receiver.receive(streamCall.context.caller, call.request), streamCall),
    );
  };
}

/** A bidirectional stream as grpc-js wants it. */
export function bidi<Q>(
  state: ShellState,
  receiver: Receiver<Q>,
  handler: BidiHandler<Q>,
): (call: ServerDuplexStream<Buffer, Uint8Array>) => void {
  return (call) => {
    serve(state, { call, receiver }, (streamCall) => {
      const { caller } = streamCall.context;
      return handler(
        requestsOf(call, (bytes) => receiver.receive(caller, bytes)),
        streamCall,
      );
    });
  };
}

function serve(
  state: ShellState,
  { call, receiver }: { readonly call: OutgoingCall; readonly receiver: Receiver<unknown> },
  body: (streamCall: StreamCall) => Promise<void> | void,
): void {
  const method = call.getPath();
  let caller: Caller | undefined;
  const sink = new GrpcFrameSink(call, (error) =>
    toStatus(atBoundary(error, { method, principal: caller?.principal }, state.log)),
  );
  const fail = (error: unknown): void => {
    sink.end(
      isSwitchboardError(error)
        ? error
        : new SwitchboardError('INTERNAL', undefined, { cause: error }),
    );
  };
  call.once('cancelled', () => {
    sink.gone(cancellationOf(call));
  });
  try {
    state.admit();
    caller = state.authenticate(call);
    receiver.admit(caller);
    state.openStream(sink);
    const context: CallContext = {
      caller,
      method,
      // Not made unless it is asked for: most streams never ask.
      get signal() {
        return sink.signal;
      },
      deadlineMs: workingTimeMs(call, Infinity),
      requestMetadata: call.metadata,
    };
    // Whatever the handler throws ends the stream; a promise that it returns may fail later.
    Promise.resolve(body({ sink, context })).catch(fail);
  } catch (error) {
    fail(error);
  }
}

/**
 * Not by the stream's own iterator: when the stream is ended with a status, that one destroys
 * it, and a status that waits behind frames is then never sent.
 */
async function* requestsOf<Q>(
  call: ServerDuplexStream<Buffer, Uint8Array>,
  receive: (bytes: Buffer) => Q,
): AsyncGenerator<Q, void, undefined> {
  const state = { isOver: false };
  let wake = (): void => undefined;
  call.on('readable', () => {
    wake();
  });
  for (const event of ['end', 'error', 'cancelled', 'close']) {
    call.once(event, () => {
      state.isOver = true;
      wake();
    });
  }
  for (;;) {
    const bytes = call.read() as Buffer | null;
    if (bytes !== null) yield receive(bytes);
    else if (state.isOver) return;
    else {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
}
