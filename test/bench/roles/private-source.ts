import {
  ListPrivateServersRequest,
  ListPrivateServersResponse,
} from '../../../generated/switchboard/source/v1/private_source_service.js';
import { httpSpec } from '../../support/grpc-admin/grpc-admin.js';
import { serveRaw } from '../lab/raw-grpc.js';
import { serve } from '../lab/serve.js';

/** The method of a private source. */
export const SOURCE_PATH = '/switchboard.source.v1.PrivateSourceService/ListPrivateServers';

const methods = {
  /** Serves; answers the address. */
  start: (rows: number) =>
    serveRaw({
      unary: {},
      streams: {
        [SOURCE_PATH]: (stream) => {
          const { user } = ListPrivateServersRequest.decode(stream.request);
          stream.write(answerFor(user, rows));
          stream.end();
        },
      },
    }),
};

/** Rows of nobody else: each user has servers of the same names. */
function answerFor(user: string, rows: number): Buffer {
  const servers = Array.from({ length: rows }, (_, index) => ({
    rowId: `${user}-${String(index)}`,
    name: `tools-${String(index)}`,
    spec: httpSpec('https://tools.example/mcp', { title: 'Tools of the office' }),
  }));
  const message = ListPrivateServersResponse.fromPartial({ servers });
  return Buffer.from(ListPrivateServersResponse.encode(message).finish());
}

/** A private source that has servers for every user there may be. */
export type PrivateSourceRole = typeof methods;

serve(methods);
