import { randomUUID } from 'node:crypto';
import {
  changedId,
  placeCommit,
  positionOf,
  samePosition,
  type Change,
  type Commit,
  type CommitDraft,
  type Position,
  type RequestKey,
} from '../../domain/commit.js';
import { isSwitchboardError, SwitchboardError } from '../../domain/errors.js';
import type { Failpoint } from '../../domain/failpoint.js';
import { Overlay } from '../../domain/record-set.js';
import type { Catalog } from '../../storage/catalog.js';
import type { Relay } from '../../storage/relay.js';
import { requestKey } from '../replica/recent-commits.js';
import type { TenantState } from '../replica/tenant-state.js';
import type { Basis, WriteIntent, WriteOutcome } from './intent.js';

export interface CommitterDeps {
  readonly log: TenantState;
  readonly catalog: Catalog;
  readonly relay: Relay;
  readonly failpoint: Failpoint;
  /** Milliseconds since 1970, for people. */
  readonly now: () => number;
}

type Result = { readonly outcome: WriteOutcome } | { readonly error: Error };

interface Waiting {
  readonly intent: Omit<WriteIntent, 'prepare'>;
  /** As that of the intent, and looks the request up: answers what it was answered before. */
  readonly prepare: () => Promise<WriteOutcome | undefined>;
  readonly settle: (result: Result) => void;
  /** The request was not answered up to this revision. */
  unansweredUpTo: number;
}

interface Decided {
  readonly waiting: Waiting;
  readonly commit: Commit;
}

interface Decisions {
  readonly decided: Decided[];
  /** Writes that append nothing. */
  readonly idle: { readonly waiting: Waiting; readonly result: Result }[];
  /** Writes that cannot be decided together with the others. */
  readonly later: Waiting[];
}

/** Commits in one batch; with the usual sizes far below the limit of 8 MB. */
const MAX_BATCH = 256;
const MAX_TRIES = 16;
const RETRY_DELAY_MS = 100;

/**
 * The one place of this replica that appends to a tenant's log. Decisions are made at the
 * head, one after the other, each seeing those before it, and appended together with
 * whatever else waits. If another replica was first, they are made again (rule 15). What
 * writes nothing (a refusal, a no-op, a check) is answered only after the Catalog
 * confirmed that the decision was made at its head (rule 11).
 */
export class Committer {
  private readonly deps: CommitterDeps;
  private queue: Waiting[] = [];
  private running = false;

  constructor(deps: CommitterDeps) {
    this.deps = deps;
  }

  /**
   * Decides and appends. Throws the refusal, or which of NOT_WRITTEN and OUTCOME_UNKNOWN it
   * is (rule 12).
   */
  async submit(intent: WriteIntent): Promise<WriteOutcome> {
    const releases: (() => void)[] = [];
    const prepare = async (waiting: Waiting): Promise<WriteOutcome | undefined> => {
      releases.push(await intent.prepare());
      return this.answerOf(waiting);
    };
    try {
      return await this.enqueue(intent, prepare);
    } catch (error) {
      throw asWriteError(error);
    } finally {
      for (const release of releases) release();
    }
  }

  private enqueue(
    intent: WriteIntent,
    prepare: (waiting: Waiting) => Promise<WriteOutcome | undefined>,
  ): Promise<WriteOutcome> {
    const { signal } = intent;
    return new Promise<WriteOutcome>((resolve, reject) => {
      const giveUp = (): void => {
        if (!this.queue.includes(waiting)) return;
        this.queue = this.queue.filter((each) => each !== waiting);
        waiting.settle({ error: givenUp(signal) });
      };
      signal?.addEventListener('abort', giveUp);
      const waiting: Waiting = {
        intent,
        prepare: () => prepare(waiting),
        settle: (result) => {
          signal?.removeEventListener('abort', giveUp);
          if ('outcome' in result) resolve(result.outcome);
          else reject(result.error);
        },
        unansweredUpTo: 0,
      };
      void this.prepareAll([waiting]).then((prepared) => {
        this.queue.push(...prepared);
        if (signal?.aborted === true) giveUp();
        void this.run();
      });
    });
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    while (this.queue.length > 0) {
      const batch = this.queue.slice(0, MAX_BATCH);
      this.queue = this.queue.slice(MAX_BATCH);
      await this.settleBatch(batch);
      // The winner pauses: whoever lost to it is first in the next round (rule 15).
      await nextTurn();
    }
    this.running = false;
  }

  /** Settles those that need no decision, or cannot have one; answers the others. */
  private async prepareAll(batch: readonly Waiting[]): Promise<readonly Waiting[]> {
    const prepared = await Promise.all(
      batch.map(async (waiting) => {
        try {
          const outcome = await waiting.prepare();
          if (outcome === undefined) return [waiting];
          waiting.settle({ outcome });
        } catch (error) {
          waiting.settle({ error: error as Error });
        }
        return [];
      }),
    );
    return prepared.flat();
  }

  /** Every write of the batch is settled when this resolves. */
  private async settleBatch(batch: readonly Waiting[]): Promise<void> {
    let waiting = batch;
    try {
      for (let tries = 0; waiting.length > 0; tries += 1) {
        if (tries === MAX_TRIES) {
          throw new SwitchboardError('NOT_WRITTEN', 'other replicas were first again and again', {
            retryDelayMs: RETRY_DELAY_MS,
          });
        }
        if (tries > 0) {
          await this.deps.log.catchUp();
          waiting = await this.prepareAll(waiting);
        }
        // After catching up the view is at a head that was confirmed during the requests.
        waiting = await this.tryBatch(waiting, tries > 0);
      }
    } catch (error) {
      for (const { settle } of waiting) settle({ error: error as Error });
    }
  }

  /** Answers those that have to be decided again. */
  private async tryBatch(
    batch: readonly Waiting[],
    isConfirmed: boolean,
  ): Promise<readonly Waiting[]> {
    const { catalog, log } = this.deps;
    const after = log.position;
    const { decided, idle, later } = this.decideAll(batch, after);
    if (decided.length > 0) {
      const appended = await this.append(after, decided);
      if (appended === 'beaten') return batch;
      if (appended === 'dealt-with') return [...idle.map(({ waiting }) => waiting), ...later];
    } else if (idle.length > 0 && !isConfirmed) {
      if (!samePosition(await catalog.log.head(log.tenant), after)) return batch;
    }
    for (const { waiting, result } of idle) waiting.settle(result);
    return later;
  }

  /** Pure: no I/O between the first decision and the last. */
  private decideAll(batch: readonly Waiting[], after: Position): Decisions {
    const state = new Overlay(this.deps.log);
    const decisions: Decisions = { decided: [], idle: [], later: [] };
    const requests = new Set<string>();
    let place = after;
    for (const waiting of batch) {
      const { request } = waiting.intent;
      const key = request && requestKey(request);
      const unclear = key !== undefined && (requests.has(key) || !this.isCovered(waiting));
      if (unclear || this.isOutdated(waiting, decisions.decided)) {
        decisions.later.push(waiting);
        continue;
      }
      const result = this.decideOne(waiting, state, place);
      if ('commit' in result) {
        if (key !== undefined) requests.add(key);
        state.apply(result.commit);
        place = positionOf(place.epoch, result.commit);
        decisions.decided.push({ waiting, commit: result.commit });
      } else decisions.idle.push({ waiting, result });
    }
    return decisions;
  }

  /** Whether the recent commits tell what became of its request since it was looked up. */
  private isCovered({ unansweredUpTo }: Waiting): boolean {
    const { log } = this.deps;
    return unansweredUpTo >= log.position.revision || log.recent.reaches(unansweredUpTo);
  }

  /** Whether what it was prepared from has changed since, or nobody can tell any more. */
  private isOutdated({ intent }: Waiting, decided: readonly Decided[]): boolean {
    const { log } = this.deps;
    const basis = intent.basis?.();
    if (basis === undefined) return false;
    const isNewest = basis.revision >= log.position.revision;
    const since = isNewest ? [] : log.recent.after(basis.revision);
    if (since === undefined) return true;
    const commits = [...since, ...decided.map(({ commit }) => commit)];
    return commits.some(({ changes }) => changes.some((change) => concerns(change, basis)));
  }

  private decideOne(
    { intent }: Waiting,
    state: Overlay,
    place: Position,
  ): { readonly commit: Commit } | Result {
    const known = intent.request && this.deps.log.recent.answering(intent.request);
    try {
      if (known !== undefined && intent.request !== undefined) {
        return { outcome: repeatOf(known, intent.request, this.deps.log.position.epoch) };
      }
      if (intent.signal?.aborted === true) return { error: givenUp(intent.signal) };
      const now = this.deps.now();
      const decision = intent.decide({ state, after: place, now });
      if (decision === undefined || intent.validateOnly) {
        return { outcome: { kind: 'unchanged', decision, position: place } };
      }
      const { actor, reason, request } = intent;
      const draft: CommitDraft = {
        cause: decision.cause,
        actor,
        reason,
        time: now,
        ...(request === undefined ? {} : { request }),
        changes: decision.changes,
        ...(decision.loads === undefined ? {} : { loads: decision.loads }),
        ...(decision.source === undefined ? {} : { source: decision.source }),
      };
      return { commit: placeCommit(draft, place) };
    } catch (error) {
      return { error: error as Error };
    }
  }

  /** `dealt-with`: they were settled, but not all as they were decided here. */
  private async append(
    after: Position,
    decided: readonly Decided[],
  ): Promise<'appended' | 'beaten' | 'dealt-with'> {
    const { catalog, log } = this.deps;
    const commits = decided.map(({ commit }) => commit);
    let appended = false;
    try {
      const batch = { after, batchId: randomUUID(), commits };
      ({ appended } = await catalog.log.append(log.tenant, batch));
      if (!appended) return 'beaten';
      await this.publish(after, commits);
    } catch (error) {
      if (decided.length > 1 && isSwitchboardError(error, 'COMMIT_TOO_LARGE')) {
        await this.appendInHalves(decided);
        return 'dealt-with';
      }
      const isTyped = !appended && !isSwitchboardError(error, 'CATALOG_UNAVAILABLE');
      const told = isTyped
        ? error
        : new SwitchboardError('OUTCOME_UNKNOWN', undefined, { cause: error });
      for (const { waiting } of decided) waiting.settle({ error: told as Error });
      return 'dealt-with';
    }
    for (const { waiting, commit } of decided) {
      const position = positionOf(after.epoch, commit);
      waiting.settle({ outcome: { kind: 'committed', commit, position, repeated: false } });
    }
    return 'appended';
  }

  /** Makes what was appended visible here, and known to the other replicas. */
  private async publish(after: Position, commits: readonly Commit[]): Promise<void> {
    const { log, relay, failpoint } = this.deps;
    await failpoint('append.after');
    await failpoint('view.before');
    if (!log.advance(commits, true)) await log.catchUp(commits.at(-1)?.revision);
    await failpoint('relay.before');
    const { epoch, fingerprint } = after;
    const { tenant } = log;
    relay.publish({ kind: 'commits', tenant, epoch, previousFingerprint: fingerprint, commits });
    await failpoint('answer.before');
  }

  /** Each half is decided anew: what the second saw of the first may have failed. */
  private async appendInHalves(decided: readonly Decided[]): Promise<void> {
    const waiting = decided.map((each) => each.waiting);
    const middle = Math.ceil(waiting.length / 2);
    await this.settleBatch(waiting.slice(0, middle));
    await this.settleBatch(waiting.slice(middle));
  }

  /** The answer that a repeated request had; undefined for a new one. */
  private async answerOf(waiting: Waiting): Promise<WriteOutcome | undefined> {
    const { request } = waiting.intent;
    if (request === undefined) return undefined;
    const { catalog, log } = this.deps;
    const atLeast = log.position.revision;
    const read = await catalog.projections.answers(log.tenant, [request], { atLeast });
    const [value] = read.value;
    await log.catchUp(Math.max(read.from, value?.revision ?? 0));
    waiting.unansweredUpTo = read.from;
    if (value === undefined) return undefined;
    if (value.bodyDigest !== request.bodyDigest) throw new SwitchboardError('REQUEST_ID_REUSED');
    const { commits } = await catalog.log.read(log.tenant, value.revision - 1, { limitBytes: 1 });
    const commit = commits[0];
    if (commit === undefined)
      throw new SwitchboardError('CATALOG_UNAVAILABLE', 'the answer was compacted');
    return repeatOf(commit, request, log.position.epoch);
  }
}

/** Whether the change is one of the records, deletes one of them, or is of one that had or has the name. */
function concerns(change: Change, basis: Basis): boolean {
  if ('deletionsOf' in basis)
    return change.after === undefined && basis.deletionsOf.has(changedId(change));
  if ('ids' in basis) return basis.ids.includes(changedId(change));
  return change.before?.name === basis.name || change.after?.name === basis.name;
}

function repeatOf(commit: Commit, request: RequestKey, epoch: string): WriteOutcome {
  if (commit.request?.bodyDigest !== request.bodyDigest)
    throw new SwitchboardError('REQUEST_ID_REUSED');
  return { kind: 'committed', commit, position: positionOf(epoch, commit), repeated: true };
}

/** Lets all that is ready now go first; more writes gather meanwhile. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** What a write is refused with that was given up before it was decided on (rule 12). */
function givenUp(signal: AbortSignal | undefined): SwitchboardError {
  const isLate = isSwitchboardError(signal?.reason, 'DEADLINE_EXCEEDED');
  return new SwitchboardError(
    isLate ? 'NOT_WRITTEN' : 'CANCELLED',
    'the call was cancelled before its turn',
  );
}

/** Only appending writes: whatever else could not be read, nothing was written (rule 12). */
function asWriteError(error: unknown): unknown {
  if (!isSwitchboardError(error, 'CATALOG_UNAVAILABLE')) return error;
  const { retryDelayMs = RETRY_DELAY_MS } = error;
  return new SwitchboardError('NOT_WRITTEN', undefined, { retryDelayMs, cause: error });
}
