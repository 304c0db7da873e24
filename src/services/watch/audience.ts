import type { Position } from '../../domain/commit.js';
import type { StateIndex } from '../../domain/resolve.js';
import type { StoredServer } from '../../domain/server.js';
import type { Subject, View } from '../../domain/view.js';
import type { Step } from '../replica/tenant-state.js';
import type { UpstreamStatus } from '../replica/upstream.js';

/** Why a stream does not continue from what its client had. */
export type ResetReason =
  'too_old' | 'epoch_changed' | 'history_differs' | 'view_differs' | 'lagged';

/** One record of a snapshot. */
export interface SnapshotItem {
  /** Equal exactly if a stream that was sent it need not get it again. */
  readonly version: string;
  /** Equal to `Held` exactly if a client that holds a copy need not get its content. */
  readonly heldVersion: string;
  readonly frame: Uint8Array;
  /** Says that the copy which the client holds is the current one. */
  readonly unchanged: () => Uint8Array;
}

/** The copies that a client says it holds, by server id, see `heldVersion`. */
export type Held = ReadonlyMap<string, string>;

export const NOTHING_HELD: Held = new Map();

/** Makes frames once per commit or heartbeat, however many streams they go to. */
export type Memo = <T extends Uint8Array | readonly Uint8Array[]>(key: string, make: () => T) => T;

export interface HeartbeatFacts {
  /** Everything up to here was delivered; undefined while a snapshot is under way. */
  readonly bookmark: Position | undefined;
  readonly newest: Position;
  readonly upstream: UpstreamStatus;
}

/**
 * What one stream may see, and how it is told. Everything is synchronous and reads only
 * the states that it is given, so that the same audience serves live commits, replayed
 * ones and snapshots.
 */
export interface Audience {
  /** What its client follows. */
  views(): Iterable<View>;
  /** The subjects whose private records matter to it, in an array that stays as it is. */
  subjects(): readonly Subject[];
  /** Whether it sees every record of the tenant. */
  readonly seesInventory: boolean;
  /** Equal for audiences whose snapshots are the same; undefined for one of its own. */
  readonly sharedKey: string | undefined;
  /** All that it sees in `state`, each once. */
  snapshot(state: StateIndex): readonly StoredServer[];
  /** One server of a snapshot. */
  item(server: StoredServer): SnapshotItem;
  /** Of an overtaken snapshot: this server is gone. */
  removed(id: string): Uint8Array;
  /** The frames of one commit, the last of which closes it; none if it shows nothing. */
  step(step: Step, memo: Memo): readonly Uint8Array[];
  synced(position: Position): Uint8Array;
  heartbeat(facts: HeartbeatFacts, memo: Memo): Uint8Array;
  reset(reason: ResetReason): Uint8Array;
}

/** A memo for one commit or heartbeat. */
export function createMemo(): Memo {
  const made = new Map<string, unknown>();
  return <T>(key: string, make: () => T): T => {
    const known = made.get(key);
    // A key always names what was made for it.
    if (known !== undefined) return known as T;
    const frames = make();
    made.set(key, frames);
    return frames;
  };
}
