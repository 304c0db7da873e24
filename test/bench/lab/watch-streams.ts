import type { Client, ClientReadableStream } from '@grpc/grpc-js';
import { countEvents } from './etcd-messages.js';
import { asIs, openRawClient } from './raw-grpc.js';

/** Which streams to open. */
export interface StreamsOptions {
  readonly address: string;
  /** The method to watch by; etcd's is bidirectional. */
  readonly path: string;
  readonly isEtcd?: boolean;
  /** First messages of the streams, taken in turns. */
  readonly requests: readonly Buffer[];
  readonly connections: number;
  readonly streamsEach: number;
  /** So many messages come on each stream before anything is written. */
  readonly greetings: number;
}

/** Told of each message after the greetings: on which stream, and how many events it counts for. */
export type MessageListener = (stream: number, events: number, message: Buffer) => void;

/** Streams that are open and have had their greetings. */
export interface WatchStreams {
  readonly total: number;
  /** One of the connections, to write by. */
  readonly client: Client;
  /** Calls `onMessage` until the answered function is called. Whatever ends a stream is thrown at `onError`. */
  listen(onMessage: MessageListener, onError: (error: Error) => void): () => void;
  close(): void;
}

/** Opens them, each connection with its own socket. */
export async function openStreams(options: StreamsOptions): Promise<WatchStreams> {
  const clients = Array.from({ length: options.connections }, () => openRawClient(options.address));
  const first = clients[0];
  if (first === undefined) throw new Error('no connection');
  let onMessage: MessageListener = () => undefined;
  let onError = (error: Error): void => {
    throw error;
  };
  const total = options.connections * options.streamsEach;
  let waiting = total;
  await new Promise<void>((resolve, reject) => {
    onError = reject;
    for (let index = 0; index < total; index += 1) {
      const client = clients[index % clients.length] ?? first;
      const stream = openStream(client, options, index);
      let greetings = options.greetings;
      stream.on('error', (error: Error) => {
        onError(error);
      });
      stream.on('data', (message: Buffer) => {
        if (greetings === 0) {
          onMessage(index, options.isEtcd === true ? countEvents(message) : 1, message);
          return;
        }
        greetings -= 1;
        if (greetings > 0) return;
        waiting -= 1;
        if (waiting === 0) resolve();
      });
    }
  });
  return {
    total,
    client: first,
    listen(message, error) {
      onMessage = message;
      onError = error;
      return () => {
        onMessage = () => undefined;
      };
    },
    close() {
      onError = () => undefined;
      for (const client of clients) client.close();
    },
  };
}

function openStream(
  client: Client,
  { path, isEtcd, requests }: StreamsOptions,
  index: number,
): ClientReadableStream<Buffer> {
  const request = requests[index % requests.length] ?? Buffer.alloc(0);
  if (isEtcd !== true) return client.makeServerStreamRequest(path, asIs, asIs, request);
  const stream = client.makeBidiStreamRequest(path, asIs, asIs);
  stream.write(request);
  return stream;
}
