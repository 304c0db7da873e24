import { isSeenByTier, listIn, resolveIn } from '../domain/resolve.js';
import { viewKey, type ReaderView } from '../domain/view.js';
import { ClientError } from './client-error.js';
import type { AppliedListener, KnownServer, ServerView } from './server-view.js';
import { SubscriptionIndex, type Entry, type PrivateNames } from './subscription-index.js';
import type { FeedChange, FeedStep, FeedTarget } from './view-feed.js';

/** The id of the subscription for a view: equal for equal views. */
const ids = new WeakMap<ReaderView, string>();

export function subscriptionIdOf(view: ReaderView): string {
  const known = ids.get(view);
  if (known !== undefined) return known;
  const id = viewKey(view);
  ids.set(view, id);
  return id;
}

/**
 * What the node knows, in memory: shared servers by name, and for each subscription the
 * private ones that it sees. Every answer is of the last step applied; a step is applied
 * as a whole. A view that is not synced yet is unknown, which is not the same as empty:
 * asking for it throws VIEW_UNKNOWN.
 */
export class NodeView implements ServerView, FeedTarget {
  private readonly entries = new Map<string, Entry>();
  private readonly shared = new Map<string, Entry>();
  private readonly sighted = new Map<string, PrivateNames>();
  private readonly synced = new Map<string, SubscriptionIndex>();
  private readonly listeners = new Set<AppliedListener>();

  resolve(name: string, view: ReaderView): KnownServer | undefined {
    return resolveIn(this.demandSynced(view), name)?.server;
  }

  find(id: string, view: ReaderView): KnownServer | undefined {
    const index = this.demandSynced(view);
    const entry = this.entries.get(id);
    if (entry === undefined) return undefined;
    const isSeen =
      isSeenByTier(entry.server.tier, index.kind) ?? index.sightOf(entry) !== undefined;
    return isSeen ? entry.server : undefined;
  }

  list(view: ReaderView): readonly KnownServer[] {
    return listIn(this.demandSynced(view)).map(({ server }) => server);
  }

  onApplied(listener: AppliedListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Whether asking for `view` would be answered. */
  isKnown(view: ReaderView): boolean {
    return this.synced.has(subscriptionIdOf(view));
  }

  apply({ replaces, changes, synced, begun = [] }: FeedStep): void {
    if (replaces) this.clear();
    const changed = new Set(changes.map(changedId));
    for (const id of begun) for (const lost of this.loseSight(id)) changed.add(lost);
    for (const change of changes) {
      if (change.kind === 'removed') this.remove(change.id);
      else this.put(change);
    }
    for (const id of synced) {
      this.synced.set(id, new SubscriptionIndex(id, this.shared, () => this.sighted.get(id)));
    }
    this.tell(replaces ? undefined : changed, namesOf(changes));
  }

  *held(): Iterable<KnownServer> {
    for (const { server } of this.entries.values()) yield server;
  }

  drop(subscriptionId: string): void {
    this.synced.delete(subscriptionId);
    this.tell(this.loseSight(subscriptionId), NO_NAMES);
  }

  forgetUsers(): void {
    for (const [id, { server }] of [...this.entries]) if (server.tier !== 'APP') this.remove(id);
  }

  private demandSynced(view: ReaderView): SubscriptionIndex {
    const id = subscriptionIdOf(view);
    const index = this.synced.get(id);
    if (index !== undefined) return index;
    throw new ClientError('VIEW_UNKNOWN', undefined, { metadata: { view: id } });
  }

  private tell(changedIds: ReadonlySet<string> | undefined, names: ReadonlySet<string>): void {
    for (const listener of this.listeners) listener(changedIds, names);
  }

  private put({ server, sights }: Entry): void {
    const { id, name, tier } = server;
    const entry = { server, sights };
    this.remove(id);
    // What none of our subscriptions sees is of one that was dropped meanwhile.
    if (tier === 'PRIVATE' && sights.length === 0) return;
    this.entries.set(id, entry);
    if (tier !== 'PRIVATE') this.shared.set(name, entry);
    else for (const { subscriptionId } of sights) this.index(subscriptionId, entry);
  }

  /** Takes all that a subscription sees from it. Returns the ids of those servers. */
  private loseSight(subscriptionId: string): ReadonlySet<string> {
    const lost = new Set<string>();
    for (const [, entries] of [...(this.sighted.get(subscriptionId) ?? [])]) {
      for (const { server, sights } of entries) {
        lost.add(server.id);
        this.put({ server, sights: sights.filter((one) => one.subscriptionId !== subscriptionId) });
      }
    }
    return lost;
  }

  private index(subscriptionId: string, entry: Entry): void {
    const names = this.sighted.get(subscriptionId) ?? new Map<string, readonly Entry[]>();
    const { name } = entry.server;
    names.set(name, [...(names.get(name) ?? []), entry]);
    this.sighted.set(subscriptionId, names);
  }

  private remove(id: string): void {
    const entry = this.entries.get(id);
    if (entry === undefined) return;
    this.entries.delete(id);
    const { name } = entry.server;
    if (this.shared.get(name) === entry) this.shared.delete(name);
    for (const { subscriptionId } of entry.sights) {
      const names = this.sighted.get(subscriptionId);
      if (names === undefined) continue;
      const others = (names.get(name) ?? []).filter((one) => one !== entry);
      if (others.length > 0) names.set(name, others);
      else names.delete(name);
      if (names.size === 0) this.sighted.delete(subscriptionId);
    }
  }

  private clear(): void {
    this.entries.clear();
    this.shared.clear();
    this.sighted.clear();
    this.synced.clear();
  }
}

/** To lose sight of a server takes its name from nobody. */
const NO_NAMES: ReadonlySet<string> = new Set();

function namesOf(changes: readonly FeedChange[]): ReadonlySet<string> {
  return new Set(
    changes.flatMap((change) => (change.kind === 'upsert' ? [change.server.name] : [])),
  );
}

function changedId(change: FeedChange): string {
  return change.kind === 'upsert' ? change.server.id : change.id;
}
