import { randomUUID } from 'node:crypto';
import type { Change, RequestKey } from '../domain/commit.js';
import {
  decideCreate,
  decideDelete,
  decideUpdate,
  type Decision,
  type DecisionContext,
} from '../domain/decide.js';
import { canonicalJson, digestText } from '../domain/digest.js';
import { invalidField } from '../domain/errors.js';
import { applyPatch, type DeclarationPatch } from '../domain/patch.js';
import { audienceOf, isShared, type Declaration, type ServerRecord } from '../domain/server.js';
import { LIMITS, validateDeclaration } from '../domain/validate.js';
import { userSubject, type Subject } from '../domain/view.js';
import type { WriteOutcome } from './committer.js';
import { authorize, validateId, type Answer, type RequestContext } from './request.js';
import type { Tenant, Tenants } from './tenants.js';
import type { Upstream } from './upstream.js';

export interface WriteDeps {
  readonly tenants: Tenants;
  readonly upstream: Upstream;
}

/** What every write carries. */
export interface WriteOptions {
  /** Empty for none; then repeating is not safe. */
  readonly requestId: string;
  readonly validateOnly: boolean;
  /** For whoever reads the history. */
  readonly reason: string;
}

export interface CreateInput extends WriteOptions {
  readonly declared: Declaration;
}

export interface UpdateInput extends WriteOptions {
  readonly id: string;
  readonly etag: string;
  readonly patch: DeclarationPatch;
}

export interface DeleteInput extends WriteOptions {
  readonly id: string;
  readonly etag: string;
}

/** Who is concerned by a change. */
export interface AffectedAudience {
  readonly everyone: boolean;
  readonly subjects: readonly Subject[];
}

/** Creates a server. With `validateOnly` its id and etags are empty. */
export async function createServer(
  deps: WriteDeps,
  context: RequestContext,
  input: CreateInput,
): Promise<Answer<ServerRecord>> {
  authorize(context, 'admin');
  checkOptions(input);
  validateDeclaration(input.declared, 'server');
  const tenant = await deps.tenants.get(context.tenant);
  const id = randomUUID();
  const outcome = await tenant.committer.submit({
    ...written('create', context, input),
    prepare: () => holdOwner(tenant, input.declared.owner),
    decide: (at) => decideCreate(at, input.declared, id),
  });
  const record = changedRecord(outcome).after;
  if (record === undefined) throw new Error('a create without a record');
  const value =
    outcome.kind === 'committed' ? record : { ...record, id: '', etag: '', accessEtag: '' };
  return answer(deps, outcome, value);
}

/** Changes what people declare. A change without effect answers the server as it is (R4). */
export async function updateServer(
  deps: WriteDeps,
  context: RequestContext,
  input: UpdateInput,
): Promise<Answer<ServerRecord>> {
  authorize(context, 'admin');
  checkOptions(input);
  checkTarget(input, 'server.');
  const { owner = '' } = input.patch;
  if (owner !== '') validateId(owner, 'server.owner');
  const tenant = await deps.tenants.get(context.tenant);
  let current: ServerRecord | undefined;
  const decide = (at: DecisionContext): Decision | undefined => {
    current = at.state.byId(input.id)?.record;
    const { id, etag, patch } = input;
    return decideUpdate(at, { id, etag, apply: (before) => applyPatch(before, patch) });
  };
  const outcome = await tenant.committer.submit({
    ...written('update', context, input),
    prepare: async () => {
      const record = await tenant.log.holdRecord(input.id);
      const owner = await holdOwner(tenant, input.patch.owner);
      return () => {
        record();
        owner();
      };
    },
    decide,
  });
  const record = changedRecord(outcome).after ?? current;
  if (record === undefined) throw new Error('an update without a record');
  return answer(deps, outcome, record);
}

/** Deletes a server; answers it as it was, and who loses sight of it. */
export async function deleteServer(
  deps: WriteDeps,
  context: RequestContext,
  input: DeleteInput,
): Promise<Answer<{ readonly record: ServerRecord; readonly affected: AffectedAudience }>> {
  authorize(context, 'admin');
  checkOptions(input);
  checkTarget(input, '');
  const tenant = await deps.tenants.get(context.tenant);
  const outcome = await tenant.committer.submit({
    ...written('delete', context, input),
    prepare: () => tenant.log.holdRecord(input.id),
    decide: (at) => decideDelete(at, input),
  });
  const { before, access } = changedRecord(outcome);
  if (before === undefined) throw new Error('a delete without a record');
  const subjects = isShared(before)
    ? []
    : audienceOf({ record: before, grants: access?.revoked ?? [] });
  return answer(deps, outcome, {
    record: before,
    affected: { everyone: isShared(before), subjects },
  });
}

function written(
  method: string,
  { caller }: RequestContext,
  input: WriteOptions,
): { actor: string; reason: string; validateOnly: boolean; request?: RequestKey } {
  const { requestId, validateOnly, reason, ...body } = input;
  const common = { actor: caller.principal, reason, validateOnly };
  if (requestId === '' || validateOnly) return common;
  const bodyDigest = digestText('request', method, reason, canonicalJson(body));
  return { ...common, request: { principal: caller.principal, requestId, bodyDigest } };
}

async function holdOwner({ log }: Tenant, owner: string | undefined): Promise<() => void> {
  return log.hold(owner === undefined || owner === '' ? [] : [userSubject(owner)]);
}

/** What a write changed, or would have. */
function changedRecord(outcome: WriteOutcome): Change {
  if (outcome.kind === 'committed') return outcome.commit.changes[0] ?? {};
  return outcome.decision?.changes[0] ?? {};
}

function answer<T>({ upstream }: WriteDeps, outcome: WriteOutcome, value: T): Answer<T> {
  return { value, position: outcome.position, upstream: upstream.status() };
}

function checkOptions({ requestId, reason }: WriteOptions): void {
  if (requestId.length > LIMITS.requestId) {
    throw invalidField('request_id', `must be at most ${String(LIMITS.requestId)} characters`);
  }
  if (reason.length > LIMITS.reason) {
    throw invalidField('reason', `must be at most ${String(LIMITS.reason)} characters`);
  }
}

function checkTarget(
  { id, etag }: { readonly id: string; readonly etag: string },
  path: string,
): void {
  validateId(id, `${path}id`);
  if (etag === '')
    throw invalidField(`${path}etag`, 'is required: send the etag of the copy that you read');
}
