import type { Client } from '@grpc/grpc-js';
import { callRaw, openRawClient } from '../lab/raw-grpc.js';
import { serve } from '../lab/serve.js';

/** A load of unary calls: as many in flight as told, for so long. */
export interface UnaryLoadOptions {
  readonly address: string;
  readonly path: string;
  readonly request: Buffer;
  readonly connections: number;
  readonly inFlight: number;
  readonly ms: number;
}

/** What was done, and in which time. */
export interface UnaryLoadResult {
  readonly calls: number;
  readonly seconds: number;
}

const clients = new Map<string, Client[]>();

const methods = {
  async run(options: UnaryLoadOptions): Promise<UnaryLoadResult> {
    const opened = clientsOf(options);
    const begin = performance.now();
    const end = begin + options.ms;
    let calls = 0;
    const loop = async (client: Client): Promise<void> => {
      while (performance.now() < end) {
        await callRaw(client, options.path, options.request);
        calls += 1;
      }
    };
    await Promise.all(
      opened.flatMap((client) => Array.from({ length: options.inFlight }, () => loop(client))),
    );
    return { calls, seconds: (performance.now() - begin) / 1000 };
  },
  /** One call; answers the bytes. */
  async once({
    address,
    path,
    request,
  }: Omit<UnaryLoadOptions, 'connections' | 'inFlight' | 'ms'>) {
    const client = openRawClient(address);
    const answer = await callRaw(client, path, request);
    client.close();
    return answer;
  },
};

function clientsOf({ address, connections }: UnaryLoadOptions): readonly Client[] {
  const known = clients.get(address);
  if (known !== undefined) return known;
  const opened = Array.from({ length: connections }, () => openRawClient(address));
  clients.set(address, opened);
  return opened;
}

/** The process that calls. */
export type UnaryLoad = typeof methods;

serve(methods);
