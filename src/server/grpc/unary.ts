import type { Metadata, sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import type { Caller } from '../../domain/caller.js';
import { SwitchboardError } from '../../domain/errors.js';
import { toStatus } from '../../wire/status.js';
import { createCallController } from './call-controller.js';
import { atBoundary } from './boundary.js';
import {
  type CallContext,
  cancellationOf,
  MAX_UNARY_MS,
  type ServerCall,
  workingTimeMs,
} from './call-context.js';
import type { Receiver } from './receive.js';
import type { ShellState } from './shell-state.js';

/** An answer, or its bytes where they are at hand. */
export type Answered<A> = A | Uint8Array;

/**
 * Answers one request, or throws. What is answered without a promise is sent at once, and
 * costs no timer and no signal.
 */
export type UnaryHandler<Q, A> = (
  request: Q,
  context: CallContext,
) => Answered<A> | Promise<Answered<A>>;

/** How long a handler has to come back after its signal aborted, before it is answered for. */
const STUBBORN_MS = 1_000;

interface UnaryCodec<Q, A> {
  readonly receiver: Receiver<Q>;
  readonly encode: (answer: A) => Uint8Array;
}

/** A unary method as grpc-js wants it. The call is answered exactly once. */
export function unary<Q, A>(
  state: ShellState,
  { receiver, encode }: UnaryCodec<Q, A>,
  handler: UnaryHandler<Q, A>,
): (call: ServerUnaryCall<Buffer, Uint8Array>, callback: sendUnaryData<Uint8Array>) => void {
  const bytesOf = (answer: Answered<A>): Uint8Array =>
    answer instanceof Uint8Array ? answer : encode(answer);
  const serve = (
    call: ServerUnaryCall<Buffer, Uint8Array>,
    callback: sendUnaryData<Uint8Array>,
  ): void => {
    let principal: string | undefined;
    const fail = (error: unknown): void => {
      callback(toStatus(atBoundary(error, { method: call.getPath(), principal }, state.log)));
    };
    let bytes: Uint8Array;
    try {
      state.admit();
      const caller = state.authenticate(call);
      ({ principal } = caller);
      receiver.admit(caller);
      const request = receiver.receive(caller, call.request);
      const context = new UnaryContext(call, caller);
      const given = handler(request, context);
      if (given instanceof Promise) {
        const succeed = (late: Uint8Array): void => {
          callback(null, late);
        };
        answerLater(call, context, { bytes: given.then(bytesOf), succeed, fail });
        return;
      }
      bytes = bytesOf(given);
    } catch (error) {
      fail(error);
      return;
    }
    callback(null, bytes);
  };
  return (call, callback) => {
    state.turns.run(call, () => {
      serve(call, callback);
    });
  };
}

/** Makes its signal for those who ask: most answers are there at once. */
class UnaryContext implements CallContext {
  readonly caller: Caller;
  readonly method: string;
  readonly deadlineMs: number;
  readonly requestMetadata: Metadata;
  private controller: AbortController | undefined;

  constructor(call: ServerCall, caller: Caller) {
    this.caller = caller;
    this.method = call.getPath();
    this.deadlineMs = workingTimeMs(call, MAX_UNARY_MS);
    this.requestMetadata = call.metadata;
  }

  get signal(): AbortSignal {
    return (this.controller ??= createCallController()).signal;
  }

  abort(error: SwitchboardError): void {
    (this.controller ??= createCallController()).abort(error);
  }
}

interface Later {
  readonly bytes: Promise<Uint8Array>;
  readonly succeed: (bytes: Uint8Array) => void;
  readonly fail: (error: unknown) => void;
}

/** Waits for the bytes, as long as the caller does and the deadline lasts. */
function answerLater(
  call: ServerCall,
  context: UnaryContext,
  { bytes, succeed, fail }: Later,
): void {
  let answered = false;
  const settle = (answer: () => void): void => {
    if (answered) return;
    answered = true;
    clearTimeout(timer);
    answer();
  };
  const expire = (): void => {
    const error = new SwitchboardError('DEADLINE_EXCEEDED');
    context.abort(error);
    timer = setTimeout(() => {
      settle(() => {
        fail(error);
      });
    }, STUBBORN_MS);
  };
  let timer = setTimeout(expire, context.deadlineMs);
  call.once('cancelled', () => {
    // Also said after every answer.
    if (answered) return;
    clearTimeout(timer);
    context.abort(cancellationOf(call));
  });
  bytes.then(
    (late) => {
      settle(() => {
        succeed(late);
      });
    },
    (error: unknown) => {
      settle(() => {
        fail(error);
      });
    },
  );
}
