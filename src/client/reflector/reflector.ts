import { randomUUID } from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';
import type { SwitchboardError } from '../../domain/errors.js';
import type { FeedMessage } from '../../domain/node-stream.js';
import type { ReaderView } from '../../domain/view.js';
import type { SyncClient, SyncStream } from '../../wire/client/sync-client.js';
import { ClientError } from '../client-error.js';
import type { NodePolicy } from '../node-policy.js';
import type { KnownServer } from '../server-view.js';
import { StatusCell } from '../status.js';
import { emitSyncEvent, type SyncEvent, type SyncEventListener } from '../sync-event.js';
import type { FeedStep, FeedTarget, ViewFeed } from '../view-feed.js';
import { Retry, RETRY_DEFAULTS, type RetryOptions } from './retry.js';
import { StepAssembly } from './step-assembly.js';
import { Subscriptions } from './subscriptions.js';
import { Watchdog } from './watchdog.js';

export interface ReflectorOptions {
  /** Opens a channel whose connections no other one uses. The reflector closes it. */
  readonly connect: () => SyncClient;
  readonly target: FeedTarget;
  /** Called with the transport policy of each stream, before anything is applied. */
  readonly onPolicy?: NodePolicy['follow'];
  readonly tenant: string;
  readonly nodeId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Called for each stream; credentials may change. */
  readonly metadata: () => Metadata | Promise<Metadata>;
  readonly retry?: Partial<RetryOptions>;
  readonly onSync?: SyncEventListener | undefined;
}

/** Copies named when opening: beyond that a snapshot is the better answer. */
const MAX_HELD = 5_000;

type AppliedKind = Extract<SyncEvent, { type: 'applied' }>['step'];
type MessageOf<K extends FeedMessage['kind']> = Extract<FeedMessage, { kind: K }>;

/**
 * Keeps a view in step with the control plane over one Sync stream: a snapshot, then
 * changes, applied a commit at a time and acknowledged; resumed from the last token after
 * a break; opened again with jittered delays for as long as it is not closed. A stream
 * that is silent for two heartbeats and a second is given up (W11).
 *
 * Each stream has a channel of its own. The connection of one that was given up may be dead
 * without anybody knowing, and a channel that failed waits up to two minutes by itself.
 */
export class Reflector implements ViewFeed {
  readonly status = new StatusCell();
  private readonly options: ReflectorOptions;
  private readonly bootId = randomUUID();
  private readonly subscriptions = new Subscriptions();
  private readonly retry: Retry;
  private readonly watchdog = new Watchdog(() => {
    this.lost('silent');
  });
  private client: SyncClient | undefined;
  private stream: SyncStream | undefined;
  /** The opening under way or open; another one, and what the former still says is void. */
  private attempt: object | undefined;
  private timer: NodeJS.Timeout | undefined;
  private token = '';
  private steps = this.assembly(new Map());
  /** Whether what was missed since the stream before may still be on its way. */
  private isCatchingUp = false;
  private syncedAt: number | undefined;
  private closed = false;

  constructor(options: ReflectorOptions) {
    this.options = options;
    this.retry = new Retry({ ...RETRY_DEFAULTS, ...options.retry });
    this.open();
  }

  subscribe(id: string, view: ReaderView): Promise<void> {
    if (this.closed) return Promise.reject(new ClientError('CLIENT_CLOSED'));
    const synced = this.subscriptions.add(id, view);
    this.stream?.send({ kind: 'subscribe', subscription: this.subscriptions.request(id) });
    return synced;
  }

  unsubscribe(id: string): void {
    const wireId = this.subscriptions.remove(id);
    if (wireId !== undefined) this.stream?.send({ kind: 'unsubscribe', id: wireId });
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.timer);
    this.giveUp();
    this.subscriptions.close();
    this.status.set('CLOSED', 'closed');
  }

  private open(): void {
    const attempt = {};
    this.attempt = attempt;
    this.syncedAt = undefined;
    this.watchdog.start();
    void this.begin(() => this.attempt === attempt);
  }

  private async begin(isCurrent: () => boolean): Promise<void> {
    try {
      const metadata = await this.options.metadata();
      if (isCurrent()) this.start(metadata, isCurrent);
    } catch (cause) {
      const error = new ClientError('HOOK_FAILED', 'no credentials for the stream', { cause });
      if (isCurrent()) this.lost('disconnected', error);
    }
  }

  private start(metadata: Metadata, isCurrent: () => boolean): void {
    const { connect, target, tenant, nodeId, labels } = this.options;
    this.client = connect();
    const stream = this.client.sync(metadata, {
      onMessage: (message) => {
        if (!isCurrent()) return;
        this.watchdog.seen();
        this.receive(message);
      },
      onEnd: (error) => {
        if (!isCurrent()) return;
        this.forgetBadToken(error);
        this.lost('disconnected', error, error.retryDelayMs);
      },
    });
    this.stream = stream;
    const { first, later, hasUsers } = this.subscriptions.opening(this.token !== '');
    if (!hasUsers) target.forgetUsers();
    const held = heldOf(target);
    this.steps = this.assembly(held);
    stream.send({
      kind: 'open',
      tenant,
      nodeId,
      bootId: this.bootId,
      labels,
      resumeToken: this.token,
      subscriptions: first,
      held: [...held.values()],
    });
    for (const subscription of later) stream.send({ kind: 'subscribe', subscription });
  }

  private assembly(held: ReadonlyMap<string, KnownServer>): StepAssembly {
    return new StepAssembly(held, (wireId) => this.subscriptions.idOf(wireId));
  }

  private receive(message: FeedMessage): void {
    switch (message.kind) {
      case 'welcome':
        this.welcome(message);
        return;
      case 'changes':
        this.steps.add(message.changes);
        return;
      case 'commit':
        this.apply(this.steps.commit(), message.token, 'commit');
        return;
      case 'synced':
        this.synced(message);
        return;
      case 'heartbeat':
        this.beat(message);
        return;
      case 'reset':
        this.steps.reset();
        this.emit({ type: 'reset', reason: message.reason });
        return;
      case 'refused':
        this.refused(message);
    }
  }

  private welcome({ heartbeatMs, resumed, servedBy, policy }: MessageOf<'welcome'>): void {
    this.options.onPolicy?.(policy);
    this.watchdog.start(heartbeatMs);
    this.isCatchingUp = resumed;
    if (resumed) this.steps.resume();
    this.emit({ type: 'opened', resumed, servedBy });
  }

  private synced({ token, subscriptions }: MessageOf<'synced'>): void {
    const ids = subscriptions.flatMap(({ id }) => this.subscriptions.idOf(id) ?? []);
    const step = this.steps.synced(ids);
    // The first one of a resumed stream repeats what was known; what was missed comes after it.
    const repeats = this.isCatchingUp && this.syncedAt === undefined;
    this.syncedAt ??= performance.now();
    this.apply(step, token, repeats ? undefined : step.replaces ? 'snapshot' : 'subscription');
    if (repeats || step.replaces)
      this.subscriptions.begin(new Set(subscriptions.map(({ id }) => id)));
    for (const { id, digest } of subscriptions) this.subscriptions.synced(id, digest);
    if (repeats) return;
    this.isCatchingUp = false;
    this.status.set('READY', 'synced');
  }

  private apply(step: FeedStep, token: string, kind: AppliedKind | undefined): void {
    this.options.target.apply(step);
    this.acknowledge(token);
    if (kind !== undefined)
      this.emit({ type: 'applied', step: kind, changed: step.changes.length });
  }

  private emit(event: SyncEvent): void {
    emitSyncEvent(this.options.onSync, event);
  }

  private acknowledge(token: string): void {
    this.token = token;
    this.stream?.send({ kind: 'applied', token });
  }

  private beat({ token, newest, isDegraded }: MessageOf<'heartbeat'>): void {
    if (token !== '') this.acknowledge(token);
    if (token === newest) this.isCatchingUp = false;
    if (this.syncedAt === undefined || this.isCatchingUp) return;
    if (isDegraded) this.status.set('STALE', 'upstream_degraded');
    else this.status.set('READY', 'synced');
  }

  /**
   * What will pass is waited out: for a view that is known here by a stream that is opened
   * again, as nothing more is told of it on this one; for one that the stream was opened with
   * by asking again. A view that cannot be followed any more becomes unknown.
   */
  private refused({ id: wireId, error }: MessageOf<'refused'>): void {
    if (error?.retryDelayMs !== undefined) {
      if (this.subscriptions.wasSynced(wireId)) throw error;
      if (this.subscriptions.isOpening(wireId)) {
        this.askAgain(wireId, error.retryDelayMs);
        return;
      }
    }
    const id = this.subscriptions.refuse(wireId, error);
    if (id !== undefined) this.options.target.drop(id);
  }

  private askAgain(wireId: string, afterMs: number): void {
    const { attempt } = this;
    const timer = setTimeout(() => {
      const id = this.subscriptions.idOf(wireId);
      if (this.attempt !== attempt || id === undefined) return;
      this.stream?.send({ kind: 'subscribe', subscription: this.subscriptions.request(id) });
    }, this.retry.jitteredMs(afterMs));
    timer.unref();
  }

  private lost(reason: 'disconnected' | 'silent', error?: Error, afterMs?: number): void {
    this.giveUp();
    this.retry.ended(this.syncedAt === undefined ? 0 : performance.now() - this.syncedAt);
    this.timer = setTimeout(() => {
      this.open();
    }, this.retry.nextMs(afterMs));
    const { state } = this.status.current;
    this.status.set(state === 'CONNECTING' ? 'CONNECTING' : 'STALE', reason, error);
  }

  /** Ends the present attempt; nothing is heard of it any more. */
  private giveUp(): void {
    this.attempt = undefined;
    this.watchdog.stop();
    this.stream?.cancel();
    this.stream = undefined;
    this.client?.close();
    this.client = undefined;
  }

  private forgetBadToken(error: SwitchboardError): void {
    if (error.reason === 'TOKEN_INVALID' || error.reason === 'EPOCH_CHANGED') this.token = '';
  }
}

function heldOf(target: FeedTarget): ReadonlyMap<string, KnownServer> {
  const held = new Map<string, KnownServer>();
  for (const server of target.held()) held.set(server.id, server);
  return held.size > MAX_HELD ? new Map() : held;
}
