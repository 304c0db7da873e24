import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { createTokenBucket, type Rate } from '../../domain/token-bucket.js';
import type { Connection } from './connection-table.js';

/** Strangers make few calls: load balancers that check the health make the most of them. */
const STRANGER: Rate = { burst: 100, perSecond: 20 };
/** A client whose deadline ends all its calls at once resets many, and a proxy has many clients. */
const KNOWN: Rate = { burst: 250, perSecond: 40 };

/** Limits the calls of one connection that lead to nothing. */
export interface WastedCalls {
  /** Counts a call that came without valid credentials. */
  count(): void;
  /** Counts a call if its peer resets it. */
  follow(stream: ServerHttp2Stream): void;
}

/**
 * Ends the connection when it makes too many calls without valid credentials, or resets too
 * many. All that is read from a socket at once is handled in one turn of the event loop, which
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
      stream.once('close', () => {
        if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) count();
      });
    },
  };
}
