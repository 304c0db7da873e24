import {
  placeCommit,
  positionOf,
  type CommitDraft,
  type Position,
  type StoredCommit,
} from '../../domain/commit.js';
import type { Decision } from '../../domain/commands/decide.js';
import { Overlay } from '../../domain/record-set.js';
import type { StateIndex } from '../../domain/resolve.js';
import type { TransportPolicy } from '../../domain/transport-policy.js';
import { requestKey, type RecentCommits } from '../replica/recent-commits.js';
import type { WriteIntent, WriteOutcome } from './intent.js';
import { isCovered, repeatOf, type LookedUp } from './known-request.js';
import { createFreshness } from './touched.js';

/** A write that waits for its decision. */
export interface UndecidedWrite {
  readonly intent: Omit<WriteIntent, 'prepare' | 'signal'>;
  /** Absent if its request was not looked up, or it has none. */
  readonly lookedUp: LookedUp | undefined;
}

/** What a batch is decided on: a tenant at one place of its log. */
export interface DecidedOn {
  readonly state: StateIndex;
  readonly position: Position;
  readonly recent: RecentCommits;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly transportPolicy: TransportPolicy;
}

/** What becomes of a write that appends nothing. */
export type IdleResult = { readonly outcome: WriteOutcome } | { readonly error: unknown };

/** A write with the commit that does it. */
export interface Decided<W> {
  readonly write: W;
  readonly commit: StoredCommit;
}

export interface BatchDecision<W> {
  /** In the order of their commits. */
  readonly decided: readonly Decided<W>[];
  readonly idle: readonly { readonly write: W; readonly result: IdleResult }[];
  /** Writes that cannot be decided on this state: what they need has to be read again. */
  readonly later: readonly W[];
}

/**
 * Decides writes one after the other, each on the state that those before it leave. A write
 * whose request has an answer gets that answer. A pure function: it does no I/O and takes
 * all of its state as arguments.
 */
export function decideBatch<W extends UndecidedWrite>(
  writes: readonly W[],
  on: DecidedOn,
): BatchDecision<W> {
  const state = new Overlay(on.state);
  const decided: Decided<W>[] = [];
  const idle: { write: W; result: IdleResult }[] = [];
  const later: W[] = [];
  const requests = new Set<string>();
  const freshness = createFreshness(on.recent, on.position.revision);
  let after = on.position;
  for (const write of writes) {
    const { request } = write.intent;
    const key = request && requestKey(request);
    const isUnclear = key !== undefined && (requests.has(key) || !isCovered(write.lookedUp, on));
    const basis = write.intent.basis?.();
    if (isUnclear || (basis !== undefined && freshness.isOutdated(basis))) {
      later.push(write);
      continue;
    }
    const result = decideOne(write, { ...on, state, after });
    if ('commit' in result) {
      const { commit } = result;
      if (key !== undefined) requests.add(key);
      state.apply(commit);
      freshness.add(commit);
      after = positionOf(after.epoch, commit);
      decided.push({ write, commit });
    } else idle.push({ write, result });
  }
  return { decided, idle, later };
}

function decideOne(
  { intent }: UndecidedWrite,
  {
    state,
    after,
    position,
    recent,
    now,
    transportPolicy,
  }: DecidedOn & { readonly after: Position },
): { readonly commit: StoredCommit } | IdleResult {
  const { request } = intent;
  try {
    if (request !== undefined) {
      const known = recent.answering(request);
      if (known !== undefined) return { outcome: repeatOf(known, request, position.epoch) };
    }
    const decision = intent.decide({ state, after, now, transportPolicy, actor: intent.actor });
    if (decision === undefined || intent.validateOnly)
      return { outcome: { kind: 'unchanged', decision, position: after } };
    return { commit: placeCommit(draftOf(intent, decision, now), after) };
  } catch (error) {
    return { error };
  }
}

function draftOf(
  { actor, reason, request }: UndecidedWrite['intent'],
  { cause, changes, loads, source }: Decision,
  time: number,
): CommitDraft {
  return {
    cause,
    actor,
    reason,
    time,
    ...(request === undefined ? {} : { request }),
    changes,
    ...(loads === undefined ? {} : { loads }),
    ...(source === undefined ? {} : { source }),
  };
}
