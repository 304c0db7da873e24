import type { Position } from '../../domain/commit.js';
import { SwitchboardError } from '../../domain/errors.js';
import type { Step, TenantState } from '../replica/tenant-state.js';
import {
  NOTHING_HELD,
  type Audience,
  type Held,
  type HeartbeatFacts,
  type Memo,
  type ResetReason,
} from './audience.js';
import { Outbound } from './outbound.js';
import { ReplayDelivery } from './replay-delivery.js';
import type { Replays } from './replays.js';
import type { FrameSink } from './sink.js';
import { ReaderPace } from './reader-pace.js';
import { SnapshotDelivery } from './snapshot-delivery.js';
import type { Snapshots } from './snapshots.js';
import type { WatchLimits } from './watch-limits.js';

export interface WatcherDeps {
  readonly log: TenantState;
  readonly limits: WatchLimits;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  readonly snapshots: Snapshots;
  readonly replays: Replays;
  /** Called when the stream is over, however it ended. */
  readonly onEnd: (watcher: Watcher) => void;
}

type State =
  /** It has no place yet. */
  | { readonly kind: 'opening' }
  /** It sends what came after its place: the hub's commits do not concern it. */
  | { readonly kind: 'replaying'; readonly delivery: ReplayDelivery }
  /** A snapshot is on its way, or will be in this turn. */
  | { readonly kind: 'snapshot'; readonly delivery?: SnapshotDelivery }
  | { readonly kind: 'live' }
  | { readonly kind: 'ended' };

const OPENING: State = { kind: 'opening' };
const LIVE: State = { kind: 'live' };
const ENDED: State = { kind: 'ended' };
const NONE: readonly never[] = [];

/**
 * One stream that follows a tenant's log: replayed or a snapshot first, then live. Every
 * commit that shows it something is sent once, in order, whole, closed by its last frame. A
 * reader that lags beyond its budget gets a reset and the state instead of its backlog;
 * one that does not read, or is reset too often, is ended with SLOW_CONSUMER.
 */
export class Watcher {
  readonly audience: Audience;
  private readonly deps: WatcherDeps;
  private readonly out: Outbound;
  private state: State = OPENING;
  private heartbeatWaits = false;
  /** Heartbeats come after the first frame of the stream. */
  private hasBegun = false;
  /** Why the log was replaced before the stream began; undefined if it was not. */
  private replaced: ResetReason | undefined;
  /** When it was reset; most never are. */
  private resets: readonly number[] = NONE;
  private readonly pace: ReaderPace;
  /** What waits until it is live. */
  private whenLive: readonly (() => void)[] = NONE;

  constructor(audience: Audience, sink: FrameSink, deps: WatcherDeps) {
    this.audience = audience;
    this.deps = deps;
    this.out = new Outbound(sink, deps.now);
    this.pace = new ReaderPace(deps.now);
    sink.onceGone(() => {
      this.end();
    });
  }

  /** Whether everything up to the log's position was queued for the reader. */
  get isLive(): boolean {
    return this.state.kind === 'live';
  }

  get ended(): boolean {
    return this.state.kind === 'ended';
  }

  /**
   * Sends frames about the state that the log is at, after what was sent before. A reset
   * takes them back, and its snapshot tells the same.
   */
  send(frames: readonly Uint8Array[]): void {
    this.out.send(frames);
  }

  /** Sends a frame that has nothing to do with the log; a reset does not take it back. */
  tell(frame: Uint8Array): void {
    this.hasBegun = true;
    this.out.tell(frame);
  }

  /**
   * Runs `change` in a turn in which everything up to the log's position was sent. At
   * once where that is so.
   */
  runLive(change: () => void): void {
    if (this.state.kind === 'live') change();
    else if (this.state.kind !== 'ended') this.whenLive = [...this.whenLive, change];
  }

  /** Sends what came after `place`, then goes live. */
  async resume(place: Position): Promise<void> {
    if (this.replaced !== undefined) {
      await this.snapshot(NOTHING_HELD, this.replaced);
      return;
    }
    if (this.ended) return;
    this.hasBegun = true;
    const delivery = this.newReplay(place);
    this.state = { kind: 'replaying', delivery };
    this.out.send([this.audience.synced(place)]);
    await delivery.run();
  }

  /**
   * The log is no longer the one of which this stream told: resets it with the state as it is.
   * A stream that has not begun needs no reset, but cannot go on from a place of that log.
   */
  restart(reason: ResetReason): void {
    if (this.ended) return;
    if (this.state.kind === 'opening') this.replaced = reason;
    else if (this.state.kind !== 'snapshot') this.startSnapshot(reason);
    else this.state.delivery?.restart(reason);
  }

  /** Sends the whole view, then goes live. With `reason`, says first why. */
  async snapshot(held: Held, reason?: ResetReason): Promise<void> {
    if (this.ended) return;
    this.hasBegun = true;
    const delivery = this.newSnapshot();
    this.state = { kind: 'snapshot', delivery };
    if (reason !== undefined) this.out.send([this.audience.reset(reason)]);
    await delivery.run(held);
  }

  /** A commit of the hub; called before the log shows it. */
  onStep(step: Step, memo: Memo): void {
    if (this.state.kind === 'snapshot') this.state.delivery?.onStep(step, memo);
    if (this.state.kind !== 'live') return;
    this.sendStep(step, memo);
    if (this.out.exceeds(this.deps.limits.budgetBytes)) this.lagged();
  }

  /** Sends a heartbeat, unless one is still waiting for its reader or nothing was sent yet. */
  beat(facts: Omit<HeartbeatFacts, 'bookmark'>, memo: Memo): void {
    if (this.ended || this.heartbeatWaits || !this.hasBegun) return;
    this.heartbeatWaits = true;
    this.out.send([this.audience.heartbeat({ ...facts, bookmark: this.bookmark() }, memo)]);
    this.out.whenEmpty(() => {
      this.heartbeatWaits = false;
    });
  }

  /** Heartbeats may come, though nothing was sent yet. */
  begin(): void {
    this.hasBegun = true;
  }

  /** Ends a stream whose reader does not read, or takes a snapshot or a replay too slowly. */
  checkStalled(): void {
    const { now, limits } = this.deps;
    const since = this.out.blockedSince;
    if (since !== undefined && now() - since >= limits.stallMs) {
      this.end(new SwitchboardError('SLOW_CONSUMER', 'the reader does not read'));
    } else if (this.pace.isTooSlow(limits)) {
      this.end(new SwitchboardError('SLOW_CONSUMER', 'the reader takes what it missed too slowly'));
    }
  }

  end(error?: SwitchboardError): void {
    if (this.ended) return;
    this.state = ENDED;
    this.whenLive = NONE;
    this.out.end(error);
    this.deps.onEnd(this);
  }

  /** Lets go of a stream that was refused, which its caller ends. */
  abandon(): void {
    if (this.ended) return;
    this.state = ENDED;
    this.deps.onEnd(this);
  }

  private sendStep(step: Step, memo: Memo): void {
    const frames = this.audience.step(step, memo);
    if (frames.length > 0) this.out.sendCommit(frames);
  }

  /** Up to where everything was sent; undefined while a snapshot is under way. */
  private bookmark(): Position | undefined {
    if (this.state.kind === 'live') return this.deps.log.position;
    return this.state.kind === 'replaying' ? this.state.delivery.place : undefined;
  }

  private newReplay(from: Position): ReplayDelivery {
    const { log, replays, now } = this.deps;
    const delivery: ReplayDelivery = new ReplayDelivery(
      { ...this.shared(() => delivery), log, replays, now },
      from,
    );
    return delivery;
  }

  private newSnapshot(): SnapshotDelivery {
    const { snapshots } = this.deps;
    const delivery: SnapshotDelivery = new SnapshotDelivery({
      ...this.shared(() => delivery),
      snapshots,
    });
    return delivery;
  }

  /** What a delivery needs of its stream. */
  private shared(delivery: () => ReplayDelivery | SnapshotDelivery) {
    const { audience, out, pace } = this;
    return {
      audience,
      out,
      pace,
      budgetBytes: this.deps.limits.budgetBytes,
      isOver: () => !('delivery' in this.state) || this.state.delivery !== delivery(),
      onLive: () => {
        this.goLive();
      },
    };
  }

  private goLive(): void {
    if (this.ended) return;
    this.state = LIVE;
    const changes = this.whenLive;
    this.whenLive = NONE;
    for (const change of changes) change();
  }

  private lagged(): void {
    const { now, limits } = this.deps;
    this.resets = [...this.resets.filter((at) => now() - at < limits.resetWindowMs), now()];
    if (this.resets.length > limits.maxResets) {
      this.end(new SwitchboardError('SLOW_CONSUMER', 'the reader fell behind too often'));
      return;
    }
    this.out.clear();
    this.heartbeatWaits = false;
    this.startSnapshot('lagged');
  }

  private startSnapshot(reason: ResetReason): void {
    this.state = { kind: 'snapshot' };
    // Not in this turn: the log does not yet show the commit that was too much.
    queueMicrotask(() => {
      this.snapshot(NOTHING_HELD, reason).catch((cause: unknown) => {
        this.end(new SwitchboardError('INTERNAL', undefined, { cause }));
      });
    });
  }
}
