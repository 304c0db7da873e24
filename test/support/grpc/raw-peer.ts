import http2 from 'node:http2';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Metadata } from '@grpc/grpc-js';
import type { SwitchboardError } from '../../../src/domain/errors.js';
import { fromStatus } from '../../../src/wire/status.js';

/** A call of a peer that speaks HTTP/2 as it likes. */
export interface RawCall {
  readonly stream: http2.ClientHttp2Stream;
  /** How it ended: its status, or the code of its reset where none came. */
  readonly ended: Promise<SwitchboardError | 'OK' | `reset ${string}`>;
}

/** A connection of a peer that is no gRPC client. */
export interface RawPeer extends Disposable {
  readonly session: http2.ClientHttp2Session;
  call(path: string, headers?: http2.OutgoingHttpHeaders): RawCall;
}

/** Connects; resolves when HTTP/2 is spoken. */
export async function rawPeer(address: string): Promise<RawPeer> {
  const session = http2.connect(`http://${address}`);
  session.on('error', () => undefined);
  await once(session, 'remoteSettings');
  return {
    session,
    call: (path, headers = {}) => rawCall(session, path, headers),
    [Symbol.dispose]() {
      session.destroy();
    },
  };
}

function rawCall(
  session: http2.ClientHttp2Session,
  path: string,
  headers: http2.OutgoingHttpHeaders,
): RawCall {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  let seen: http2.IncomingHttpHeaders = {};
  const look = (received: http2.IncomingHttpHeaders): void => {
    seen = { ...seen, ...received };
  };
  stream
    .on('response', look)
    .on('trailers', look)
    .on('error', () => undefined)
    .resume();
  const ended = once(stream, 'close').then(async () => {
    // Node hangs if the session is destroyed while it still tells of the stream.
    await nextTurn();
    const code = seen['grpc-status'];
    if (code === undefined) return `reset ${String(stream.rstCode)}` as const;
    if (code === '0') return 'OK';
    const details = decodeURIComponent(String(seen['grpc-message'] ?? ''));
    return fromStatus({
      code: Number(code),
      details,
      metadata: Metadata.fromHttp2Headers(seen),
    });
  });
  return { stream, ended };
}

/** The beginning of a message of `length` bytes, with `given` of them. */
export function messagePart(length: number, given: number): Buffer {
  const part = Buffer.alloc(5 + given);
  part.writeUInt32BE(length, 1);
  return part;
}
