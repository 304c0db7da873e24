/**
 * What the log says of the private source of a tenant. A tenant without a record was never
 * loaded from a source.
 */
export interface SourceRecord {
  /** What the configuration of every replica has to call it; of a removed one, its last name. */
  readonly name: string;
  /** Its first name, for good: the ids of its servers are made from it. */
  readonly namespace: string;
  /** `removing`: some of its servers may still have to be deleted or released. */
  readonly state: 'active' | 'removing' | 'removed';
  /** Names that sources of this tenant had before: no load takes one of them again. */
  readonly formerNames: readonly string[];
  /** The commit that last changed it. */
  readonly revision: number;
}

/** The record before and after; `before` is absent for the first of a tenant. */
export interface SourceChange {
  readonly before?: SourceRecord;
  readonly after: SourceRecord;
}

/** What a tenant knows of its private source, and what one replica is configured with. */
export interface SourceStatus {
  readonly record: SourceRecord | undefined;
  /** The name in the configuration of the replica; empty for none. */
  readonly configuredName: string;
}

/** What becomes of the servers of a source that is removed. */
export type SourceServers = 'drop' | 'keep';

/** What the configuration may call a source. */
export const SOURCE_NAME = /^[a-z0-9-]{1,64}$/;
