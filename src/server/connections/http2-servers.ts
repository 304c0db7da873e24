import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Server } from '@grpc/grpc-js';

/**
 * The HTTP/2 servers under a bound gRPC server. grpc-js has no public way to them, and what
 * peers cost before they make a call can be limited nowhere else. Throws if a version of
 * grpc-js keeps them elsewhere: the limits must not be lost silently.
 */
export function http2ServersOf(server: Server): readonly Http2Server[] {
  const { http2Servers } = server as unknown as { readonly http2Servers?: unknown };
  if (!(http2Servers instanceof Map) || http2Servers.size === 0)
    throw new Error('this version of grpc-js does not keep its HTTP/2 servers in `http2Servers`');
  return [...http2Servers.keys()] as Http2Server[];
}

type StreamListener = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** From now on, grpc-js serves only the streams for which `admit` returns true. */
export function guardStreams(
  http2Server: Http2Server,
  admit: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => boolean,
): void {
  const served = http2Server.listeners('stream') as StreamListener[];
  http2Server.removeAllListeners('stream');
  http2Server.on('stream', (stream, headers) => {
    if (!admit(stream, headers)) return;
    for (const serve of served) serve(stream, headers);
  });
}
