import { byName, type ItemOutcome } from '../../../domain/commands/apply.js';
import type { Change, Position } from '../../../domain/commit.js';
import type { SwitchboardError } from '../../../domain/errors.js';
import type { Declaration, ServerRecord } from '../../../domain/server.js';
import { withoutIdentity } from '../write-request.js';

/** What became of one server. */
export interface ApplyResult {
  readonly action:
    'created' | 'updated' | 'unchanged' | 'deleted' | 'left' | 'refused' | 'held_back';
  /** As it is now, as it was if it was deleted; undefined for one that does not exist. */
  readonly record?: ServerRecord;
  /** What was declared before and is now, where both are. */
  readonly redeclared?: { readonly before: Declaration; readonly after: Declaration };
  /** How many private servers it would hide; of more than `MAX_NAMESAKES`, one more. */
  readonly hidden?: number;
  /** With `refused`. */
  readonly error?: SwitchboardError;
}

export interface AppliedSet {
  /** One for each item in its order, then those deleted or left, by name. */
  readonly results: readonly ApplyResult[];
  /** False if all or nothing was asked, and it was nothing. */
  readonly applied: boolean;
}

/** What was applied, and the newest position that an answer depends on. */
export interface Applied extends AppliedSet {
  readonly position: Position;
}

/** What a change that was written did. */
export function resultOfChange(change: Change): ApplyResult {
  const { before, after } = change;
  if (after === undefined) return { action: 'deleted', ...recordIfAny(before) };
  if (before === undefined) return { action: 'created', record: after };
  return { action: 'updated', record: after, redeclared: { before, after } };
}

/** What a change that was only decided would do. */
export function resultOfCheck(change: Change): ApplyResult {
  const result = resultOfChange(change);
  if (result.action !== 'created' || result.record === undefined) return result;
  return { ...result, record: withoutIdentity(result.record) };
}

/** A change that was in order and is not made. */
export function heldBack(change: Change): ApplyResult {
  const { redeclared, record } = resultOfCheck(change);
  return {
    action: 'held_back',
    ...recordIfAny(change.before ?? record),
    ...(redeclared === undefined ? {} : { redeclared }),
  };
}

/** A decision that changes nothing. */
export function resultOfIdle(outcome: Exclude<ItemOutcome, { kind: 'change' }>): ApplyResult {
  if (outcome.kind === 'unchanged') return { action: 'unchanged', record: outcome.record };
  return refused(outcome.refusal, outcome.record);
}

export function refused(error: SwitchboardError, record: ServerRecord | undefined): ApplyResult {
  return { action: 'refused', error, ...recordIfAny(record) };
}

/** Orders results by the names of their servers. */
export function byRecord(a: ApplyResult, b: ApplyResult): number {
  return a.record === undefined || b.record === undefined ? 0 : byName(a.record, b.record);
}

function recordIfAny(record: ServerRecord | undefined): Pick<ApplyResult, 'record'> {
  return record === undefined ? {} : { record };
}
