import type { SwitchboardError } from './errors.js';

/**
 * What the log says of a user's private servers from a private source: that they were
 * loaded is data (promise L5). A user without a record was never loaded.
 */
export interface LoadRecord {
  readonly user: string;
  /** `invalidated`: the next read loads. `purged`: nothing loads until a load is forced. */
  readonly state: 'loaded' | 'invalidated' | 'purged';
  /** Of a purge that took one of several commits so far: more is to be taken away. */
  readonly isPurging?: true;
  /** The commit that last touched it: a load that began before it is thrown away. */
  readonly revision: number;
  /** The namespace of the private source; empty if it was touched before any load. */
  readonly source: string;
  /** Of the last completed load: milliseconds since 1970, for people; 0 for none. */
  readonly loadTime: number;
  /** How many servers of the source the user had after it. Zero is a result too. */
  readonly serverCount: number;
  /** Rows that it left out: at most `MAX_REFUSED_ROWS`. */
  readonly refused: readonly RefusedRow[];
  readonly refusedCount: number;
}

/** A row of a source that was left out, as the log keeps it. */
export interface RefusedRow {
  /** Empty if the row has none. */
  readonly rowId: string;
  readonly name: string;
  readonly reason: SwitchboardError['reason'];
  readonly message: string;
}

/** So many refused rows are kept with a load. */
export const MAX_REFUSED_ROWS = 100;

/** A load record before and after; `before` is absent for the first of a user. */
export interface LoadChange {
  readonly before?: LoadRecord;
  readonly after: LoadRecord;
}

/** How far a user's private servers are loaded. */
export interface LoadStatus {
  readonly user: string;
  readonly state: 'cold' | 'loaded' | 'invalidated' | 'purged';
  /** Empty where the Catalog is the source. */
  readonly source: string;
  readonly loading: boolean;
  readonly serverCount: number;
  /** Milliseconds since 1970, for people; 0 for never. */
  readonly loadTime: number;
  /** Of the commit that last touched it; 0 for none. */
  readonly revision: number;
  readonly refused: readonly RefusedRow[];
  readonly refusedCount: number;
  /** Of the newest try at this replica, if it failed. */
  readonly failure: SwitchboardError | undefined;
  /** Before when nobody tries again. Milliseconds since 1970, about. */
  readonly nextAttemptTime: number | undefined;
}
