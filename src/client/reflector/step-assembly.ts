import type { KnownServer } from '../server-view.js';
import type { FeedChange, FeedStep } from '../view-feed.js';
import type { RecordChange, SubscriptionSight } from '../../domain/node-stream.js';

/** Puts the frames of one stream together into steps. */
export class StepAssembly {
  private readonly idOf: (wireId: string) => string | undefined;
  /** What was named as held when the stream opened: a snapshot may refer to it. */
  private held: ReadonlyMap<string, KnownServer>;
  private changes: FeedChange[] = [];
  private isReplacing = true;
  private isResumed = false;
  /** What a `synced` of this stream has named. */
  private readonly named = new Set<string>();

  /** `idOf` answers undefined for subscriptions that were removed meanwhile. */
  constructor(
    held: ReadonlyMap<string, KnownServer>,
    idOf: (wireId: string) => string | undefined,
  ) {
    this.held = held;
    this.idOf = idOf;
  }

  /** The stream goes on from where the one before it ended. */
  resume(): void {
    this.isReplacing = false;
    this.isResumed = true;
  }

  /** The whole state follows; what is not closed yet is void. */
  reset(): void {
    this.changes = [];
    this.isReplacing = true;
    this.isResumed = false;
  }

  /** Adds changes of the step that comes. */
  add(changes: readonly RecordChange<KnownServer>[]): void {
    for (const change of changes) this.changes.push(this.complete(change));
  }

  /** The step that ends with a commit. */
  commit(): FeedStep {
    return { replaces: false, changes: this.take(), synced: [] };
  }

  /** The step that a `synced` closes: it ends a snapshot, where there is one. */
  synced(synced: readonly string[]): FeedStep {
    const replaces = this.isReplacing;
    this.isReplacing = false;
    this.held = new Map();
    const begun = replaces ? [] : this.begin(synced);
    for (const id of synced) this.named.add(id);
    return { replaces, changes: this.take(), synced, begun };
  }

  /** Those that this stream names for the first time, but for what it was resumed with. */
  private begin(synced: readonly string[]): readonly string[] {
    const repeats = this.isResumed;
    this.isResumed = false;
    return repeats ? [] : synced.filter((id) => !this.named.has(id));
  }

  private take(): readonly FeedChange[] {
    const changes = this.changes;
    this.changes = [];
    return changes;
  }

  /** The change with its content, and with our ids of the subscriptions. */
  private complete(change: RecordChange<KnownServer>): FeedChange {
    if (change.kind === 'removed') return change;
    const server = change.kind === 'upsert' ? change.server : this.held.get(change.id);
    if (server === undefined) throw new Error('unchanged, but it was not named as held');
    return { kind: 'upsert', server, sights: this.toSights(change.sights) };
  }

  private toSights(sights: readonly SubscriptionSight[]): readonly SubscriptionSight[] {
    return sights.flatMap((sight) => {
      const subscriptionId = this.idOf(sight.subscriptionId);
      return subscriptionId === undefined ? [] : [{ ...sight, subscriptionId }];
    });
  }
}
