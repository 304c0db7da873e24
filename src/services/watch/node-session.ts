import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Caller } from '../../domain/caller.js';
import type { Position } from '../../domain/commit.js';
import { isSwitchboardError, SwitchboardError } from '../../domain/errors.js';
import { decodeToken, type Token } from '../../domain/token.js';
import type { NodeMessage } from '../../domain/node-stream.js';
import { validateId } from '../request.js';
import type { Tenant } from '../tenants.js';
import { createMemo, type ResetReason } from './audience.js';
import { NodeAudience } from './node-audience.js';
import { checkResume } from './resume.js';
import { goesOn, NodeSubscriptions } from './node-subscriptions.js';
import type { FrameSink } from './sink.js';
import type { Watcher } from './watcher.js';
import type { SessionDeps } from './session-deps.js';
import { CHUNK } from './snapshots.js';
import { createSubscriptionRate } from './subscription-rate.js';
import { openWatcher } from './watch-servers.js';

type OpenMessage = Extract<NodeMessage, { kind: 'open' }>;

/** How many subscriptions of a stream may change in a second, once its burst is used up. */
const CHANGES_PER_SECOND = 500;

interface Opened {
  readonly tenantId: string;
  readonly watcher: Watcher;
  readonly subscriptions: NodeSubscriptions;
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
  private opened: Opened | undefined;
  private work: Promise<void> = Promise.resolve();
  private appliedAt: number;
  private readonly takeChange: () => number;
  /** How often subscriptions have changed. */
  private changes = 0;

  constructor(deps: SessionDeps, caller: Caller, sink: FrameSink) {
    this.deps = deps;
    this.caller = caller;
    this.sink = sink;
    this.audience = new NodeAudience(deps.encoder);
    this.appliedAt = deps.monotonic();
    // A node may exchange all of its users at once.
    const limits = { burst: 2 * deps.maxSubscriptions, perSecond: CHANGES_PER_SECOND };
    this.takeChange = createSubscriptionRate(limits, deps.monotonic);
  }

  /**
   * Deals with one message, after those before it. Resolves when that is done: whoever reads
   * on before makes the messages of a node queue without bound.
   */
  receive(message: NodeMessage): Promise<void> {
    this.work = this.work
      .then(() => this.handle(message))
      .catch((error: unknown) => {
        this.fail(error);
      });
    return this.work;
  }

  /** Ends a stream whose node does not acknowledge what it is sent. */
  checkAcknowledged(): void {
    const { monotonic, limits } = this.deps;
    if (this.opened?.watcher.isLive !== true) this.appliedAt = monotonic();
    if (monotonic() - this.appliedAt < limits.ackMs) return;
    this.fail(
      new SwitchboardError('SLOW_CONSUMER', 'the node does not acknowledge what it is sent'),
    );
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
    if (message.kind === 'applied') {
      this.applied(opened, message.token);
      return;
    }
    await this.paced();
    if (message.kind === 'subscribe') await opened.subscriptions.subscribe(message.subscription);
    else opened.subscriptions.unsubscribe(message.id);
  }

  /** Waits until one more subscription may change. The node's messages wait meanwhile. */
  private async paced(): Promise<void> {
    this.changes += 1;
    if (this.changes % CHUNK === 0) await nextTurn();
    for (;;) {
      const ms = this.takeChange();
      if (ms === 0 || this.sink.isGone) return;
      await sleep(ms);
    }
  }

  private async open(message: OpenMessage): Promise<void> {
    const { deps } = this;
    validateId(message.nodeId, 'open.node_id');
    validateId(message.bootId, 'open.boot_id');
    const token =
      message.resumeToken === ''
        ? undefined
        : decodeToken(message.tenant, message.resumeToken, 'open.resume_token');
    const tenant = await deps.tenants.get(message.tenant);
    const place = token && (await this.placeFor(tenant, token, message));
    const resumed = typeof place === 'object';
    const { watcher, subscriptions } = this.begin(tenant, message.tenant);
    if (watcher.ended) return;
    watcher.tell(deps.encoder.welcome({ resumed }));
    const later = await subscriptions.open(message.subscriptions, resumed);
    for (let at = 0; at < later.length; at += CHUNK) {
      if (at > 0) await nextTurn();
      const chunk = later.slice(at, at + CHUNK);
      await Promise.all(chunk.map((subscription) => subscriptions.subscribe(subscription)));
    }
    // Not awaited: acknowledgements and subscriptions come while it is under way.
    const started =
      typeof place === 'object'
        ? this.resume(tenant, watcher, place)
        : watcher.snapshot(message.held, place);
    started.catch((error: unknown) => {
      this.fail(error);
    });
  }

  /** The hub knows the stream from here on, and it may be told heartbeats. */
  private begin(tenant: Tenant, tenantId: string): Opened {
    const { deps, audience, sink } = this;
    const watcher = openWatcher(deps, tenant, {
      audience,
      sink,
      onEnd: () => this.opened?.subscriptions.releaseAll(),
    });
    const fail = this.fail.bind(this);
    const { signal } = sink;
    const subscriptions = new NodeSubscriptions({ deps, tenant, watcher, audience, signal, fail });
    this.opened = { tenantId, watcher, subscriptions };
    return this.opened;
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
    const place = await checkResume(
      { log, catalog: this.deps.catalog, signal: this.sink.signal },
      token,
    );
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

  private applied({ tenantId }: Opened, token: string): void {
    decodeToken(tenantId, token, 'applied.token');
    this.appliedAt = this.deps.monotonic();
  }

  private fail(error: unknown): void {
    const known = isSwitchboardError(error)
      ? error
      : new SwitchboardError('INTERNAL', undefined, { cause: error });
    if (this.opened !== undefined) {
      this.opened.watcher.end(known);
      return;
    }
    this.sink.end(known);
  }
}
