import type { Client } from '@grpc/grpc-js';
import { openStore } from '../../../src/storage/catalog/lmdb/store.js';
import { asIs, openRawClient, serveRaw } from '../lab/raw-grpc.js';
import { serve } from '../lab/serve.js';

/** What is done for each call, all of it bytes that ours was seen to send and write. */
export interface BareLoad {
  readonly dataDir: string;
  readonly source: { readonly address: string; readonly path: string; readonly request: Buffer };
  /** What is put into LMDB, each time under a new key. */
  readonly document: Buffer;
  readonly answer: Buffer;
}

/** Asks the source, writes the document, then answers. */
export const LOAD_PATH = '/bench.BareLoader/Load';

const methods = {
  /** Serves; answers the address. */
  start({ dataDir, source, document, answer }: BareLoad): Promise<string> {
    const client = openRawClient(source.address);
    const { log } = openStore(dataDir);
    let count = 0;
    const load = async (): Promise<Buffer> => {
      await askForRows(client, source);
      count += 1;
      const key = Buffer.alloc(8);
      key.writeUInt32BE(count, 4);
      await log.put(key, document);
      return answer;
    };
    return serveRaw({
      unary: {
        [LOAD_PATH]: (_call, done) => {
          load().then((bytes) => {
            done(null, bytes);
          }, done);
        },
      },
      streams: {},
    });
  },
};

/** Resolves when the source has ended its answer. */
function askForRows(client: Client, { path, request }: BareLoad['source']): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = client.makeServerStreamRequest(path, asIs, asIs, request);
    stream.on('error', reject).on('end', resolve).resume();
  });
}

/** A gRPC server that asks a source and writes to LMDB, and looks at nothing of it. */
export type BareLoader = typeof methods;

serve(methods);
