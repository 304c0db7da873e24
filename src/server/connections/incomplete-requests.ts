import type { ServerHttp2Stream } from 'node:http2';
import { SwitchboardError } from '../../domain/errors.js';
import { endStream } from './end-stream.js';
import { MessageProgress } from './message-progress.js';

/** What incomplete requests may cost. */
export interface IncompleteLimits {
  readonly bytesPerConnection: number;
  /** Over all connections. */
  readonly bytes: number;
  /** How long a request may take to arrive. Milliseconds. */
  readonly timeoutMs: number;
}

/**
 * The least that a piece of a request counts: a piece of one byte keeps the whole buffer in
 * memory that it was read into.
 */
const MIN_PIECE_BYTES = 4_096;

/** A request of which something is missing. */
interface Incomplete {
  readonly stream: ServerHttp2Stream;
  bytes: number;
  /** Since when it arrives. Milliseconds, monotonic. */
  since: number;
}

/** What arrives on one connection. */
interface Share {
  bytes: number;
  readonly requests: Set<Incomplete>;
}

/**
 * Counts the bytes that are kept of requests which are not complete: nothing else limits
 * them, since each call may keep a message of the greatest size for as long as its peer
 * likes. Beyond a limit the largest request of the connection that keeps the most ends.
 */
export class IncompleteRequests {
  private readonly limits: IncompleteLimits;
  private readonly now: () => number;
  /** Connections with an incomplete request, by whatever identifies them. */
  private readonly shares = new Map<object, Share>();
  private bytes = 0;

  /** `now`: milliseconds, monotonic. */
  constructor(limits: IncompleteLimits, now: () => number) {
    this.limits = limits;
    this.now = now;
  }

  /** Bytes that are kept now, and of how many requests. */
  get kept(): { readonly bytes: number; readonly requests: number } {
    let requests = 0;
    for (const share of this.shares.values()) requests += share.requests.size;
    return { bytes: this.bytes, requests };
  }

  /** Counts a request until its peer sends no more. */
  follow(connection: object, stream: ServerHttp2Stream): void {
    const request: Incomplete = { stream, bytes: 0, since: this.now() };
    this.begin(connection, request);
    stream.on('data', (chunk: Buffer) => {
      this.add(connection, request, Math.max(chunk.byteLength, MIN_PIECE_BYTES));
    });
    const done = (): void => {
      this.done(connection, request);
    };
    stream.once('end', done);
    stream.once('close', done);
  }

  /** As `follow`, for a stream of requests: each counts until it is complete. */
  followStream(connection: object, stream: ServerHttp2Stream): void {
    const request: Incomplete = { stream, bytes: 0, since: 0 };
    const progress = new MessageProgress();
    stream.on('data', (chunk: Buffer) => {
      const unfinished = progress.add(chunk);
      // The message before has ended within this piece.
      if (unfinished < chunk.byteLength) this.done(connection, request);
      if (!progress.isWithinMessage) return;
      if (request.bytes === 0) {
        request.since = this.now();
        this.begin(connection, request);
      }
      this.add(connection, request, Math.max(unfinished, MIN_PIECE_BYTES));
    });
    stream.once('close', () => {
      this.done(connection, request);
    });
  }

  /** Ends the requests that have taken too long. To be called now and then. */
  endLate(): void {
    const begun = this.now() - this.limits.timeoutMs;
    for (const [connection, { requests }] of this.shares) {
      for (const request of requests) {
        if (request.since > begun) continue;
        this.end(
          connection,
          request,
          `the request did not arrive within ${String(this.limits.timeoutMs)} ms`,
        );
      }
    }
  }

  private begin(connection: object, request: Incomplete): void {
    const share = this.shares.get(connection) ?? { bytes: 0, requests: new Set() };
    this.shares.set(connection, share);
    share.requests.add(request);
  }

  private add(connection: object, request: Incomplete, bytes: number): void {
    const share = this.shares.get(connection);
    if (share?.requests.has(request) !== true) return;
    request.bytes += bytes;
    share.bytes += bytes;
    this.bytes += bytes;
    if (share.bytes > this.limits.bytesPerConnection)
      this.endLargest(connection, share, 'the connection has');
    else if (this.bytes > this.limits.bytes) this.relieve();
  }

  private done(connection: object, request: Incomplete): void {
    const share = this.shares.get(connection);
    if (share?.requests.delete(request) !== true) return;
    share.bytes -= request.bytes;
    this.bytes -= request.bytes;
    request.bytes = 0;
    if (share.requests.size === 0) this.shares.delete(connection);
  }

  private relieve(): void {
    const largest = largestOf(this.shares, ([, share]) => share.bytes);
    if (largest !== undefined) this.endLargest(...largest, 'the server has');
  }

  private endLargest(connection: object, { requests }: Share, whose: string): void {
    const largest = largestOf(requests, (request) => request.bytes);
    if (largest !== undefined)
      this.end(connection, largest, `${whose} too many bytes of incomplete requests`);
  }

  private end(connection: object, request: Incomplete, message: string): void {
    this.done(connection, request);
    endStream(request.stream, new SwitchboardError('REQUEST_INCOMPLETE', message));
  }
}

function largestOf<T>(items: Iterable<T>, sizeOf: (item: T) => number): T | undefined {
  let largest: T | undefined;
  for (const item of items) {
    if (largest === undefined || sizeOf(item) > sizeOf(largest)) largest = item;
  }
  return largest;
}
