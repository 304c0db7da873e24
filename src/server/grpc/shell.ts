import type { Server, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Authenticate } from '../authenticator.js';
import type { Log } from '../log.js';
import { SwitchboardError } from '../../domain/errors.js';
import { type AnyMethod, type RequestOf, type ResponseOf, strictMethod } from './methods.js';
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

export interface ShellOptions {
  readonly authenticate: Authenticate;
  readonly log: Log;
  /** The most streams of ours that may be open at once, over all connections. */
  readonly maxStreams: number;
}

/** What every call of one server shares. */
export interface ShellState extends ShellOptions {
  /** Throws SHUTTING_DOWN once the shell drains. */
  readonly admit: () => void;
  /** Takes one of the places for streams, or throws TOO_MANY_STREAMS. The result gives it back. */
  readonly openStream: () => () => void;
}

/**
 * Stands between grpc-js and the handlers: decodes strictly, authenticates, turns
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
  /** From now on, new calls are answered SHUTTING_DOWN. Those that run go on. */
  drain(): void;
}

/** A shell with no service yet. */
export function createShell(options: ShellOptions): Shell {
  let draining = false;
  let streams = 0;
  const state: ShellState = {
    ...options,
    admit() {
      if (draining) throw new SwitchboardError('SHUTTING_DOWN', undefined, { retryDelayMs: 1_000 });
    },
    openStream() {
      if (streams >= options.maxStreams) {
        throw new SwitchboardError('TOO_MANY_STREAMS', undefined, {
          metadata: { limit: String(options.maxStreams) },
        });
      }
      streams += 1;
      return () => {
        streams -= 1;
      };
    },
  };
  return {
    addService(server, definition, handlers) {
      const strict: Record<string, AnyMethod> = {};
      const bound: UntypedServiceImplementation = {};
      for (const [name, method] of Object.entries(definition)) {
        strict[name] = strictMethod(method);
        bound[name] = bind(state, method, handlers[name] as never);
      }
      server.addService(strict, bound);
    },
    drain() {
      draining = true;
    },
  };
}

function bind(
  state: ShellState,
  method: AnyMethod,
  handler: never,
): UntypedServiceImplementation[string] {
  if (!method.responseStream) return unary(state, method.responseSerialize, handler);
  return method.requestStream ? bidi(state, handler) : serverStream(state, handler);
}
