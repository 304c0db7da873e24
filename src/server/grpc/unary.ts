import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import { SwitchboardError } from '../../domain/errors.js';
import type { Decoded } from '../../wire/decode.js';
import { toStatus } from '../../wire/status.js';
import { atBoundary } from './boundary.js';
import { type CallContext, cancellationOf, MAX_UNARY_MS, workingTimeMs } from './call-context.js';
import type { ShellState } from './shell-state.js';

/** Answers one request, or throws. */
export type UnaryHandler<Q, A> = (request: Q, context: CallContext) => Promise<A>;

/** How long a handler has to come back after its signal aborted, before it is answered for. */
const STUBBORN_MS = 1_000;

/** A unary method as grpc-js wants it. The call is answered exactly once. */
export function unary<Q, A>(
  state: ShellState,
  encode: (answer: A) => Uint8Array,
  handler: UnaryHandler<Q, A>,
): (call: ServerUnaryCall<Decoded<Q>, Uint8Array>, callback: sendUnaryData<Uint8Array>) => void {
  return (call, callback) => {
    const controller = new AbortController();
    const deadlineMs = workingTimeMs(call, MAX_UNARY_MS);
    let principal: string | undefined;
    let timer: NodeJS.Timeout | undefined;
    let answered = false;

    const answer = (error: unknown, response?: Uint8Array): void => {
      if (answered) return;
      answered = true;
      clearTimeout(timer);
      if (error === undefined) callback(null, response);
      else callback(toStatus(atBoundary(error, { method: call.getPath(), principal }, state.log)));
    };
    const expire = (): void => {
      const error = new SwitchboardError('DEADLINE_EXCEEDED');
      controller.abort(error);
      timer = setTimeout(() => {
        answer(error);
      }, STUBBORN_MS);
    };
    call.once('cancelled', () => {
      // Also said after every answer.
      if (answered) return;
      clearTimeout(timer);
      controller.abort(cancellationOf(call));
    });

    try {
      state.admit();
      const caller = state.authenticate(call);
      ({ principal } = caller);
      if (!call.request.ok) throw call.request.error;
      timer = setTimeout(expire, deadlineMs);
      handler(call.request.message, {
        caller,
        method: call.getPath(),
        signal: controller.signal,
        deadlineMs,
        requestMetadata: call.metadata,
      })
        .then((response) => {
          answer(undefined, encode(response));
        })
        .catch(answer);
    } catch (error) {
      answer(error);
    }
  };
}
