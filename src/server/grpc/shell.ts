import type { Server, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { SwitchboardError } from '../../domain/errors.js';
import { type AnyMethod, bytesMethod, type RequestOf, type ResponseOf } from './methods.js';
import { createReceiver } from './receive.js';
import { createShellState, type ShellOptions, type ShellState } from './shell-state.js';
import { type BidiHandler, bidi, type ServerStreamHandler, serverStream } from './streams.js';
import { type UnaryHandler, unary } from './unary.js';

/** The handler that a method of a service definition needs. */
export type HandlerOf<M extends AnyMethod> = M extends { responseStream: false }
  ? UnaryHandler<RequestOf<M>, ResponseOf<M>>
  : M extends { requestStream: false }
    ? ServerStreamHandler<RequestOf<M>>
    : BidiHandler<RequestOf<M>>;

/** A handler for each method of a service. */
export type HandlersOf<D extends Readonly<Record<string, AnyMethod>>> = {
  readonly [K in keyof D]: HandlerOf<D[K]>;
};

/**
 * Stands between grpc-js and the handlers: authenticates, authorizes, then decodes strictly, turns
 * cancellation and deadlines into a signal, errors into a status, and streams into sinks.
 * Handlers see none of grpc-js but the metadata.
 */
export interface Shell {
  /** Registers a service; every method gets a handler of the kind that it needs. */
  addService<D extends Readonly<Record<string, AnyMethod>>>(
    server: Pick<Server, 'addService'>,
    definition: D,
    handlers: HandlersOf<D>,
  ): void;
  /** From now on, calls are served; until then they are refused with STARTING. */
  serve(): void;
  /** From now on, new calls are answered SHUTTING_DOWN. Those that run go on. */
  drain(): void;
  /** Ends the streams that nobody has ended: each still has a handler that knows nothing of it. */
  endStreams(error: SwitchboardError): void;
}

/** A shell with no service yet. */
export function createShell(options: ShellOptions): Shell {
  const state = createShellState(options);
  return {
    addService(server, definition, handlers) {
      const served: Record<string, AnyMethod> = {};
      const bound: UntypedServiceImplementation = {};
      for (const [name, method] of Object.entries(definition)) {
        served[name] = bytesMethod(method);
        bound[name] = bind(state, method, handlers[name] as never);
      }
      server.addService(served, bound);
    },
    serve: state.serve,
    drain: state.drain,
    endStreams: state.endStreams,
  };
}

function bind(
  state: ShellState,
  method: AnyMethod,
  handler: never,
): UntypedServiceImplementation[string] {
  const receiver = createReceiver<never>(method);
  if (!method.responseStream) {
    return unary(state, { receiver, encode: method.responseSerialize }, handler);
  }
  const stream = method.requestStream ? bidi : serverStream;
  return stream(state, receiver, handler) as UntypedServiceImplementation[string];
}
