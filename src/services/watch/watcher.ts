import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Position } from '../../domain/commit.js';
import { SwitchboardError } from '../../domain/errors.js';
import type { FrozenState } from '../replica/held-records.js';
import type { Step, TenantState } from '../replica/tenant-state.js';
import {
  createMemo,
  NOTHING_HELD,
  type Audience,
  type Held,
  type HeartbeatFacts,
  type Memo,
  type ResetReason,
} from './audience.js';
import { Outbound } from './outbound.js';
import { stepOver } from './replay.js';
import type { Replays } from './replays.js';
import type { FrameSink } from './sink.js';
import { CHUNK, type Snapshot, type Snapshots } from './snapshots.js';
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

/** Commits that came while a snapshot was under way. */
interface Pending {
  readonly frames: (readonly Uint8Array[])[];
  bytes: number;
}

/** A snapshot is on its way; what comes meanwhile waits, or is overtaken. */
interface SnapshotState {
  readonly kind: 'snapshot';
  pending: Pending | undefined;
  /** What was sent of it is of a history that is gone: it has to begin again, and say so. */
  restart: ResetReason | undefined;
}

type State =
  /** Before its first place, and while it replays: the hub's commits do not concern it. */
  | { readonly kind: 'replaying' }
  | SnapshotState
  | { readonly kind: 'live' }
  | { readonly kind: 'ended' };

const REPLAYING: State = { kind: 'replaying' };
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
  private state: State = REPLAYING;
  private bookmark: Position | undefined;
  private heartbeatWaits = false;
  /** Heartbeats come after the first frame of the stream. */
  private hasBegun = false;
  /** Why the log was replaced before the stream began; undefined if it was not. */
  private replaced: ResetReason | undefined;
  /** When it was reset; most never are. */
  private resets: readonly number[] = NONE;
  /** The snapshot or replay that its reader is taking: since when, and what was handed over. */
  private delivery: { readonly since: number; bytes: number } | undefined;
  /** What waits until it is live. */
  private whenLive: readonly (() => void)[] = NONE;

  constructor(audience: Audience, sink: FrameSink, deps: WatcherDeps) {
    this.audience = audience;
    this.deps = deps;
    this.out = new Outbound(sink, deps.now);
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
    const { log, replays } = this.deps;
    if (this.replaced !== undefined) {
      await this.snapshot(NOTHING_HELD, this.replaced);
      return;
    }
    this.hasBegun = true;
    this.bookmark = place;
    this.out.send([this.audience.synced(place)]);
    const held: { past?: FrozenState } = {};
    const pace = { ms: 0, bytes: 0 };
    try {
      for (;;) {
        await replays.run(async () => {
          if (!this.isReplaying()) return;
          held.past ??= await replays.stateAt(place.revision);
          await this.replay(held.past.state, { from: this.bookmark ?? place, to: log });
        });
        if (!this.isReplaying()) return;
        await this.taken(pace);
      }
    } catch (error) {
      // What could not be read is of a history that was replaced meanwhile.
      if (this.isReplaying()) throw error;
    } finally {
      held.past?.release();
    }
  }

  /**
   * The log is no longer the one of which this stream told: resets it with the state as it is.
   * A stream that has not begun needs no reset, but cannot go on from a place of that log.
   */
  restart(reason: ResetReason): void {
    if (this.ended) return;
    if (this.state.kind === 'snapshot') {
      this.state.pending = undefined;
      this.state.restart = reason;
    } else if (this.hasBegun) this.startSnapshot(reason);
    else this.replaced = reason;
  }

  /** Sends the whole view, then goes live. With `reason`, says first why. */
  async snapshot(held: Held, reason?: ResetReason): Promise<void> {
    if (this.ended) return;
    this.hasBegun = true;
    this.state = { kind: 'snapshot', pending: undefined, restart: undefined };
    this.bookmark = undefined;
    if (reason !== undefined) this.out.send([this.audience.reset(reason)]);
    await this.sendSnapshot(held);
  }

  /** A commit of the hub; called before the log shows it. */
  onStep(step: Step, memo: Memo): void {
    if (this.state.kind === 'snapshot') this.holdBack(this.state, step, memo);
    if (this.state.kind !== 'live') return;
    this.sendStep(step, memo);
    if (this.out.exceeds(this.deps.limits.budgetBytes)) this.lagged();
  }

  /** Sends a heartbeat, unless one is still waiting for its reader or nothing was sent yet. */
  beat(facts: Omit<HeartbeatFacts, 'bookmark'>, memo: Memo): void {
    if (this.ended || this.heartbeatWaits || !this.hasBegun) return;
    const bookmark = this.state.kind === 'live' ? this.deps.log.position : this.bookmark;
    this.heartbeatWaits = true;
    this.out.send([this.audience.heartbeat({ ...facts, bookmark }, memo)]);
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
    } else if (this.delivery !== undefined) {
      const ms = now() - this.delivery.since;
      const least = (ms / 1_000) * limits.minBytesPerSecond;
      if (ms < limits.stallMs || this.delivery.bytes >= least) return;
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

  /** Sends commits until it is live, or so much waits for the reader that it has to take it first. */
  private async replay(
    past: FrozenState['state'],
    { from, to }: { readonly from: Position; readonly to: Pick<TenantState, 'position'> },
  ): Promise<void> {
    const { replays, limits } = this.deps;
    let at = from;
    while (this.isReplaying() && at.revision < to.position.revision) {
      const range = { from: at.revision, to: to.position.revision };
      for await (const commit of replays.commits(range)) {
        if (!this.isReplaying()) return;
        const step = stepOver(past, commit, from.epoch);
        this.sendStep(step, createMemo());
        past.apply(commit);
        at = step.position;
        this.bookmark = at;
        if (this.out.exceeds(limits.budgetBytes)) return;
      }
      // The log may have gone on meanwhile; the last check and going live are one turn.
    }
    if (this.isReplaying()) this.goLive();
  }

  /**
   * Waits until the reader of a replay has taken what waits for it. `pace` is what it took so far,
   * and in how much time: only that in which the reader was waited for.
   */
  private async taken(pace: { ms: number; bytes: number }): Promise<void> {
    const { now } = this.deps;
    const begun = now();
    pace.bytes += this.out.waitingBytes;
    const delivery = { since: begun - pace.ms, bytes: pace.bytes };
    this.delivery = delivery;
    await this.emptied();
    pace.ms += now() - begun;
    // A snapshot may have begun in place of the replay.
    if (this.delivery === delivery) this.delivery = undefined;
  }

  private async sendSnapshot(held: Held): Promise<void> {
    let sent: Snapshot['items'] = new Map();
    let known = held;
    while (this.state.kind === 'snapshot') {
      const state = this.state;
      const { restart } = state;
      if (restart !== undefined) {
        state.restart = undefined;
        sent = new Map();
        this.out.send([this.audience.reset(restart)]);
      }
      const { place, items } = await this.deps.snapshots.build(this.audience, () => {
        state.pending = { frames: [], bytes: 0 };
      });
      await this.deliver(this.difference(sent, items, known));
      sent = items;
      known = NOTHING_HELD;
      // `pending` is gone if more came meanwhile than the budget allows: one more difference.
      if (this.hasEnded() || isOvertaken(state)) continue;
      this.out.send([this.audience.synced(place)]);
      for (const frames of state.pending?.frames ?? []) this.out.sendCommit(frames);
      this.goLive();
    }
  }

  /** Hands frames to the reader as it takes them, a chunk in a turn. */
  private async deliver(frames: Iterable<Uint8Array>): Promise<void> {
    const delivery = { since: this.deps.now(), bytes: 0 };
    this.delivery = delivery;
    let chunk: Uint8Array[] = [];
    for (const frame of frames) {
      if (this.hasEnded()) return;
      chunk.push(frame);
      delivery.bytes += frame.byteLength;
      if (chunk.length < CHUNK) continue;
      this.out.send(chunk);
      chunk = [];
      await nextTurn();
      await this.emptied();
    }
    this.out.send(chunk);
    await this.emptied();
    this.delivery = undefined;
  }

  private *difference(
    sent: Snapshot['items'],
    items: Snapshot['items'],
    held: Held,
  ): Iterable<Uint8Array> {
    for (const [key, item] of items) {
      if (sent.get(key)?.version === item.version) continue;
      yield held.get(key) === item.heldVersion ? item.unchanged() : item.frame;
    }
    for (const key of sent.keys()) if (!items.has(key)) yield this.audience.removed(key);
  }

  private holdBack(state: { pending: Pending | undefined }, step: Step, memo: Memo): void {
    const { pending } = state;
    if (pending === undefined) return;
    const frames = this.audience.step(step, memo);
    if (frames.length === 0) return;
    pending.frames.push(frames);
    for (const frame of frames) pending.bytes += frame.byteLength;
    const overtaken = pending.frames.length > 1 && pending.bytes > this.deps.limits.budgetBytes;
    if (overtaken) state.pending = undefined;
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
    this.state = { kind: 'snapshot', pending: undefined, restart: undefined };
    // Not in this turn: the log does not yet show the commit that was too much.
    queueMicrotask(() => {
      this.snapshot(NOTHING_HELD, reason).catch((cause: unknown) => {
        this.end(new SwitchboardError('INTERNAL', undefined, { cause }));
      });
    });
  }

  /** Asks anew, as `hasEnded` does. */
  private isReplaying(): boolean {
    return this.state.kind === 'replaying';
  }

  /** Asks anew: the compiler takes what held before an `await` for what holds after it. */
  private hasEnded(): boolean {
    return this.ended;
  }

  private emptied(): Promise<void> {
    return new Promise((resolve) => {
      this.out.whenEmpty(resolve);
    });
  }
}

/** Whether a snapshot is not the last one: more came than may wait, or its history is gone. */
function isOvertaken(state: Pick<SnapshotState, 'pending' | 'restart'>): boolean {
  return state.pending === undefined || state.restart !== undefined;
}
