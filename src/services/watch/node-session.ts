import type { Caller } from '../../domain/caller.js';
import type { Position } from '../../domain/commit.js';
import { invalidField, isSwitchboardError, SwitchboardError } from '../../domain/errors.js';
import { decodeToken, viewDigest, type Token } from '../../domain/token.js';
import type { NodeMessage, SubscriptionRequest } from '../../domain/node-stream.js';
import { checkId, LIMITS } from '../../domain/validate.js';
import { subjectsOf, type ReaderView } from '../../domain/view.js';
import { authorize, validateId, validateView } from '../request.js';
import type { Tenant } from '../tenants.js';
import { createMemo, type ResetReason } from './audience.js';
import { NodeAudience, type SyncEncoder } from './node-audience.js';
import { checkResume } from './resume.js';
import type { FrameSink } from './sink.js';
import type { Watcher } from './watcher.js';
import { followView, openWatcher, type WatchDeps } from './watch-servers.js';

type OpenMessage = Extract<NodeMessage, { kind: 'open' }>;

/** What a session needs of the encoder besides its audience. */
export interface SessionEncoder extends SyncEncoder {
  welcome(facts: { readonly resumed: boolean }): Uint8Array;
  refused(id: string, error: SwitchboardError): Uint8Array;
}

export interface SessionDeps extends WatchDeps {
  readonly encoder: SessionEncoder;
  readonly maxSubscriptions: number;
}

interface Opened {
  readonly tenant: Tenant;
  readonly tenantId: string;
  readonly watcher: Watcher;
}

/**
 * One node's stream. Its messages are dealt with one after the other; whatever is wrong
 * with a single subscription refuses that one, whatever is wrong with the stream ends it.
 */
export class NodeSession {
  private readonly deps: SessionDeps;
  private readonly caller: Caller;
  private readonly sink: FrameSink;
  private readonly audience: NodeAudience;
  /** What keeps the subjects of each subscription in the view. */
  private readonly releases = new Map<string, () => void>();
  /** Subscriptions that wait for what they show to be loaded, by id. */
  private readonly loading = new Map<string, SubscriptionRequest>();
  /** The same of changes that wait until the stream is live. */
  private readonly waitingReleases = new Set<() => void>();
  private opened: Opened | undefined;
  private work: Promise<void> = Promise.resolve();
  private appliedAt: number;

  constructor(deps: SessionDeps, caller: Caller, sink: FrameSink) {
    this.deps = deps;
    this.caller = caller;
    this.sink = sink;
    this.audience = new NodeAudience(deps.encoder);
    this.appliedAt = deps.monotonic();
  }

  /** Deals with one message, after those before it. */
  receive(message: NodeMessage): void {
    this.work = this.work
      .then(() => this.handle(message))
      .catch((error: unknown) => {
        this.fail(error);
      });
  }

  /** Ends a stream whose node acknowledges nothing. */
  checkAcknowledged(): void {
    const { monotonic, limits } = this.deps;
    if (this.opened?.watcher.isLive !== true) this.appliedAt = monotonic();
    if (monotonic() - this.appliedAt < limits.ackMs) return;
    this.fail(new SwitchboardError('SLOW_CONSUMER', 'the node acknowledges nothing'));
  }

  private async handle(message: NodeMessage): Promise<void> {
    if (this.sink.isGone) return;
    if (message.kind === 'open') {
      if (this.opened !== undefined)
        throw new SwitchboardError('PROTOCOL_VIOLATION', 'open came twice');
      await this.open(message);
      return;
    }
    const { opened } = this;
    if (opened === undefined)
      throw new SwitchboardError('PROTOCOL_VIOLATION', 'open must come first');
    if (message.kind === 'subscribe') await this.subscribe(opened, message.subscription);
    else if (message.kind === 'unsubscribe') {
      this.loading.delete(message.id);
      this.change(opened, { id: message.id, view: undefined }, () => undefined);
    } else this.applied(opened, message.token);
  }

  private async open(message: OpenMessage): Promise<void> {
    const { deps, audience, sink } = this;
    authorize({ caller: this.caller, tenant: message.tenant }, 'reader');
    validateId(message.nodeId, 'open.node_id');
    validateId(message.bootId, 'open.boot_id');
    const token =
      message.resumeToken === ''
        ? undefined
        : decodeToken(message.tenant, message.resumeToken, 'open.resume_token');
    const tenant = await deps.tenants.get(message.tenant);
    const place = token && (await this.placeFor(tenant, token, message));
    const resumed = typeof place === 'object';
    const { refused, later } = await this.accept(tenant, message.subscriptions, resumed);
    const watcher = openWatcher(deps, tenant, {
      audience,
      sink,
      onEnd: () => {
        this.releaseAll();
      },
    });
    this.opened = { tenant, tenantId: message.tenant, watcher };
    if (watcher.ended) return;
    watcher.tell(deps.encoder.welcome({ resumed }));
    for (const { id, error } of refused) watcher.tell(deps.encoder.refused(id, error));
    for (const subscription of later) await this.subscribe(this.opened, subscription);
    // Not awaited: acknowledgements and subscriptions come while it is under way.
    const started =
      typeof place === 'object'
        ? this.resume(tenant, watcher, place)
        : watcher.snapshot(message.held, place);
    started.catch((error: unknown) => {
      this.fail(error);
    });
  }

  /**
   * Where the stream goes on from, or why it is reset. Subscriptions that do not go on are
   * added to it as new ones. A node that names views of users which it knew, none of which
   * goes on, holds what is for users and would hear nothing of it.
   */
  private async placeFor(
    { log }: Tenant,
    token: Token,
    { subscriptions }: OpenMessage,
  ): Promise<Position | ResetReason> {
    const place = await checkResume({ log, catalog: this.deps.catalog }, token);
    const known = subscriptions.filter(({ view, digest }) => view.kind === 'user' && digest !== '');
    const isLost = known.length > 0 && !known.some(goesOn);
    return typeof place === 'object' && isLost ? 'view_differs' : place;
  }

  /** A heartbeat at its end tells the node that it has caught up: what it missed has no end else. */
  private async resume(
    { log, upstream }: Tenant,
    watcher: Watcher,
    place: Position,
  ): Promise<void> {
    await watcher.resume(place);
    watcher.beat({ newest: log.position, upstream: upstream.status() }, createMemo());
  }

  /**
   * Adds the subscriptions that a stream opens with. Returns those that cannot be had, and
   * those that are to be added later: because they have to be loaded first, or because they
   * are new on a stream that was resumed.
   */
  private async accept(
    tenant: Tenant,
    subscriptions: readonly SubscriptionRequest[],
    resumed: boolean,
  ): Promise<{
    readonly refused: readonly { id: string; error: SwitchboardError }[];
    readonly later: readonly SubscriptionRequest[];
  }> {
    const refused: { id: string; error: SwitchboardError }[] = [];
    const later: SubscriptionRequest[] = [];
    const ids = new Set<string>();
    await Promise.all(
      subscriptions.map(async (subscription) => {
        const { id, view } = subscription;
        try {
          if (ids.has(id)) throw invalidField('subscription_id', 'is given twice');
          ids.add(id);
          if (resumed && !goesOn(subscription)) {
            later.push(subscription);
            return;
          }
          this.check(subscription);
          // At once, so that the limit counts it; taken back if its records cannot be had.
          this.audience.set(id, view);
          try {
            const release = await tenant.log.hold(subjectsOf(view));
            // What a node was told before goes on behind the old scope.
            if (resumed || this.deps.loads.isReady(tenant, view)) {
              this.releases.set(id, followView(this.deps, { tenant, view }, release));
            } else {
              release();
              later.push(subscription);
              this.audience.set(id, undefined);
            }
          } catch (error) {
            this.audience.set(id, undefined);
            throw error;
          }
        } catch (error) {
          if (!isSwitchboardError(error)) throw error;
          refused.push({ id, error });
        }
      }),
    );
    return { refused, later };
  }

  private async subscribe(opened: Opened, subscription: SubscriptionRequest): Promise<void> {
    const { tenant, watcher } = opened;
    try {
      this.check(subscription);
      const release = await tenant.log.hold(subjectsOf(subscription.view));
      if (this.deps.loads.isReady(tenant, subscription.view))
        this.add(opened, subscription, release);
      // Not awaited: one user whose servers load slowly holds up no other.
      else void this.load(opened, subscription, release);
    } catch (error) {
      if (!isSwitchboardError(error)) throw error;
      watcher.tell(this.deps.encoder.refused(subscription.id, error));
    }
  }

  private add(opened: Opened, subscription: SubscriptionRequest, release: () => void): void {
    const { tenant } = opened;
    const { id, view } = subscription;
    this.loading.delete(id);
    this.change(opened, { id, view }, followView(this.deps, { tenant, view }, release));
  }

  /** Adds a subscription once what it shows is loaded, unless it was replaced meanwhile. */
  private async load(
    opened: Opened,
    subscription: SubscriptionRequest,
    release: () => void,
  ): Promise<void> {
    const { id, view } = subscription;
    const isWanted = (): boolean => this.loading.get(id) === subscription;
    this.loading.set(id, subscription);
    try {
      await this.deps.loads.ready(opened.tenant, view, this.sink.signal);
      if (isWanted()) this.add(opened, subscription, release);
      else release();
    } catch (error) {
      release();
      if (!isWanted() || this.sink.signal.aborted) return;
      this.loading.delete(id);
      if (!isSwitchboardError(error)) this.fail(error);
      else opened.watcher.tell(this.deps.encoder.refused(id, error));
    }
  }

  /** Changes a subscription in a turn in which the stream is up to date (rule 20). */
  private change(
    { tenant, watcher }: Opened,
    to: { readonly id: string; readonly view: ReaderView | undefined },
    release: () => void,
  ): void {
    if (watcher.ended) {
      release();
      return;
    }
    this.waitingReleases.add(release);
    watcher.runLive(() => {
      const { log, hub } = tenant;
      watcher.send(this.audience.change(log, log.position, to));
      hub.register(watcher);
      this.waitingReleases.delete(release);
      this.releases.get(to.id)?.();
      this.releases.set(to.id, release);
      if (to.view === undefined) this.releases.delete(to.id);
    });
  }

  private releaseAll(): void {
    for (const release of [...this.releases.values(), ...this.waitingReleases]) release();
    this.releases.clear();
    this.waitingReleases.clear();
  }

  private applied({ tenantId }: Opened, token: string): void {
    decodeToken(tenantId, token, 'applied.token');
    this.appliedAt = this.deps.monotonic();
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
    const isNew = !this.audience.has(id) && !this.loading.has(id);
    if (isNew && this.audience.size + this.loading.size >= this.deps.maxSubscriptions) {
      throw new SwitchboardError('TOO_MANY_SUBSCRIPTIONS');
    }
  }

  private fail(error: unknown): void {
    const known = isSwitchboardError(error)
      ? error
      : new SwitchboardError('INTERNAL', undefined, { cause: error });
    if (this.opened !== undefined) {
      this.opened.watcher.end(known);
      return;
    }
    this.releaseAll();
    this.sink.end(known);
  }
}

/** Whether a view is the one that the node was told of under this id. */
function goesOn({ view, digest }: SubscriptionRequest): boolean {
  return digest === viewDigest(view);
}
