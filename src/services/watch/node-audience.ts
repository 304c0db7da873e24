import { changedId, type Position } from '../../domain/commit.js';
import type { RecordChange, SubscriptionSight } from '../../domain/node-stream.js';
import { sightOf, type StateIndex } from '../../domain/resolve.js';
import { contentVersion, isShared, seersAmong, type StoredServer } from '../../domain/server.js';
import { viewDigest } from '../../domain/token.js';
import { subjectsOf, type ReaderView, type Subject } from '../../domain/view.js';
import type { Step } from '../replica/tenant-state.js';
import type { Audience, HeartbeatFacts, Memo, ResetReason, SnapshotItem } from './audience.js';

/** A change of one record as a node sees it. */
export type NodeChange = RecordChange<StoredServer>;

/** Subjects whose private records came to matter to a stream, or no longer do. */
export interface SubjectChange {
  readonly added: readonly Subject[];
  readonly removed: readonly Subject[];
}

/** How one subscription of a live stream changes. */
export interface AudienceChange {
  readonly frames: readonly Uint8Array[];
  readonly subjects: SubjectChange;
  /** What it costs: of how many servers the frames tell, and one. */
  readonly told: number;
}

/** A subscription that is now complete. */
export interface SyncedSubscription {
  readonly id: string;
  /** The digest of its view. */
  readonly digest: string;
}

/** What a subscription looks at. */
interface Subscribed {
  readonly view: ReaderView;
  /** Made when it comes: a `synced` may name 10,000 of them in one turn. */
  readonly digest: string;
}

/** Turns what Sync tells into messages. */
export interface SyncEncoder {
  changes(changes: readonly NodeChange[]): Uint8Array;
  /** The closing of a commit, the same for all nodes, for `closed`. */
  closing(step: Step): Uint8Array;
  /** `last`, which is the last changes of a commit, with the closing in it. */
  closed(last: Uint8Array, closing: Uint8Array): Uint8Array;
  synced(position: Position, subscriptions: readonly SyncedSubscription[]): Uint8Array;
  heartbeat(facts: HeartbeatFacts): Uint8Array;
  reset(reason: ResetReason): Uint8Array;
}

/**
 * What one node's stream sees: shared records, and PRIVATE ones with the subscriptions
 * that see them, each record once per node. Shared changes are one frame for all nodes;
 * what only some may see goes in a frame of its own of the same commit (rule 19).
 */
export class NodeAudience implements Audience {
  readonly seesInventory = false;
  private readonly encoder: SyncEncoder;
  private readonly subscriptions = new Map<string, Subscribed>();
  private readonly bySubject = new Map<Subject, Set<string>>();
  /** Which shared tiers the stream is told of; once told, it stays. */
  private reach: 'app' | 'users' = 'app';

  constructor(encoder: SyncEncoder) {
    this.encoder = encoder;
  }

  get sharedKey(): string | undefined {
    return this.bySubject.size === 0 ? `node ${this.reach}` : undefined;
  }

  get size(): number {
    return this.subscriptions.size;
  }

  has(id: string): boolean {
    return this.subscriptions.has(id);
  }

  *views(): Iterable<ReaderView> {
    for (const { view } of this.subscriptions.values()) yield view;
  }

  subjects(): readonly Subject[] {
    return [...this.bySubject.keys()];
  }

  /**
   * Adds, replaces or drops (no view) a subscription; says nothing to the node. Returns the
   * subjects that came to the stream or went from it.
   */
  set(id: string, view: ReaderView | undefined): SubjectChange {
    const before = this.subjectsOfView(id);
    if (view === undefined) this.subscriptions.delete(id);
    else this.subscriptions.set(id, { view, digest: viewDigest(view) });
    if (view?.kind === 'user') this.reach = 'users';
    const after = this.subjectsOfView(id);
    const added: Subject[] = [];
    const removed: Subject[] = [];
    for (const subject of after) {
      const ids = this.bySubject.get(subject);
      if (ids === undefined) added.push(subject);
      this.bySubject.set(subject, (ids ?? new Set()).add(id));
    }
    for (const subject of before) {
      if (after.includes(subject)) continue;
      const ids = this.bySubject.get(subject);
      ids?.delete(id);
      if (ids?.size !== 0) continue;
      this.bySubject.delete(subject);
      removed.push(subject);
    }
    return { added, removed };
  }

  private subjectsOfView(id: string): readonly Subject[] {
    const view = this.subscriptions.get(id)?.view;
    return view === undefined ? [] : subjectsOf(view);
  }

  /**
   * Changes one subscription of a live stream: the frames that bring the node from what it
   * had to what it now sees, closed by a `synced` (rules 18 and 20).
   */
  change(
    state: StateIndex,
    position: Position,
    to: { id: string; view: ReaderView | undefined },
  ): AudienceChange {
    const old = this.subscriptions.get(to.id)?.view;
    const reach = this.reach;
    const before = new Set(old === undefined ? [] : privateIds(state, old));
    const subjects = this.set(to.id, to.view);
    const changes: NodeChange[] = [];
    if (reach !== this.reach) {
      for (const stored of state.allShared()) {
        if (stored.record.tier === 'USER')
          changes.push({ kind: 'upsert', server: stored, sights: [] });
      }
    }
    const after = to.view === undefined ? [] : privateIds(state, to.view);
    for (const id of new Set([...before, ...after])) {
      const stored = state.byId(id);
      const sights = stored === undefined ? [] : this.sightsOf(stored);
      if (stored === undefined || sights.length === 0) changes.push({ kind: 'removed', id });
      else changes.push({ kind: 'upsert', server: stored, sights });
    }
    const frames = changes.length === 0 ? [] : [this.encoder.changes(changes)];
    return {
      frames: [...frames, this.encoder.synced(position, this.named([to.id]))],
      subjects,
      told: 1 + changes.length,
    };
  }

  snapshot(state: StateIndex): readonly StoredServer[] {
    const seen = new Map<string, StoredServer>();
    for (const stored of state.allShared()) {
      if (this.seesShared(stored)) seen.set(stored.record.id, stored);
    }
    for (const subject of this.bySubject.keys()) {
      for (const stored of state.privateOf(subject)) seen.set(stored.record.id, stored);
    }
    return [...seen.values()];
  }

  item(stored: StoredServer): SnapshotItem {
    const { id, revision } = stored.record;
    const sights = isShared(stored.record) ? [] : this.sightsOf(stored);
    return {
      version: `${String(revision)} ${JSON.stringify(sights)}`,
      heldVersion: contentVersion(stored.record),
      frame: this.encoder.changes([{ kind: 'upsert', server: stored, sights }]),
      unchanged: () => this.encoder.changes([{ kind: 'unchanged', id, sights }]),
    };
  }

  removed(id: string): Uint8Array {
    return this.encoder.changes([{ kind: 'removed', id }]);
  }

  step(step: Step, memo: Memo): readonly Uint8Array[] {
    const shared: NodeChange[] = [];
    const own: NodeChange[] = [];
    for (const change of step.commit.changes) {
      const id = changedId(change);
      const [before, after] = [step.before.byId(id), step.after.byId(id)];
      if (after !== undefined && this.seesShared(after))
        shared.push({ kind: 'upsert', server: after, sights: [] });
      else if (before !== undefined && this.seesShared(before))
        shared.push({ kind: 'removed', id });
      own.push(...this.ownChanges({ id, before, after }));
    }
    const { encoder, reach } = this;
    const changes = (): Uint8Array => memo(`shared ${reach}`, () => encoder.changes(shared));
    const closed = (last: Uint8Array): Uint8Array =>
      encoder.closed(
        last,
        memo('closing', () => encoder.closing(step)),
      );
    // Shared ones come first: a server that becomes private is removed, then added again.
    if (own.length > 0) {
      const last = closed(encoder.changes(own));
      return shared.length > 0 ? [changes(), last] : [last];
    }
    if (shared.length === 0) return [];
    return [memo(`closed ${reach}`, () => closed(changes()))];
  }

  synced(position: Position): Uint8Array {
    return this.encoder.synced(position, this.named(this.subscriptions.keys()));
  }

  heartbeat(facts: HeartbeatFacts, memo: Memo): Uint8Array {
    return memo(`heartbeat ${String(facts.bookmark?.revision)}`, () =>
      this.encoder.heartbeat(facts),
    );
  }

  reset(reason: ResetReason): Uint8Array {
    return this.encoder.reset(reason);
  }

  /** Those of the subscriptions that are there, as `synced` names them. */
  private named(ids: Iterable<string>): readonly SyncedSubscription[] {
    const named: SyncedSubscription[] = [];
    for (const id of ids) {
      const subscribed = this.subscriptions.get(id);
      if (subscribed !== undefined) named.push({ id, digest: subscribed.digest });
    }
    return named;
  }

  /** The subscriptions that see a PRIVATE record; none for a shared one. */
  private sightsOf(stored: StoredServer): SubscriptionSight[] {
    const ids = new Set<string>();
    for (const subject of seersAmong(stored, this.bySubject)) {
      for (const id of this.bySubject.get(subject) ?? []) ids.add(id);
    }
    const sights: SubscriptionSight[] = [];
    for (const id of ids) {
      const subscribed = this.subscriptions.get(id);
      const sight = subscribed && sightOf(stored, subscribed.view);
      if (sight !== undefined) sights.push({ subscriptionId: id, ...sight });
    }
    return sights;
  }

  private seesShared(stored: StoredServer): boolean {
    const { tier } = stored.record;
    return tier === 'APP' || (tier === 'USER' && this.reach === 'users');
  }

  private ownChanges(around: {
    id: string;
    before: StoredServer | undefined;
    after: StoredServer | undefined;
  }): NodeChange[] {
    const { id, before, after } = around;
    const sights = after === undefined ? [] : this.sightsOf(after);
    if (after !== undefined && sights.length > 0)
      return [{ kind: 'upsert', server: after, sights }];
    const wasSeen = before !== undefined && this.sightsOf(before).length > 0;
    const isShared = after !== undefined && this.seesShared(after);
    return wasSeen && !isShared ? [{ kind: 'removed', id }] : [];
  }
}

function privateIds(state: StateIndex, view: ReaderView): string[] {
  const ids = new Set<string>();
  for (const subject of subjectsOf(view)) {
    for (const stored of state.privateOf(subject)) ids.add(stored.record.id);
  }
  return [...ids];
}
