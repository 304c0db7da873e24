import {
  type ChannelCredentials,
  Client,
  credentials,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { channelOptions } from '../../../src/wire/client/channel.js';

/** Leaves bytes as they are: nothing is encoded or decoded that a bench does not mean to measure. */
export const asIs = (bytes: Buffer): Buffer => bytes;

/** A client with a connection of its own, and the channel options that our clients have. */
export function openRawClient(address: string): Client {
  const insecure: ChannelCredentials = credentials.createInsecure();
  return new Client(address, insecure, channelOptions({ 'grpc.use_local_subchannel_pool': 1 }));
}

/** Calls a unary method with bytes. Rejects with the ServiceError. */
export function callRaw(client: Client, path: string, request: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, asIs, asIs, request, (error, answer) => {
      if (error === null) resolve(answer ?? Buffer.alloc(0));
      else reject(error);
    });
  });
}

/** The methods of a server that only moves bytes, by path. */
export interface RawMethods {
  readonly unary: Readonly<Record<string, handleUnaryCall<Buffer, Buffer>>>;
  readonly streams: Readonly<Record<string, handleServerStreamingCall<Buffer, Buffer>>>;
}

/** Serves them on a free port of the loopback; answers the address. */
export async function serveRaw({ unary, streams }: RawMethods): Promise<string> {
  const server = new Server({ 'grpc.max_concurrent_streams': 10_000, 'grpc.enable_channelz': 0 });
  const definition = (path: string, responseStream: boolean) => ({
    path,
    requestStream: false,
    responseStream,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  });
  const methods: UntypedServiceImplementation = { ...unary, ...streams };
  server.addService(
    Object.fromEntries(
      Object.keys(methods).map((path) => [path, definition(path, path in streams)]),
    ),
    methods,
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return `127.0.0.1:${String(port)}`;
}
