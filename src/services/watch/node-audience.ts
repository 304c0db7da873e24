import { changedId, type Position } from '../../domain/commit.js';
import type { RecordChange } from '../../domain/node-stream.js';
import type { StateIndex } from '../../domain/resolve.js';
import { contentVersion, isShared, type StoredServer } from '../../domain/server.js';
import { subjectsOf, type ReaderView, type Subject } from '../../domain/view.js';
import type { Step } from '../replica/tenant-state.js';
import type { Audience, HeartbeatFacts, Memo, ResetReason, SnapshotItem } from './audience.js';
import {
  SubscribedViews,
  type SubjectChange,
  type SyncedSubscription,
} from './subscribed-views.js';

/** A change of one record as a node sees it. */
export type NodeChange = RecordChange<StoredServer>;

/** How one subscription of a live stream changes. */
export interface AudienceChange {
  readonly frames: readonly Uint8Array[];
  readonly subjects: SubjectChange;
  /** What it costs: of how many servers the frames tell, and one. */
  readonly told: number;
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
  private readonly subscribed = new SubscribedViews();

  constructor(encoder: SyncEncoder) {
    this.encoder = encoder;
  }

  get sharedKey(): string | undefined {
    const { subscribed } = this;
    return subscribed.seesPrivate ? undefined : `node ${subscribed.reach}`;
  }

  get size(): number {
    return this.subscribed.size;
  }

  has(id: string): boolean {
    return this.subscribed.has(id);
  }

  views(): Iterable<ReaderView> {
    return this.subscribed.views();
  }

  subjects(): readonly Subject[] {
    return this.subscribed.subjects();
  }

  /**
   * Adds, replaces or drops (no view) a subscription; says nothing to the node. Returns the
   * subjects that came to the stream or went from it.
   */
  set(id: string, view: ReaderView | undefined): SubjectChange {
    return this.subscribed.set(id, view);
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
    const old = this.subscribed.viewOf(to.id);
    const { reach } = this.subscribed;
    const before = new Set(old === undefined ? [] : privateIds(state, old));
    const subjects = this.set(to.id, to.view);
    const changes: NodeChange[] = [];
    if (reach !== this.subscribed.reach) {
      for (const stored of state.allShared()) {
        if (stored.record.tier === 'USER')
          changes.push({ kind: 'upsert', server: stored, sights: [] });
      }
    }
    const after = to.view === undefined ? [] : privateIds(state, to.view);
    for (const id of new Set([...before, ...after])) {
      const stored = state.byId(id);
      const sights = stored === undefined ? [] : this.subscribed.sightsOf(stored);
      if (stored === undefined || sights.length === 0) changes.push({ kind: 'removed', id });
      else changes.push({ kind: 'upsert', server: stored, sights });
    }
    const frames = changes.length === 0 ? [] : [this.encoder.changes(changes)];
    return {
      frames: [...frames, this.encoder.synced(position, this.subscribed.named([to.id]))],
      subjects,
      told: 1 + changes.length,
    };
  }

  snapshot(state: StateIndex): readonly StoredServer[] {
    return this.subscribed.seenIn(state);
  }

  item(stored: StoredServer): SnapshotItem {
    const { id, revision } = stored.record;
    const sights = isShared(stored.record) ? [] : this.subscribed.sightsOf(stored);
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
      if (after !== undefined && this.subscribed.seesShared(after))
        shared.push({ kind: 'upsert', server: after, sights: [] });
      else if (before !== undefined && this.subscribed.seesShared(before))
        shared.push({ kind: 'removed', id });
      own.push(...this.ownChanges({ id, before, after }));
    }
    const { encoder } = this;
    const { reach } = this.subscribed;
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
    return this.encoder.synced(position, this.subscribed.named(this.subscribed.ids()));
  }

  heartbeat(facts: HeartbeatFacts, memo: Memo): Uint8Array {
    return memo(`heartbeat ${String(facts.bookmark?.revision)}`, () =>
      this.encoder.heartbeat(facts),
    );
  }

  reset(reason: ResetReason): Uint8Array {
    return this.encoder.reset(reason);
  }

  private ownChanges(around: {
    id: string;
    before: StoredServer | undefined;
    after: StoredServer | undefined;
  }): NodeChange[] {
    const { id, before, after } = around;
    const sights = after === undefined ? [] : this.subscribed.sightsOf(after);
    if (after !== undefined && sights.length > 0)
      return [{ kind: 'upsert', server: after, sights }];
    const wasSeen = before !== undefined && this.subscribed.sightsOf(before).length > 0;
    const isShared = after !== undefined && this.subscribed.seesShared(after);
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
