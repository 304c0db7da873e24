import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Step } from '../replica/tenant-state.js';
import { NOTHING_HELD, type Audience, type Held, type Memo, type ResetReason } from './audience.js';
import type { Outbound } from './outbound.js';
import type { ReaderPace } from './reader-pace.js';
import { CHUNK, type Snapshot, type Snapshots } from './snapshots.js';

/** The stream that a snapshot goes to. */
export interface SnapshotStream {
  readonly audience: Audience;
  readonly out: Outbound;
  readonly snapshots: Snapshots;
  readonly pace: ReaderPace;
  readonly budgetBytes: number;
  /** Whether the stream has ended, or goes on without this snapshot. */
  readonly isOver: () => boolean;
  /** Called in the turn in which everything up to the log's position was sent. */
  readonly onLive: () => void;
}

/** Commits that came while a snapshot was under way. */
interface Pending {
  readonly frames: (readonly Uint8Array[])[];
  bytes: number;
}

/**
 * The whole view on its way to one reader. What is committed meanwhile waits; if that becomes
 * more than the budget allows, the snapshot is overtaken, and the difference to a newer one
 * follows.
 */
export class SnapshotDelivery {
  private readonly stream: SnapshotStream;
  /** Undefined before the snapshot is built, and once it is overtaken. */
  private pending: Pending | undefined;
  /** What was sent is of a history that is gone: it has to begin again, and say so. */
  private replaced: ResetReason | undefined;

  constructor(stream: SnapshotStream) {
    this.stream = stream;
  }

  /** Begins again with the state of another history. */
  restart(reason: ResetReason): void {
    this.pending = undefined;
    this.replaced = reason;
  }

  /** A commit of the hub; called before the log shows it. */
  onStep(step: Step, memo: Memo): void {
    const { pending, stream } = this;
    if (pending === undefined) return;
    const frames = stream.audience.step(step, memo);
    if (frames.length === 0) return;
    pending.frames.push(frames);
    for (const frame of frames) pending.bytes += frame.byteLength;
    const isTooMuch = pending.frames.length > 1 && pending.bytes > stream.budgetBytes;
    if (isTooMuch) this.pending = undefined;
  }

  /** Sends the view until the stream is live, or goes on without it. */
  async run(held: Held): Promise<void> {
    const { audience, out, snapshots } = this.stream;
    let sent: Snapshot['items'] = new Map();
    let known = held;
    while (!this.stream.isOver()) {
      const { replaced } = this;
      if (replaced !== undefined) {
        this.replaced = undefined;
        sent = new Map();
        out.send([audience.reset(replaced)]);
      }
      const { place, items } = await snapshots.build(audience, () => {
        this.pending = { frames: [], bytes: 0 };
      });
      await this.deliver(difference(audience, { sent, items, held: known }));
      sent = items;
      known = NOTHING_HELD;
      const pending = this.takePending();
      if (pending === undefined || this.stream.isOver()) continue;
      out.send([audience.synced(place)]);
      for (const frames of pending.frames) out.sendCommit(frames);
      this.stream.onLive();
      return;
    }
  }

  /** What waits; undefined if the snapshot was overtaken, or its history is gone. */
  private takePending(): Pending | undefined {
    const pending = this.replaced === undefined ? this.pending : undefined;
    this.pending = undefined;
    return pending;
  }

  /** Hands frames to the reader as it takes them, a chunk in a turn. */
  private async deliver(frames: Iterable<Uint8Array>): Promise<void> {
    const { out, pace, isOver } = this.stream;
    const taking = pace.begin();
    let chunk: Uint8Array[] = [];
    for (const frame of frames) {
      if (isOver()) return;
      chunk.push(frame);
      taking.bytes += frame.byteLength;
      if (chunk.length < CHUNK) continue;
      out.send(chunk);
      chunk = [];
      await nextTurn();
      await out.empty();
    }
    out.send(chunk);
    await out.empty();
    pace.end(taking);
  }
}

/** The frames that bring a reader from what was sent, or what it holds, to the items. */
function* difference(
  audience: Audience,
  {
    sent,
    items,
    held,
  }: {
    readonly sent: Snapshot['items'];
    readonly items: Snapshot['items'];
    readonly held: Held;
  },
): Iterable<Uint8Array> {
  for (const [key, item] of items) {
    if (sent.get(key)?.version === item.version) continue;
    yield held.get(key) === item.heldVersion ? item.unchanged() : item.frame;
  }
  for (const key of sent.keys()) if (!items.has(key)) yield audience.removed(key);
}
