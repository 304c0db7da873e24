import { randomUUID } from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';
import type { SwitchboardError } from '../../domain/errors.js';
import type { ReaderView } from '../../domain/view.js';
import type { ConnectionServiceClient } from '../../wire/clients.js';
import { fromRecordChange, UpstreamState, type SyncResponse } from '../../wire/feed-codec.js';
import { fromDuration } from '../../wire/spec-codec.js';
import { fromRpcStatus } from '../../wire/status.js';
import { ClientError } from '../client-error.js';
import { StatusCell } from '../status.js';
import type { FeedChange, FeedTarget, ViewFeed } from '../view-feed.js';
import { Retry, RETRY_DEFAULTS, type RetryOptions } from './retry.js';
import { Subscriptions } from './subscriptions.js';
import { openSyncStream, type SyncStream } from './sync-stream.js';

export interface ReflectorOptions {
  /** Closed by whoever made it. */
  readonly client: ConnectionServiceClient;
  readonly target: FeedTarget;
  readonly tenant: string;
  readonly nodeId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Called for each stream; credentials may change. */
  readonly metadata: () => Metadata | Promise<Metadata>;
  readonly retry?: Partial<RetryOptions>;
}

/** What the heartbeat interval is taken for until the server has told it. Milliseconds. */
const ASSUMED_HEARTBEAT_MS = 10_000;
/** Copies named when opening: beyond that a snapshot is the better answer. */
const MAX_HELD = 5_000;

type Message = NonNullable<SyncResponse['message']>;

/**
 * Keeps a view in step with the control plane over one Sync stream: a snapshot, then
 * changes, applied a commit at a time and acknowledged; resumed from the last token after
 * a break; opened again with jittered delays for as long as it is not closed. A stream
 * that is silent for two heartbeats and a second is given up (W11).
 */
export class Reflector implements ViewFeed {
  readonly status = new StatusCell();
  private readonly options: ReflectorOptions;
  private readonly bootId = randomUUID();
  private readonly subscriptions = new Subscriptions();
  private readonly retry: Retry;
  private stream: SyncStream | undefined;
  private timer: NodeJS.Timeout | undefined;
  private watchdog: NodeJS.Timeout | undefined;
  private heartbeatMs = ASSUMED_HEARTBEAT_MS;
  private token = '';
  private pending: FeedChange[] = [];
  private replacing = true;
  private syncedAt: number | undefined;
  private lastFrameAt = 0;
  private closed = false;

  constructor(options: ReflectorOptions) {
    this.options = options;
    this.retry = new Retry({ ...RETRY_DEFAULTS, ...options.retry });
    this.open();
  }

  subscribe(id: string, view: ReaderView): Promise<void> {
    if (this.closed) return Promise.reject(new ClientError('CLIENT_CLOSED'));
    const synced = this.subscriptions.add(id, view);
    this.stream?.send({ $case: 'subscribe', value: this.subscriptions.message(id) });
    return synced;
  }

  unsubscribe(id: string): void {
    this.subscriptions.remove(id);
    this.stream?.send({ $case: 'unsubscribe', value: { subscriptionId: id } });
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    this.stream?.cancel();
    this.stream = undefined;
    this.subscriptions.close();
    this.status.set('CLOSED', 'closed');
  }

  private open(): void {
    this.pending = [];
    this.syncedAt = undefined;
    this.watch();
    Promise.resolve(this.options.metadata())
      .then((metadata) => {
        if (!this.closed && this.stream === undefined) this.start(metadata);
      })
      .catch((cause: unknown) => {
        this.lost('disconnected', cause as Error);
      });
  }

  private start(metadata: Metadata): void {
    const { client, target, tenant, nodeId, labels } = this.options;
    this.stream = openSyncStream(client, metadata, {
      onMessage: (message) => {
        this.lastFrameAt = performance.now();
        this.receive(message);
      },
      onEnd: (error) => {
        this.stream = undefined;
        this.forgetBadToken(error);
        this.lost('disconnected', error, error.retryDelayMs);
      },
    });
    if (!this.subscriptions.hasUsers) target.forgetUsers();
    const held = [...target.held()];
    this.stream.send({
      $case: 'open',
      value: {
        tenant,
        nodeId,
        bootId: this.bootId,
        labels: new Map(Object.entries(labels)),
        resumeToken: this.token,
        subscriptions: this.subscriptions.opening(this.token !== ''),
        held:
          held.length > MAX_HELD
            ? []
            : held.map(({ id, etag, accessEtag }) => ({ id, etag, accessEtag })),
      },
    });
    for (const value of this.subscriptions.later(this.token !== ''))
      this.stream.send({ $case: 'subscribe', value });
  }

  private receive(message: Message): void {
    switch (message.$case) {
      case 'welcome':
        this.heartbeatMs = fromDuration(message.value.heartbeatInterval) ?? ASSUMED_HEARTBEAT_MS;
        this.replacing = !message.value.resumed;
        this.watch();
        return;
      case 'changes':
        for (const change of message.value.changes) {
          const known = fromRecordChange(change);
          if (known !== undefined) this.pending.push(known);
        }
        return;
      case 'commit':
        this.apply([], message.value.token);
        return;
      case 'synced':
        this.synced(message.value);
        return;
      case 'heartbeat':
        this.beat(message.value);
        return;
      case 'reset':
        this.pending = [];
        this.replacing = true;
        return;
      case 'refused': {
        const { subscriptionId, status } = message.value;
        this.subscriptions.refuse(subscriptionId, status && fromRpcStatus(status));
      }
    }
  }

  private synced({ token, subscriptions }: Extract<Message, { $case: 'synced' }>['value']): void {
    this.apply(
      subscriptions.map((one) => one.subscriptionId),
      token,
    );
    for (const { subscriptionId, viewDigest } of subscriptions)
      this.subscriptions.synced(subscriptionId, viewDigest);
    this.syncedAt ??= performance.now();
    this.status.set('READY', 'synced');
  }

  private apply(synced: readonly string[], token: string): void {
    const changes = this.pending;
    this.pending = [];
    const replaces = this.replacing && synced.length > 0;
    if (replaces) this.replacing = false;
    this.options.target.apply({ replaces, changes, synced });
    this.token = token;
    this.stream?.send({ $case: 'applied', value: { token } });
  }

  private beat({ token, upstreamState }: Extract<Message, { $case: 'heartbeat' }>['value']): void {
    if (token !== '') {
      this.token = token;
      this.stream?.send({ $case: 'applied', value: { token } });
    }
    if (this.syncedAt === undefined) return;
    const degraded = upstreamState === UpstreamState.UPSTREAM_STATE_DEGRADED;
    if (degraded) this.status.set('STALE', 'upstream_degraded');
    else this.status.set('READY', 'synced');
  }

  /** Looks again when the longest allowed silence would be over. */
  private watch(): void {
    clearTimeout(this.watchdog);
    const silenceMs = 2 * this.heartbeatMs + 1_000;
    this.lastFrameAt = performance.now();
    const look = (): void => {
      const leftMs = this.lastFrameAt + silenceMs - performance.now();
      if (leftMs > 0) this.watchdog = setTimeout(look, leftMs).unref();
      else this.silent();
    };
    this.watchdog = setTimeout(look, silenceMs).unref();
  }

  private silent(): void {
    this.stream?.cancel();
    this.stream = undefined;
    this.lost('silent');
  }

  private lost(reason: 'disconnected' | 'silent', error?: Error, atLeastMs?: number): void {
    if (this.closed) return;
    clearTimeout(this.watchdog);
    clearTimeout(this.timer);
    const { state } = this.status.current;
    this.status.set(state === 'CONNECTING' ? 'CONNECTING' : 'STALE', reason, error);
    this.retry.ended(this.syncedAt === undefined ? 0 : performance.now() - this.syncedAt);
    this.timer = setTimeout(() => {
      this.open();
    }, this.retry.nextMs(atLeastMs));
  }

  private forgetBadToken(error: SwitchboardError): void {
    if (error.reason === 'TOKEN_INVALID' || error.reason === 'EPOCH_CHANGED') this.token = '';
  }
}
