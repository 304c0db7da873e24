import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { createTokenBucket, type Rate } from '../../domain/token-bucket.js';
import type { Connection } from './connection-table.js';

/** Strangers make few calls: load balancers that check the health make the most of them. */
const STRANGER: Rate = { burst: 100, perSecond: 20 };
/** A proxy has many clients, of which each may give up calls. */
const KNOWN: Rate = { burst: 250, perSecond: 40 };
/**
 * A call that lasted longer was waited for. When a deadline ends many of those at once, the
 * server is slow, and their client must not lose its streams for it. Milliseconds.
 */
const WAITED_MS = 1_000;

/** Limits the calls of one connection that lead to nothing. */
export interface WastedCalls {
  /** Counts a call that came without valid credentials. */
  count(): void;
  /** Counts a call if its peer resets it soon. */
  follow(stream: ServerHttp2Stream): void;
}

/**
 * Ends the connection when it makes too many calls without valid credentials, or resets too
 * many soon. All that is read from a socket at once is handled in one turn of the event loop, which
 * can be thousands of calls: only the end of the connection stops that. `now`: milliseconds,
 * monotonic.
 */
export function limitWastedCalls(
  session: ServerHttp2Session,
  connection: Connection,
  now: () => number,
): WastedCalls {
  const stranger = createTokenBucket(STRANGER);
  const known = createTokenBucket(KNOWN);
  const count = (): void => {
    const bucket = connection.phase === 'proven' ? known : stranger;
    if (bucket.take(now()) >= 0 || session.destroyed) return;
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    session.destroy();
  };
  return {
    count,
    follow(stream) {
      const since = now();
      stream.once('close', () => {
        const isReset = stream.rstCode !== constants.NGHTTP2_NO_ERROR;
        if (isReset && now() - since < WAITED_MS) count();
      });
    },
  };
}
