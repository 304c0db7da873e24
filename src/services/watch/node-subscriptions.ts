import { setImmediate as nextTurn } from 'node:timers/promises';
import { invalidField, isSwitchboardError, SwitchboardError } from '../../domain/errors.js';
import type { SubscriptionRequest } from '../../domain/node-stream.js';
import { viewDigest } from '../../domain/token.js';
import { LIMITS } from '../../domain/limits.js';
import { checkId } from '../../domain/validate.js';
import { subjectsOf, type ReaderView } from '../../domain/view.js';
import { validateView } from '../request.js';
import type { Tenant } from '../tenants.js';
import type { NodeAudience } from './node-audience.js';
import type { SessionDeps } from './session-deps.js';
import { CHUNK } from './snapshots.js';
import { followView } from './watch-servers.js';
import type { Watcher } from './watcher.js';

/** The stream whose subscriptions these are. */
interface Stream {
  readonly deps: SessionDeps;
  readonly tenant: Tenant;
  readonly watcher: Watcher;
  readonly audience: NodeAudience;
  readonly signal: AbortSignal;
  /** Ends the stream. */
  readonly fail: (error: unknown) => void;
}

/** What a subscription becomes; without a view it is dropped. */
interface Change {
  readonly view: ReaderView | undefined;
  readonly release: () => void;
}

/**
 * The subscriptions of one node's stream: checked, held, loaded, then added in a turn in
 * which the stream is up to date (rule 20). However many come at once, a turn of the event
 * loop tells of a bounded number of servers. Whatever is wrong with one refuses that one.
 */
export class NodeSubscriptions {
  private readonly stream: Stream;
  /** All that count towards the limit, wherever they are. */
  private readonly ids = new Set<string>();
  /** What keeps the subjects of each subscription in the view. */
  private readonly releases = new Map<string, () => void>();
  /** Those that wait for what they show to be loaded, by id. */
  private readonly loading = new Map<string, SubscriptionRequest>();
  /** Those that wait for their turn, by id; of several only the last one counts. */
  private readonly waiting = new Map<string, Change>();
  private isDraining = false;

  constructor(stream: Stream) {
    this.stream = stream;
  }

  /**
   * Adds what a stream opens with, and says nothing of it to the node. Returns those that
   * are to be added to the open stream: they have to be loaded first, or are new on one that
   * is resumed.
   */
  async open(
    subscriptions: readonly SubscriptionRequest[],
    resumed: boolean,
  ): Promise<readonly SubscriptionRequest[]> {
    const later: SubscriptionRequest[] = [];
    const holding: Promise<void>[] = [];
    const given = new Set<string>();
    for (const [index, subscription] of subscriptions.entries()) {
      if (index > 0 && index % CHUNK === 0) await nextTurn();
      const { id } = subscription;
      if (given.has(id)) this.refuse(id, invalidField('subscription_id', 'is given twice'));
      else if (resumed && !goesOn(subscription)) later.push(subscription);
      else holding.push(this.accept(subscription, { resumed, later }));
      given.add(id);
    }
    await Promise.all(holding);
    return later;
  }

  async subscribe(subscription: SubscriptionRequest): Promise<void> {
    const { tenant, deps } = this.stream;
    const { id, view } = subscription;
    try {
      this.check(subscription);
      const release = await tenant.log.hold(subjectsOf(view));
      if (deps.loads.isReady(tenant, view)) this.add(subscription, release);
      // Not awaited: one user whose servers load slowly holds up no other.
      else void this.load(subscription, release);
    } catch (error) {
      if (!isSwitchboardError(error)) throw error;
      this.refuse(id, error);
    }
  }

  unsubscribe(id: string): void {
    this.loading.delete(id);
    this.ids.delete(id);
    this.take(id)?.release();
    if (this.stream.audience.has(id)) this.queue(id, { view: undefined, release: () => undefined });
  }

  releaseAll(): void {
    for (const release of this.releases.values()) release();
    for (const { release } of this.waiting.values()) release();
    this.releases.clear();
    this.waiting.clear();
  }

  private async accept(
    subscription: SubscriptionRequest,
    to: { readonly resumed: boolean; readonly later: SubscriptionRequest[] },
  ): Promise<void> {
    const { deps, tenant, watcher, audience } = this.stream;
    const { id, view } = subscription;
    try {
      this.check(subscription);
      const release = await tenant.log.hold(subjectsOf(view));
      if (watcher.ended) release();
      // What a node was told before goes on behind the old scope.
      else if (to.resumed || deps.loads.isReady(tenant, view)) {
        this.releases.set(id, followView(deps, { tenant, view }, release));
        tenant.hub.update(watcher, audience.set(id, view));
      } else {
        release();
        to.later.push(subscription);
      }
    } catch (error) {
      if (!isSwitchboardError(error)) throw error;
      this.refuse(id, error);
    }
  }

  /** Adds a subscription once what it shows is loaded, unless it was replaced meanwhile. */
  private async load(subscription: SubscriptionRequest, release: () => void): Promise<void> {
    const { deps, tenant, signal, fail } = this.stream;
    const { id, view } = subscription;
    const isWanted = (): boolean => this.loading.get(id) === subscription;
    this.loading.set(id, subscription);
    try {
      await deps.loads.ready(tenant, view, signal);
      if (isWanted()) this.add(subscription, release);
      else release();
    } catch (error) {
      release();
      if (!isWanted() || signal.aborted) return;
      this.loading.delete(id);
      if (isSwitchboardError(error)) this.refuse(id, error);
      else fail(error);
    }
  }

  private add({ id, view }: SubscriptionRequest, release: () => void): void {
    const { deps, tenant } = this.stream;
    this.loading.delete(id);
    this.queue(id, { view, release: followView(deps, { tenant, view }, release) });
  }

  private queue(id: string, change: Change): void {
    if (this.stream.watcher.ended) {
      change.release();
      return;
    }
    this.take(id)?.release();
    this.waiting.set(id, change);
    if (!this.isDraining) this.drain();
  }

  private drain(): void {
    this.isDraining = true;
    this.stream.watcher.runLive(() => {
      this.applySome();
      setImmediate(() => {
        this.isDraining = false;
        if (this.waiting.size > 0) this.drain();
      });
    });
  }

  private applySome(): void {
    // Each counts, also one that shows nothing.
    let done = 0;
    for (const [id, change] of this.waiting) {
      if (done >= CHUNK) return;
      this.waiting.delete(id);
      done += Math.max(1, this.apply(id, change));
    }
  }

  /** Returns of how many servers the node was told. */
  private apply(id: string, { view, release }: Change): number {
    const { tenant, watcher, audience } = this.stream;
    const { log, hub } = tenant;
    const { frames, subjects, told } = audience.change(log, log.position, { id, view });
    watcher.send(frames);
    hub.update(watcher, subjects);
    this.releases.get(id)?.();
    if (view === undefined) this.releases.delete(id);
    else this.releases.set(id, release);
    return told;
  }

  private take(id: string): Change | undefined {
    const change = this.waiting.get(id);
    this.waiting.delete(id);
    return change;
  }

  private refuse(id: string, error: SwitchboardError): void {
    const { audience, watcher, deps } = this.stream;
    const isThere = audience.has(id) || this.waiting.has(id) || this.loading.has(id);
    if (!isThere) this.ids.delete(id);
    watcher.tell(deps.encoder.refused(id, error));
  }

  private check({ id, view }: SubscriptionRequest): void {
    checkId(id, 'subscription_id', (field, description) => {
      throw invalidField(field, description);
    });
    if (id.length > LIMITS.requestId) {
      throw invalidField(
        'subscription_id',
        `must be at most ${String(LIMITS.requestId)} characters`,
      );
    }
    validateView(view, 'view');
    if (this.ids.has(id)) return;
    if (this.ids.size >= this.stream.deps.maxSubscriptions)
      throw new SwitchboardError('TOO_MANY_SUBSCRIPTIONS');
    this.ids.add(id);
  }
}

/** Whether a view is the one that the node was told of under this id. */
export function goesOn({ view, digest }: SubscriptionRequest): boolean {
  return digest === viewDigest(view);
}
