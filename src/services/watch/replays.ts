import { setImmediate as nextTurn } from 'node:timers/promises';
import { withoutText, type Commit } from '../../domain/commit.js';
import type { Catalog } from '../../storage/catalog.js';
import { withDeadline } from '../concurrency/deadline.js';
import type { Slots } from '../concurrency/slots.js';
import type { FrozenState } from '../replica/held-records.js';
import { readCommits } from '../replica/read-commits.js';
import { READ_MS } from '../replica/tenant-limits.js';
import type { TenantState } from '../replica/tenant-state.js';
import { rewind } from './replay.js';
import { CHUNK } from './snapshots.js';

/** So many slices of a log are kept while it is replayed, of about 1 MiB each. */
const MAX_SLICES = 16;

/** What the replays of a tenant need of it. */
export interface ReplaySource {
  readonly log: Pick<TenantState, 'tenant' | 'position' | 'recent' | 'freeze' | 'onReplaced'>;
  readonly catalog: Pick<Catalog, 'log'>;
}

/**
 * The replays of a tenant. `slots` bounds how many are under way at once; none holds a slot while
 * it waits for its reader. What they read of the log they share: a slice is read once for all who
 * are under way or wait for a slot (rule 21).
 */
export class Replays {
  private readonly source: ReplaySource;
  private readonly slots: Slots;
  /** By the revision after which they begin. */
  private readonly slices = new Map<number, Promise<readonly Commit[]>>();
  /** Replays that are under way or wait for a slot. */
  private active = 0;

  constructor(source: ReplaySource, slots: Slots) {
    this.source = source;
    this.slots = slots;
    source.log.onReplaced(() => {
      this.slices.clear();
    });
  }

  /** Runs `part` of a replay when its turn has come. It must not wait for a reader. */
  async run(part: () => Promise<void>): Promise<void> {
    this.active += 1;
    try {
      await this.slots(part);
    } finally {
      this.active -= 1;
      if (this.active === 0) this.slices.clear();
    }
  }

  /** The state as it was at a revision. It stays what it is until it is released. */
  async stateAt(revision: number): Promise<FrozenState> {
    const { log } = this.source;
    const frozen = log.freeze();
    try {
      await rewind(frozen.state, this.commits({ from: revision, to: log.position.revision }));
      return frozen;
    } catch (error) {
      frozen.release();
      throw error;
    }
  }

  /**
   * The commits after `from` up to `to`, from memory where they are held. Between chunks the event
   * loop runs.
   */
  async *commits({ from, to }: { readonly from: number; readonly to: number }) {
    let at = from;
    let done = 0;
    while (at < to) {
      const commits = this.source.log.recent.after(at) ?? (await this.slice(at));
      for (const commit of commits) {
        if (commit.revision > to) return;
        if (done >= CHUNK) {
          await nextTurn();
          done = 0;
        }
        done += Math.max(1, commit.changes.length);
        at = commit.revision;
        yield commit;
      }
    }
  }

  private slice(after: number): Promise<readonly Commit[]> {
    const known = this.slices.get(after);
    if (known !== undefined) return known;
    const slice = this.read(after);
    this.slices.set(after, slice);
    const [oldest] = this.slices.keys();
    if (this.slices.size > MAX_SLICES && oldest !== undefined) this.slices.delete(oldest);
    slice.catch(() => {
      if (this.slices.get(after) === slice) this.slices.delete(after);
    });
    return slice;
  }

  private async read(after: number): Promise<readonly Commit[]> {
    const { log, catalog } = this.source;
    const commits = await withDeadline(READ_MS, (call) =>
      readCommits({ tenant: log.tenant, catalog }, after, call),
    );
    return commits.map(withoutText);
  }
}
