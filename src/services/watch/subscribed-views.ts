import type { SubscriptionSight } from '../../domain/node-stream.js';
import { sightOf, type StateIndex } from '../../domain/resolve.js';
import { seersAmong, type StoredServer } from '../../domain/server.js';
import { viewDigest } from '../../domain/token.js';
import { subjectsOf, type ReaderView, type Subject } from '../../domain/view.js';

/** Subjects whose private records came to matter to a stream, or no longer do. */
export interface SubjectChange {
  readonly added: readonly Subject[];
  readonly removed: readonly Subject[];
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

/** The views that one node follows, by subscription, and who of them sees a record. */
export class SubscribedViews {
  private readonly subscriptions = new Map<string, Subscribed>();
  private readonly bySubject = new Map<Subject, Set<string>>();
  private isToldOfUsers = false;

  get size(): number {
    return this.subscriptions.size;
  }

  /** Whether any private record may be seen. */
  get seesPrivate(): boolean {
    return this.bySubject.size > 0;
  }

  /** Which shared tiers the stream is told of; once told, it stays. */
  get reach(): 'app' | 'users' {
    return this.isToldOfUsers ? 'users' : 'app';
  }

  has(id: string): boolean {
    return this.subscriptions.has(id);
  }

  viewOf(id: string): ReaderView | undefined {
    return this.subscriptions.get(id)?.view;
  }

  ids(): Iterable<string> {
    return this.subscriptions.keys();
  }

  *views(): Iterable<ReaderView> {
    for (const { view } of this.subscriptions.values()) yield view;
  }

  subjects(): readonly Subject[] {
    return [...this.bySubject.keys()];
  }

  /** Adds, replaces or drops (no view) a subscription. */
  set(id: string, view: ReaderView | undefined): SubjectChange {
    const before = this.subjectsOfView(id);
    if (view === undefined) this.subscriptions.delete(id);
    else this.subscriptions.set(id, { view, digest: viewDigest(view) });
    if (view?.kind === 'user') this.isToldOfUsers = true;
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

  /** Those of the subscriptions that are there, as `synced` names them. */
  named(ids: Iterable<string>): readonly SyncedSubscription[] {
    const named: SyncedSubscription[] = [];
    for (const id of ids) {
      const subscribed = this.subscriptions.get(id);
      if (subscribed !== undefined) named.push({ id, digest: subscribed.digest });
    }
    return named;
  }

  seesShared({ record: { tier } }: StoredServer): boolean {
    return tier === 'APP' || (tier === 'USER' && this.isToldOfUsers);
  }

  /** The subscriptions that see a PRIVATE record; none for a shared one. */
  sightsOf(stored: StoredServer): SubscriptionSight[] {
    const ids = new Set<string>();
    for (const subject of seersAmong(stored, this.bySubject)) {
      for (const id of this.bySubject.get(subject) ?? []) ids.add(id);
    }
    const sights: SubscriptionSight[] = [];
    for (const id of ids) {
      const view = this.viewOf(id);
      const sight = view && sightOf(stored, view);
      if (sight !== undefined) sights.push({ subscriptionId: id, ...sight });
    }
    return sights;
  }

  /** All that the views see in a state, each once. */
  seenIn(state: StateIndex): readonly StoredServer[] {
    const seen = new Map<string, StoredServer>();
    for (const stored of state.allShared()) {
      if (this.seesShared(stored)) seen.set(stored.record.id, stored);
    }
    for (const subject of this.bySubject.keys()) {
      for (const stored of state.privateOf(subject)) seen.set(stored.record.id, stored);
    }
    return [...seen.values()];
  }

  private subjectsOfView(id: string): readonly Subject[] {
    const view = this.viewOf(id);
    return view === undefined ? [] : subjectsOf(view);
  }
}
