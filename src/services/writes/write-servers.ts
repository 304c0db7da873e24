import { randomUUID } from 'node:crypto';
import {
  decideCreate,
  decideDelete,
  decideUpdate,
  type Decision,
  type DecisionContext,
} from '../../domain/commands/decide.js';
import { applyPatch, type DeclarationPatch } from '../../domain/commands/patch.js';
import { audienceOf, isShared, type Declaration, type ServerRecord } from '../../domain/server.js';
import type { ShadowPolicy } from '../../domain/commands/shadow.js';
import { validateDeclaration } from '../../domain/validate.js';
import type { Subject } from '../../domain/view.js';
import type { Catalog } from '../../storage/catalog.js';
import { validateId, type Answer, type RequestContext } from '../request.js';
import {
  answerOf,
  changeOf,
  checkOptions,
  checkTarget,
  holdAll,
  holdOwners,
  withoutIdentity,
  written,
  type WriteDeps,
  type WriteOptions,
} from './write-request.js';
import { underShadowPolicy } from './shadow-policy.js';

export interface ShadowingDeps extends WriteDeps {
  readonly catalog: Catalog;
}

export interface CreateInput extends WriteOptions {
  readonly declared: Declaration;
  readonly policy: ShadowPolicy;
}

export interface UpdateInput extends WriteOptions {
  readonly id: string;
  readonly etag: string;
  readonly patch: DeclarationPatch;
  readonly policy: ShadowPolicy;
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
  deps: ShadowingDeps,
  context: RequestContext,
  input: CreateInput,
): Promise<Answer<ServerRecord>> {
  checkOptions(input);
  validateDeclaration(input.declared, 'server');
  const tenant = await deps.tenants.get(context.tenant);
  const id = randomUUID();
  const outcome = await tenant.committer.submit({
    ...written('create', context, input),
    ...underShadowPolicy(
      { catalog: deps.catalog, tenant },
      {
        policy: input.policy,
        names: () => (isShared(input.declared) ? [input.declared.name] : []),
        prepare: (call) => holdOwners(tenant, [input.declared.owner], call),
        decide: (at) => decideCreate(at, input.declared, id),
      },
    ),
  });
  const record = changeOf(outcome).after;
  if (record === undefined) throw new Error('a create without a record');
  const value = outcome.kind === 'committed' ? record : withoutIdentity(record);
  return answerOf(tenant, outcome, value);
}

/** Changes what people declare. A change without effect answers the server as it is (R4). */
export async function updateServer(
  deps: ShadowingDeps,
  context: RequestContext,
  input: UpdateInput,
): Promise<Answer<ServerRecord>> {
  checkOptions(input);
  checkTarget(input, 'server.');
  const {
    owner = '',
    fields: { name },
  } = input.patch;
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
    ...underShadowPolicy(
      { catalog: deps.catalog, tenant },
      {
        policy: input.policy,
        names: () => (name === undefined ? [] : [name]),
        prepare: (call) =>
          holdAll([tenant.log.holdRecords([input.id], call), holdOwners(tenant, [owner], call)]),
        decide,
      },
    ),
  });
  const record = changeOf(outcome).after ?? current;
  if (record === undefined) throw new Error('an update without a record');
  return answerOf(tenant, outcome, record);
}

/** Deletes a server; answers it as it was, and who loses sight of it. */
export async function deleteServer(
  deps: WriteDeps,
  context: RequestContext,
  input: DeleteInput,
): Promise<Answer<{ readonly record: ServerRecord; readonly affected: AffectedAudience }>> {
  checkOptions(input);
  checkTarget(input, '');
  const tenant = await deps.tenants.get(context.tenant);
  const outcome = await tenant.committer.submit({
    ...written('delete', context, input),
    prepare: (call) => tenant.log.holdRecords([input.id], call),
    decide: (at) => decideDelete(at, input),
  });
  const { before, access } = changeOf(outcome);
  if (before === undefined) throw new Error('a delete without a record');
  const subjects = isShared(before)
    ? []
    : audienceOf({ record: before, grants: access?.revoked ?? [] });
  return answerOf(tenant, outcome, {
    record: before,
    affected: { everyone: isShared(before), subjects },
  });
}
