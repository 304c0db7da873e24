import type { Sight } from '../../../src/domain/resolve.js';
import type { Tier } from '../../../src/domain/tier.js';
import { viewDigest } from '../../../src/domain/token.js';
import type { ReaderView } from '../../../src/domain/view.js';
import { describeContents, sameContents, type Contents, type Oracle } from '../history/oracle.js';
import { beats as wins } from '../history/rule.js';
import type { RecordFrame, SyncFrame } from '../services/encoders.js';

interface HeldRecord {
  readonly name: string;
  readonly tier: Tier;
  readonly version: number;
  readonly sights: ReadonlyMap<string, Sight>;
}

/**
 * A node that follows Sync as its comments say: changes wait for the frame that closes
 * them, a subscription is visible from the `synced` that names it, names resolve by the
 * one rule. At each place that a frame names, what every visible subscription holds is
 * measured by the oracle.
 */
export class NodeReader {
  readonly violations: string[] = [];
  private readonly records = new Map<string, HeldRecord>();
  private readonly visible = new Map<string, ReaderView>();
  private readonly views = new Map<string, ReaderView>();
  private waiting: RecordFrame[] = [];
  private place: { readonly revision: number; readonly token: string } | undefined;
  private wanted: ReadonlySet<string> | undefined;

  constructor(before?: NodeReader) {
    if (before === undefined) return;
    for (const [id, record] of before.records) this.records.set(id, record);
    for (const [digest, view] of before.views) this.views.set(digest, view);
    this.place = before.place;
  }

  /** The last place up to which it has everything. */
  get at(): { readonly revision: number; readonly token: string } | undefined {
    return this.place;
  }

  /** The subscriptions that are visible. */
  get subscriptions(): ReadonlyMap<string, ReaderView> {
    return this.visible;
  }

  /** Makes a view known, so that its digest is. */
  knows(view: ReaderView): void {
    this.views.set(viewDigest(view), view);
  }

  /**
   * Resumes with these subscriptions, which go on. What others saw stays until they begin; a
   * node that goes on with no user forgets what users see.
   */
  resumeWith(kept: ReadonlyMap<string, ReaderView>): void {
    for (const [id, view] of kept) this.visible.set(id, view);
    if ([...kept.values()].some(({ kind }) => kind === 'user')) return;
    for (const [id, { tier }] of [...this.records]) if (tier !== 'APP') this.records.delete(id);
  }

  /** The subscriptions that the node wants: what is told of others is for nobody. */
  wants(ids: ReadonlySet<string>): void {
    this.wanted = ids;
    for (const id of [...this.visible.keys()]) if (!ids.has(id)) this.visible.delete(id);
  }

  read(frame: SyncFrame, oracle: Oracle): void {
    if (frame.kind === 'changes') this.waiting.push(...frame.changes);
    else if (frame.kind === 'reset') this.reset();
    else if (frame.kind === 'synced') {
      for (const { id } of frame.subscriptions) if (!this.visible.has(id)) this.begin(id);
      this.moveTo(frame);
      for (const { id, digest } of frame.subscriptions) this.show(id, digest);
      this.check(frame.revision, oracle);
    } else if (frame.kind === 'closing') {
      const last = this.place?.revision;
      if (last === undefined || frame.revision <= last) {
        this.violations.push(`commit ${String(frame.revision)} after ${String(last)}`);
      } else this.checkNothingMissed(last, frame.revision - 1, oracle);
      this.moveTo(frame);
      this.check(frame.revision, oracle);
    } else if (frame.kind === 'heartbeat' && frame.bookmark !== undefined) {
      this.beat(frame.bookmark, oracle);
    }
  }

  /** What a subscription holds. */
  contents(id: string): Contents {
    const view = this.visible.get(id);
    const winners = new Map<string, { id: string; sight: Sight | undefined; version: number }>();
    for (const [serverId, record] of this.records) {
      const isShared = record.tier !== 'PRIVATE';
      if (isShared && view?.kind === 'app' && record.tier !== 'APP') continue;
      const sight = record.sights.get(id);
      if (!isShared && (sight === undefined || view?.kind === 'app')) continue;
      const other = winners.get(record.name);
      const candidate = {
        id: serverId,
        sight: isShared ? undefined : sight,
        version: record.version,
      };
      if (other === undefined || beats(candidate, other)) winners.set(record.name, candidate);
    }
    // A USER server shadows nothing in the app view, and is not in it.
    return new Map([...winners.values()].map(({ id: winner, version }) => [winner, version]));
  }

  private beat(bookmark: { revision: number; token: string }, oracle: Oracle): void {
    const last = this.place?.revision;
    if (last === undefined || bookmark.revision < last) {
      this.violations.push(`bookmark ${String(bookmark.revision)} after ${String(last)}`);
      return;
    }
    if (this.waiting.length > 0) this.violations.push('a heartbeat within a commit');
    this.checkNothingMissed(last, bookmark.revision, oracle);
    this.place = bookmark;
    this.check(bookmark.revision, oracle);
  }

  private reset(): void {
    this.records.clear();
    this.visible.clear();
    this.waiting = [];
    this.place = undefined;
  }

  private moveTo({ revision, token }: { revision: number; token: string }): void {
    if (this.place !== undefined && revision < this.place.revision) {
      this.violations.push(`went back to ${String(revision)}`);
    }
    this.place = { revision, token };
    for (const change of this.waiting) this.apply(change);
    this.waiting = [];
  }

  private apply(change: RecordFrame): void {
    if (change.kind === 'removed') {
      this.records.delete(change.id);
      return;
    }
    const sights = new Map(
      change.sights.map(({ subscriptionId, ...sight }) => [subscriptionId, sight]),
    );
    if (change.kind === 'upsert') {
      const { name, tier, version } = change;
      this.records.set(change.id, { name, tier, version, sights });
      return;
    }
    const known = this.records.get(change.id);
    if (known === undefined) this.violations.push(`${change.id} is not held`);
    else this.records.set(change.id, { ...known, sights });
  }

  private show(id: string, digest: string): void {
    if (this.wanted?.has(id) === false) return;
    const view = this.views.get(digest);
    if (view === undefined) this.violations.push(`unknown view of ${id}`);
    else this.visible.set(id, view);
  }

  private check(revision: number, oracle: Oracle): void {
    for (const [id, view] of this.visible) {
      const [held, due] = [this.contents(id), oracle.viewAt(view, revision)];
      if (sameContents(held, due)) continue;
      this.violations.push(
        `${id} at ${String(revision)} holds [${describeContents(held)}], due is [${describeContents(due)}]`,
      );
    }
  }

  private checkNothingMissed(after: number, upTo: number, oracle: Oracle): void {
    for (let at = after + 1; at <= upTo; at += 1) {
      for (const [id, view] of this.visible) {
        if (oracle.changesView(view, at)) {
          this.violations.push(`${id} was told nothing of ${String(at)}`);
        }
      }
    }
  }

  /** A subscription that begins sees what its first `synced` closes, and nothing from before. */
  private begin(id: string): void {
    for (const [serverId, record] of [...this.records]) {
      const sights = new Map(record.sights);
      if (sights.delete(id)) this.records.set(serverId, { ...record, sights });
    }
  }
}

interface Candidate {
  readonly id: string;
  /** Undefined for a shared server, which wins. */
  readonly sight: Sight | undefined;
}

function beats(a: Candidate, b: Candidate): boolean {
  if (a.sight === undefined || b.sight === undefined) return a.sight === undefined;
  return wins(
    { id: a.id, owned: a.sight.owned, since: a.sight.grantRevision },
    { id: b.id, owned: b.sight.owned, since: b.sight.grantRevision },
  );
}
