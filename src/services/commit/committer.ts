import { setImmediate as nextTurn } from 'node:timers/promises';
import { positionOf, samePosition, type Position } from '../../domain/commit.js';
import { SwitchboardError } from '../../domain/errors.js';
import type { Failpoint } from '../../domain/failpoint.js';
import type { TransportPolicy } from '../../domain/transport-policy.js';
import type { Catalog } from '../../storage/catalog.js';
import type { Relay } from '../../storage/relay.js';
import { callInTime } from '../concurrency/deadline.js';
import { READ_MS } from '../replica/tenant-limits.js';
import type { TenantState } from '../replica/tenant-state.js';
import { appendCommits, outcomeUnknown } from './append.js';
import { decideBatch, type Decided } from './decide-batch.js';
import type { WriteIntent, WriteOutcome } from './intent.js';
import { PendingWrite, RETRY_DELAY_MS } from './pending-write.js';
import { publishCommits, type AppendedCommits } from './publish.js';
import { createRepeats } from './repeats.js';

export interface CommitterDeps {
  readonly log: TenantState;
  readonly catalog: Catalog;
  readonly relay: Relay;
  readonly failpoint: Failpoint;
  /** Milliseconds since 1970, for people. */
  readonly now: () => number;
  /** Where PRIVATE servers may be. */
  readonly transportPolicy: TransportPolicy;
}

type Writes = readonly PendingWrite[];

/** Commits in one batch; with the usual sizes far below the limit of 8 MB. */
const MAX_BATCH = 256;
const MAX_TRIES = 16;

/**
 * The one place of this replica that appends to a tenant's log. Decisions are made at the
 * head, one after the other, each seeing those before it, and appended together with
 * whatever else waits. If another replica was first, they are made again (rule 15). What
 * writes nothing (a refusal, a no-op, a check) is told only after the Catalog confirmed that
 * the decision was made at its head (rule 11). No call waits longer than its deadline, so that
 * one that hangs stops the writes of a tenant for no longer.
 */
export class Committer {
  private readonly deps: CommitterDeps;
  private readonly settleRepeat: (write: PendingWrite) => Promise<void>;
  private queue: PendingWrite[] = [];
  private running = false;

  constructor(deps: CommitterDeps) {
    this.deps = deps;
    this.settleRepeat = createRepeats(deps);
  }

  /**
   * Decides and appends. Throws the refusal, or which of NOT_WRITTEN and OUTCOME_UNKNOWN it
   * is (rule 12).
   */
  submit(intent: WriteIntent): Promise<WriteOutcome> {
    const write = new PendingWrite(intent);
    if (!write.isSettled) void this.enqueue(write);
    return write.outcome;
  }

  private async enqueue(write: PendingWrite): Promise<void> {
    await this.prepare(write);
    if (write.isSettled) return;
    this.queue.push(write);
    void this.run();
  }

  /** Reads what its decision needs; settles it if that cannot be had, or if it is a repetition. */
  private async prepare(write: PendingWrite): Promise<void> {
    try {
      await callInTime(
        READ_MS,
        async (call) => {
          await write.prepare(call);
          await this.settleRepeat(write);
        },
        write.signal,
      );
    } catch (error) {
      write.fail(error);
    }
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    // Those given up go before their turn: while a call hangs, many may gather.
    for (let waiting: Writes = this.queue; waiting.length > 0; waiting = unsettled(this.queue)) {
      this.queue = waiting.slice(MAX_BATCH);
      await this.settleBatch(waiting.slice(0, MAX_BATCH));
      // The winner pauses: whoever lost to it is first in the next round (rule 15).
      // All that is ready now goes first; more writes gather meanwhile.
      await nextTurn();
    }
    this.running = false;
  }

  /** Every write of the batch is settled when this resolves. */
  private async settleBatch(batch: Writes): Promise<void> {
    let waiting = unsettled(batch);
    try {
      for (let tries = 0; waiting.length > 0; tries += 1) {
        if (tries === MAX_TRIES) throw beatenTooOften();
        if (tries > 0) {
          await callInTime(READ_MS, (call) => this.deps.log.catchUp(undefined, call));
          await Promise.all(waiting.map((write) => this.prepare(write)));
        }
        // After catching up the state is at a head that was confirmed during the requests.
        waiting = unsettled(await this.tryBatch(unsettled(waiting), tries > 0));
      }
    } catch (error) {
      for (const write of waiting) write.fail(error);
    }
  }

  /** Returns those that have to be decided again. */
  private async tryBatch(batch: Writes, isConfirmed: boolean): Promise<Writes> {
    const { log, now, transportPolicy } = this.deps;
    const { position, recent } = log;
    const on = { state: log, position, recent, now: now(), transportPolicy };
    const { decided, idle, later } = decideBatch(batch, on);
    if (decided.length > 0) {
      const result = await this.append(position, decided);
      if (result === 'beaten') return batch;
      if (result === 'settled') return [...idle.map(({ write }) => write), ...later];
    } else if (idle.length > 0 && !isConfirmed) {
      if (!(await this.isHead(position))) return batch;
    }
    for (const { write, result } of idle) {
      if ('outcome' in result) write.succeed(result.outcome);
      else write.fail(result.error);
    }
    return later;
  }

  private async isHead(position: Position): Promise<boolean> {
    const { catalog, log } = this.deps;
    const head = await callInTime(READ_MS, (call) => catalog.log.head(log.tenant, call));
    return samePosition(head, position);
  }

  /** `settled`: those decided are settled, but not all of them as they were decided. */
  private async append(
    after: Position,
    decided: readonly Decided<PendingWrite>[],
  ): Promise<'appended' | 'beaten' | 'settled'> {
    const { catalog, log } = this.deps;
    const writes = decided.map(({ write }) => write);
    const batch = { after, commits: decided.map(({ commit }) => commit) };
    for (const write of writes) write.mayBeWritten = true;
    const target = { log: catalog.log, tenant: log.tenant };
    const deadline = performance.now() + READ_MS;
    const result = await appendCommits(target, batch, { deadline });
    if (result.kind === 'appended') return this.publish(batch, decided);
    for (const write of writes) write.mayBeWritten = false;
    if (result.kind === 'beaten') return 'beaten';
    if (result.kind === 'too_large' && writes.length > 1) await this.appendInHalves(writes);
    else for (const write of writes) write.fail(result.error);
    return 'settled';
  }

  private async publish(
    batch: AppendedCommits,
    decided: readonly Decided<PendingWrite>[],
  ): Promise<'appended' | 'settled'> {
    try {
      await callInTime(READ_MS, (call) => publishCommits(this.deps, batch, call));
    } catch (error) {
      for (const { write } of decided) write.fail(outcomeUnknown(error));
      return 'settled';
    }
    for (const { write, commit } of decided) {
      const position = positionOf(batch.after.epoch, commit);
      write.succeed({ kind: 'committed', commit, position, repeated: false });
    }
    return 'appended';
  }

  /** Each half is decided anew: what the second saw of the first may have failed. */
  private async appendInHalves(writes: Writes): Promise<void> {
    const middle = Math.ceil(writes.length / 2);
    await this.settleBatch(writes.slice(0, middle));
    await this.settleBatch(writes.slice(middle));
  }
}

function unsettled(writes: Writes): Writes {
  return writes.filter(({ isSettled }) => !isSettled);
}

function beatenTooOften(): SwitchboardError {
  return new SwitchboardError('NOT_WRITTEN', 'other replicas committed first each time', {
    retryDelayMs: RETRY_DELAY_MS,
  });
}
