import { Server, ServerCredentials, type ServerWritableStream } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import {
  RegistryServiceService,
  WatchServersResponse,
  type WatchServersRequest,
} from '../../../generated/switchboard/v1/registry_service.js';
import { SwitchboardError, type ErrorReason } from '../../../src/domain/errors.js';
import { toStatus } from '../../../src/wire/status.js';
import type { ScriptedMessage } from './scenario.js';
import { eventually } from '../eventually.js';

/** A real gRPC server that says on WatchServers what a scenario wants, and answers nothing else. */
export interface WatchScript {
  readonly address: string;
  /** The next stream that is opened; what is said from now on goes to it. */
  opened(): Promise<OpenedWatch>;
  say(message: ScriptedMessage): void;
  /** Ends the stream with an error. */
  end(reason: ErrorReason, retryAfterS?: number): void;
}

/** A stream that a client opened. */
export interface OpenedWatch {
  readonly request: WatchServersRequest;
  /** Seconds since the stream before was ended. */
  readonly afterS: number;
}

type Call = ServerWritableStream<WatchServersRequest, Buffer>;

/** Starts one; it ends with the test. */
export async function startWatchScript(): Promise<WatchScript> {
  const server = new Server();
  const { path, requestStream, responseStream, requestSerialize, requestDeserialize } =
    RegistryServiceService.watchServers;
  const calls: { readonly call: Call; readonly afterS: number }[] = [];
  let endedAt = performance.now();
  let current: Call | undefined;
  let taken = 0;
  const watchServers = {
    path,
    requestStream,
    responseStream,
    requestSerialize,
    requestDeserialize,
    // As bytes, so that a message can hold what the generated code does not know.
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  };
  server.addService(
    { watchServers, getServer: RegistryServiceService.getServer },
    {
      watchServers: (call: Call) => {
        calls.push({ call, afterS: (performance.now() - endedAt) / 1000 });
      },
      // Never answers.
      getServer: () => undefined,
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  onTestFinished(() => {
    server.forceShutdown();
  });
  return {
    address: `127.0.0.1:${String(port)}`,
    opened: async () => {
      const { call, afterS } = await eventually(() => {
        const next = calls[taken];
        if (next === undefined) throw new Error('no further stream was opened');
        return next;
      });
      taken += 1;
      current = call;
      return { request: call.request, afterS };
    },
    say: (message) => void current?.write(bytesOf(message)),
    end: (reason, retryAfterS) => {
      endedAt = performance.now();
      const delay = retryAfterS === undefined ? {} : { retryDelayMs: retryAfterS * 1000 };
      current?.emit('error', toStatus(new SwitchboardError(reason, undefined, delay)));
    },
  };
}

function bytesOf({ unknownBytes, ...message }: ScriptedMessage): Buffer {
  const known = WatchServersResponse.encode(WatchServersResponse.fromJSON(message));
  // Field 99, which no version has.
  if (unknownBytes !== undefined) known.uint32((99 << 3) | 2).bytes(new Uint8Array(unknownBytes));
  return Buffer.from(known.finish());
}
