import { constants, type ServerHttp2Stream } from 'node:http2';
import type { SwitchboardError } from '../../domain/errors.js';
import { toStatus } from '../../wire/status.js';

/**
 * Ends a call at its HTTP/2 stream, with the status of `error`, and takes nothing more from
 * the peer. A call that has sent headers already can only be reset: gRPC reads the code as
 * RESOURCE_EXHAUSTED.
 */
export function endStream(stream: ServerHttp2Stream, error: SwitchboardError): void {
  if (stream.destroyed || stream.closed) return;
  if (stream.headersSent) {
    stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    return;
  }
  const { code, details, metadata } = toStatus(error);
  // The peer may reset it meanwhile.
  stream.on('error', () => undefined);
  stream.respond(
    {
      ':status': 200,
      'content-type': 'application/grpc+proto',
      'grpc-status': code,
      'grpc-message': encodeURI(details),
      ...metadata.toHttp2Headers(),
    },
    { endStream: true },
  );
  stream.close(constants.NGHTTP2_NO_ERROR);
}
