import type { ServerWritableStream } from '@grpc/grpc-js';
import { serve } from '../lab/serve.js';
import { serveRaw } from '../lab/raw-grpc.js';

/** What the bare server answers and writes; all of it is bytes that ours was seen to send. */
export interface BareBehaviour {
  /** What `GET_PATH` answers. */
  readonly answer?: Buffer;
  /** What each stream gets at its beginning. */
  readonly greeting?: Buffer;
  /** What `TRIGGER_PATH` writes to every stream; the buffers are shared by all of them. */
  readonly frames?: readonly Buffer[];
  /** What `TRIGGER_PATH` answers. */
  readonly triggerAnswer?: Buffer;
}

/** Answers a request at once. */
export const GET_PATH = '/bench.Bare/Get';
/** Writes to every stream, then answers. */
export const TRIGGER_PATH = '/bench.Bare/Trigger';
/** Opens a stream. */
export const WATCH_PATH = '/bench.Bare/Watch';

const NOTHING = Buffer.alloc(0);
const streams = new Set<ServerWritableStream<Buffer, Buffer>>();
let behaviour: BareBehaviour = {};

const methods = {
  /** Serves; answers the address. */
  start: () =>
    serveRaw({
      unary: {
        [GET_PATH]: (_call, answer) => {
          answer(null, behaviour.answer ?? NOTHING);
        },
        [TRIGGER_PATH]: (_call, answer) => {
          for (const frame of behaviour.frames ?? [])
            for (const stream of streams) stream.write(frame);
          answer(null, behaviour.triggerAnswer ?? NOTHING);
        },
      },
      streams: {
        [WATCH_PATH]: (stream) => {
          streams.add(stream);
          stream.once('cancelled', () => streams.delete(stream));
          if (behaviour.greeting !== undefined) stream.write(behaviour.greeting);
        },
      },
    }),
  behave(next: BareBehaviour): void {
    behaviour = next;
  },
};

/** A gRPC server of grpc-js and nothing else. */
export type BareGrpc = typeof methods;

serve(methods);
