import {
  decideGrantAccess,
  decideRevokeAccess,
  decideSetAccess,
  type AccessIntent,
} from '../../domain/commands/access.js';
import type { Decision, DecisionContext } from '../../domain/commands/decide.js';
import { invalidField } from '../../domain/errors.js';
import type { ServerRecord } from '../../domain/server.js';
import { readSubjects } from '../../domain/subjects.js';
import type { Subject } from '../../domain/view.js';
import { validateId, type Answer, type RequestContext } from '../request.js';
import {
  answerOf,
  changeOf,
  checkOptions,
  demandFits,
  written,
  type WriteDeps,
  type WriteOptions,
} from './write-request.js';

export interface AccessInput extends WriteOptions {
  readonly id: string;
  /** As they came, not yet checked. */
  readonly subjects: readonly string[];
}

export interface SetAccessInput extends AccessInput {
  readonly accessEtag: string;
}

/** A server after a change of its access list. */
export interface AccessAnswer {
  readonly record: ServerRecord;
  /** Those who gained access, sorted. */
  readonly added: readonly Subject[];
  /** Those who lost it, sorted. */
  readonly removed: readonly Subject[];
}

/** Replaces who has access beside the owner. The same list answers the server as it is (R4). */
export async function setAccess(
  deps: WriteDeps,
  context: RequestContext,
  input: SetAccessInput,
): Promise<Answer<AccessAnswer>> {
  const { accessEtag } = input;
  if (accessEtag === '')
    throw invalidField('access_etag', 'is required: send that of the copy that you read');
  return changeAccess(deps, context, {
    method: 'set-access',
    input,
    decide: (at, intent) => decideSetAccess(at, { ...intent, accessEtag }),
  });
}

/** Gives access. Where all have it, answers the server as it is (R4). */
export async function grantAccess(
  deps: WriteDeps,
  context: RequestContext,
  input: AccessInput,
): Promise<Answer<AccessAnswer>> {
  demandSome(input);
  return changeAccess(deps, context, { method: 'grant-access', input, decide: decideGrantAccess });
}

/** Takes access back. Where nobody has it, answers the server as it is (R4). */
export async function revokeAccess(
  deps: WriteDeps,
  context: RequestContext,
  input: AccessInput,
): Promise<Answer<AccessAnswer>> {
  demandSome(input);
  return changeAccess(deps, context, {
    method: 'revoke-access',
    input,
    decide: decideRevokeAccess,
  });
}

interface Work {
  readonly method: string;
  readonly input: AccessInput;
  readonly decide: (at: DecisionContext, intent: AccessIntent) => Decision | undefined;
}

async function changeAccess(
  deps: WriteDeps,
  context: RequestContext,
  { method, input, decide }: Work,
): Promise<Answer<AccessAnswer>> {
  checkOptions(input);
  const { id } = input;
  validateId(id, 'id');
  const subjects = readSubjects(input.subjects);
  const tenant = await deps.tenants.get(context.tenant);
  let current: ServerRecord | undefined;
  const outcome = await tenant.committer.submit({
    ...written(method, context, input),
    prepare: (call) => tenant.log.holdRecords([id], call),
    decide: (at) => {
      current = at.state.byId(id)?.record;
      return decide(at, { id, subjects });
    },
  });
  if (outcome.kind === 'unchanged') demandFits(outcome.decision);
  const { after, access } = changeOf(outcome);
  const record = after ?? current;
  if (record === undefined) throw new Error('a change of access without a record');
  const { granted = [], revoked = [] } = access ?? {};
  return answerOf(tenant, outcome, {
    record,
    added: granted.map(({ subject }) => subject),
    removed: revoked.map(({ subject }) => subject),
  });
}

function demandSome({ subjects }: AccessInput): void {
  if (subjects.length === 0) throw invalidField('subjects', 'at least one');
}
