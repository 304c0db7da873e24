import type { Position } from '../../domain/commit.js';
import type { FrozenState } from '../replica/held-records.js';
import type { TenantState } from '../replica/tenant-state.js';
import { createMemo, type Audience } from './audience.js';
import type { Outbound } from './outbound.js';
import type { ReaderPace } from './reader-pace.js';
import { stepOver } from './replay.js';
import type { Replays } from './replays.js';

/** The stream that a replay goes to. */
export interface ReplayStream {
  readonly audience: Audience;
  readonly out: Outbound;
  readonly log: Pick<TenantState, 'position'>;
  readonly replays: Replays;
  readonly pace: ReaderPace;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  readonly budgetBytes: number;
  /** Whether the stream has ended, or goes on without this replay. */
  readonly isOver: () => boolean;
  /** Called in the turn in which everything up to the log's position was sent. */
  readonly onLive: () => void;
}

/** What one reader missed, commit by commit, on its way. */
export class ReplayDelivery {
  private readonly stream: ReplayStream;
  /** Up to where everything was sent. */
  private at: Position;
  /** What the reader took so far, and in how much time: only that in which it was waited for. */
  private readonly taken = { ms: 0, bytes: 0 };

  constructor(stream: ReplayStream, from: Position) {
    this.stream = stream;
    this.at = from;
  }

  get place(): Position {
    return this.at;
  }

  /** Sends commits until the stream is live, or goes on without it. */
  async run(): Promise<void> {
    const { replays, isOver } = this.stream;
    const from = this.at.revision;
    const held: { past?: FrozenState } = {};
    try {
      while (!isOver()) {
        await replays.run(async () => {
          if (isOver()) return;
          held.past ??= await replays.stateAt(from);
          await this.sendSome(held.past.state);
        });
        if (!isOver()) await this.untilTaken();
      }
    } catch (error) {
      // What could not be read is of a history that was replaced meanwhile.
      if (!isOver()) throw error;
    } finally {
      held.past?.release();
    }
  }

  /** Until the stream is live, or so much waits for the reader that it has to take it first. */
  private async sendSome(past: FrozenState['state']): Promise<void> {
    const { audience, out, log, replays, budgetBytes, isOver, onLive } = this.stream;
    while (!isOver() && this.at.revision < log.position.revision) {
      const range = { from: this.at.revision, to: log.position.revision };
      for await (const commit of replays.commits(range)) {
        if (isOver()) return;
        const step = stepOver(past, commit, this.at.epoch);
        out.sendCommit(audience.step(step, createMemo()));
        past.apply(commit);
        this.at = step.position;
        if (out.exceeds(budgetBytes)) return;
      }
      // The log may have gone on meanwhile; the last check and going live are one turn.
    }
    if (!isOver()) onLive();
  }

  private async untilTaken(): Promise<void> {
    const { out, pace, now } = this.stream;
    const begun = now();
    this.taken.bytes += out.waitingBytes;
    const taking = pace.begin(this.taken);
    await out.empty();
    this.taken.ms += now() - begun;
    pace.end(taking);
  }
}
