import { randomUUID } from 'node:crypto';
import {
  placeCommit,
  positionOf,
  type Commit,
  type CommitDraft,
  type Position,
  type RequestKey,
} from '../domain/commit.js';
import type { Decision, DecisionContext } from '../domain/decide.js';
import { isSwitchboardError, SwitchboardError } from '../domain/errors.js';
import type { Failpoint } from '../domain/failpoint.js';
import { Overlay } from '../domain/record-set.js';
import type { StateIndex } from '../domain/resolve.js';
import type { Catalog } from '../storage/catalog.js';
import type { Relay } from '../storage/relay.js';
import { requestKey } from './recent-commits.js';
import type { TenantLog } from './tenant-log.js';

/** One write that waits for its decision. */
export interface WriteIntent {
  /**
   * Brings what the decision looks at into the view and keeps it there until the answered
   * function is called. Called again before each new try.
   */
  readonly prepare: () => Promise<() => void>;
  /** The pure decision; undefined if nothing effective would change. Throws the refusal. */
  readonly decide: (context: DecisionContext) => Decision | undefined;
  readonly actor: string;
  readonly reason: string;
  readonly request?: RequestKey;
  /** Decide, but append nothing. */
  readonly validateOnly: boolean;
}

/** What became of a write: the commit that did it now or before, or the decision alone. */
export type WriteOutcome =
  | { readonly kind: 'committed'; readonly commit: Commit; readonly position: Position }
  | {
      readonly kind: 'unchanged';
      /** With `validateOnly`: what would have been appended. */
      readonly decision: Decision | undefined;
      readonly position: Position;
      readonly state: StateIndex;
    };

export interface CommitterDeps {
  readonly log: TenantLog;
  readonly catalog: Catalog;
  readonly relay: Relay;
  readonly failpoint: Failpoint;
  /** Milliseconds since 1970, for people. */
  readonly now: () => number;
}

interface Waiting {
  readonly intent: Omit<WriteIntent, 'prepare'> & { readonly prepare: () => Promise<void> };
  readonly settle: (result: { outcome: WriteOutcome } | { error: Error }) => void;
}

interface Decided {
  readonly waiting: Waiting;
  readonly commit: Commit;
}

/** Commits in one batch; with the usual sizes far below the limit of 8 MB. */
const MAX_BATCH = 256;
const MAX_TRIES = 16;

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

  async submit(intent: WriteIntent): Promise<WriteOutcome> {
    const releases: (() => void)[] = [];
    const prepare = async (): Promise<void> => void releases.push(await intent.prepare());
    try {
      await prepare();
      const repeated = await this.answerOf(intent.request);
      return repeated ?? (await this.enqueue({ ...intent, prepare }));
    } finally {
      for (const release of releases) release();
    }
  }

  private enqueue(intent: Waiting['intent']): Promise<WriteOutcome> {
    return new Promise<WriteOutcome>((resolve, reject) => {
      const settle: Waiting['settle'] = (result) => {
        if ('outcome' in result) resolve(result.outcome);
        else reject(result.error);
      };
      this.queue.push({ intent, settle });
      void this.run();
    });
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    while (this.queue.length > 0) {
      const batch = this.queue.slice(0, MAX_BATCH);
      this.queue = this.queue.slice(MAX_BATCH);
      await this.settleBatch(batch).catch((error: unknown) => {
        for (const waiting of batch) waiting.settle({ error: error as Error });
      });
    }
    this.running = false;
  }

  /** Every write of the batch is settled when this resolves; if it rejects, none of the rest was written. */
  private async settleBatch(batch: readonly Waiting[]): Promise<void> {
    let waiting = batch;
    for (let tries = 0; waiting.length > 0; tries += 1) {
      if (tries === MAX_TRIES) {
        throw new SwitchboardError('NOT_WRITTEN', 'other replicas were first again and again', {
          retryDelayMs: 100,
        });
      }
      if (tries > 0) {
        await this.deps.log.catchUp();
        await Promise.all(waiting.map(({ intent }) => intent.prepare()));
      }
      waiting = await this.tryBatch(waiting);
    }
  }

  /** Answers those that have to be decided again. */
  private async tryBatch(batch: readonly Waiting[]): Promise<readonly Waiting[]> {
    const { catalog, log } = this.deps;
    const after = log.position;
    const { decided, idle, doubles } = this.decideAll(batch, after);
    if (decided.length > 0) {
      const appended = await this.append(after, decided);
      if (!appended) return batch;
    } else if (idle.length > 0) {
      const head = await catalog.head(log.tenant);
      if (head.revision !== after.revision || head.epoch !== after.epoch) return batch;
    }
    for (const { waiting, result } of idle) waiting.settle(result);
    return doubles;
  }

  /** Pure: no I/O between the first decision and the last. */
  private decideAll(
    batch: readonly Waiting[],
    after: Position,
  ): {
    decided: Decided[];
    idle: { waiting: Waiting; result: Parameters<Waiting['settle']>[0] }[];
    doubles: Waiting[];
  } {
    const state = new Overlay(this.deps.log);
    const decided: Decided[] = [];
    const idle: { waiting: Waiting; result: Parameters<Waiting['settle']>[0] }[] = [];
    const doubles: Waiting[] = [];
    const requests = new Set<string>();
    let place = after;
    for (const waiting of batch) {
      const { intent } = waiting;
      const key = intent.request && requestKey(intent.request);
      if (key !== undefined && requests.has(key)) {
        doubles.push(waiting); // the same request is in this batch: answered in the next try
        continue;
      }
      const result = this.decideOne(waiting, state, place);
      if ('commit' in result) {
        if (key !== undefined) requests.add(key);
        state.apply(result.commit);
        place = positionOf(place.epoch, result.commit);
        decided.push({ waiting, commit: result.commit });
      } else idle.push({ waiting, result });
    }
    return { decided, idle, doubles };
  }

  private decideOne(
    { intent }: Waiting,
    state: Overlay,
    place: Position,
  ): { commit: Commit } | Parameters<Waiting['settle']>[0] {
    const known = intent.request && this.deps.log.recent.answering(intent.request);
    try {
      if (known !== undefined && intent.request !== undefined) {
        return { outcome: repeatOf(known, intent.request, this.deps.log.position.epoch) };
      }
      const now = this.deps.now();
      const decision = intent.decide({ state, after: place, now });
      if (decision === undefined || intent.validateOnly) {
        return { outcome: { kind: 'unchanged', decision, position: place, state } };
      }
      const { actor, reason, request } = intent;
      const draft: CommitDraft = {
        cause: decision.cause,
        actor,
        reason,
        time: now,
        ...(request === undefined ? {} : { request }),
        changes: [decision.change],
      };
      return { commit: placeCommit(draft, place) };
    } catch (error) {
      return { error: error as Error };
    }
  }

  private async append(after: Position, decided: readonly Decided[]): Promise<boolean> {
    const { catalog, log, relay, failpoint } = this.deps;
    const commits = decided.map(({ commit }) => commit);
    const outcome = await catalog
      .append(log.tenant, { after, batchId: randomUUID(), commits })
      .catch((error: unknown) => {
        if (decided.length > 1 && isSwitchboardError(error, 'COMMIT_TOO_LARGE'))
          return 'split' as const;
        throw error;
      });
    if (outcome === 'split') {
      await this.appendOneByOne(decided);
      return true;
    }
    if (!outcome.appended) return false;
    await failpoint('append.after');
    await failpoint('view.before');
    if (!log.advance(commits, true)) await log.catchUp(commits.at(-1)?.revision);
    await failpoint('relay.before');
    const previousFingerprint = after.fingerprint;
    // A relay that fails delays others; it makes nothing wrong.
    await relay
      .publish({ tenant: log.tenant, epoch: after.epoch, previousFingerprint, commits })
      .catch(() => undefined);
    await failpoint('answer.before');
    for (const { waiting, commit } of decided) {
      waiting.settle({
        outcome: { kind: 'committed', commit, position: positionOf(after.epoch, commit) },
      });
    }
    return true;
  }

  private async appendOneByOne(decided: readonly Decided[]): Promise<void> {
    for (const { waiting } of decided) {
      await this.settleBatch([waiting]).catch((error: unknown) => {
        waiting.settle({ error: error as Error });
      });
    }
  }

  /** The answer that a repeated request had; undefined for a new one. */
  private async answerOf(request: RequestKey | undefined): Promise<WriteOutcome | undefined> {
    if (request === undefined) return undefined;
    const { catalog, log } = this.deps;
    const { revision, value } = await catalog.answer(log.tenant, request);
    await log.catchUp(revision);
    if (value === undefined) return undefined;
    if (value.bodyDigest !== request.bodyDigest) throw new SwitchboardError('REQUEST_ID_REUSED');
    const { commits } = await catalog.read(log.tenant, value.revision - 1, { limitBytes: 1 });
    const commit = commits[0];
    if (commit === undefined)
      throw new SwitchboardError('CATALOG_UNAVAILABLE', 'the answer was compacted');
    return repeatOf(commit, request, log.position.epoch);
  }
}

function repeatOf(commit: Commit, request: RequestKey, epoch: string): WriteOutcome {
  if (commit.request?.bodyDigest !== request.bodyDigest)
    throw new SwitchboardError('REQUEST_ID_REUSED');
  return { kind: 'committed', commit, position: positionOf(epoch, commit) };
}
