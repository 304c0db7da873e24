import { type Client, type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { listPrivateServers } from '../../wire/source-client.js';
import { splitSourceAnswer } from '../../wire/source-codec.js';
import { failureOfCall, type SourceIdentity, tooLarge, unavailable } from './source-failure.js';

/** One call to a source. */
export interface RowsCall {
  readonly source: SourceIdentity & { readonly maxRows: number };
  readonly request: { readonly tenant: string; readonly user: string };
  readonly metadata: Metadata;
  /** Milliseconds since 1970, as gRPC wants it. */
  readonly deadline: number;
  /** Cancels the call; its reason is then what the call throws. */
  readonly signal: AbortSignal;
}

/**
 * All rows of one answer, still encoded, once the source has ended it with OK. An answer
 * that passes a limit is cancelled at once. Throws SOURCE_UNAVAILABLE, SOURCE_TOO_LARGE, or
 * the reason of the signal; it never answers a part.
 */
export function listRows(client: Client, call: RowsCall): Promise<readonly Uint8Array[]> {
  const { source, request, signal } = call;
  return new Promise((resolve, reject) => {
    const rows: Uint8Array[] = [];
    let byteCount = 0;
    let isOk = false;
    const stream = listPrivateServers(client, request, call);
    const fail = (error: Error): void => {
      signal.removeEventListener('abort', onAbort);
      reject(error);
      stream.cancel();
    };
    const onAbort = (): void => {
      fail(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    stream.on('data', (message: Buffer) => {
      byteCount += message.byteLength;
      const error = takeRows({ source, rows, byteCount, message });
      if (error !== undefined) fail(error);
    });
    // Once it is cancelled, it fails again, and that is of no interest any more.
    stream.on('error', (failure: ServiceError) => {
      fail(failureOfCall(source, failure));
    });
    stream.on('status', ({ code }) => {
      isOk = code === status.OK;
    });
    // Comes when every message was taken, and after the status, whatever that is.
    stream.on('end', () => {
      signal.removeEventListener('abort', onAbort);
      if (isOk) resolve(rows);
    });
  });
}

interface Taking {
  readonly source: RowsCall['source'];
  readonly rows: Uint8Array[];
  /** Of all messages so far, this one among them. */
  readonly byteCount: number;
  readonly message: Uint8Array;
}

/** Adds the rows of one message. Answers why the call must end, if it must. */
function takeRows({ source, rows, byteCount, message }: Taking): Error | undefined {
  const { maxRows, maxBytes } = source;
  if (byteCount > maxBytes) return tooLarge(source, `more than max_bytes, ${String(maxBytes)}`);
  try {
    for (const row of splitSourceAnswer(message)) {
      if (rows.length >= maxRows) return tooLarge(source, `more than max_rows, ${String(maxRows)}`);
      rows.push(row);
    }
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const what = `returned an invalid ListPrivateServersResponse: check its target (${reason})`;
    return unavailable(source, { code: 'INTERNAL', what, cause: error });
  }
}
