import type { Change, RequestKey } from '../../domain/commit.js';
import type { Decision } from '../../domain/commands/decide.js';
import { canonicalJson, digestText } from '../../domain/digest.js';
import { invalidField, SwitchboardError } from '../../domain/errors.js';
import type { ServerRecord } from '../../domain/server.js';
import { LIMITS } from '../../domain/limits.js';
import { userSubject } from '../../domain/view.js';
import type { CallOptions } from '../../storage/call-options.js';
import { MAX_BATCH_BYTES } from '../../storage/log.js';
import type { WriteOutcome } from '../commit/intent.js';
import { validateId, type Answer, type RequestContext } from '../request.js';
import type { Tenant, Tenants } from '../tenants.js';

export interface WriteDeps {
  readonly tenants: Tenants;
}

/** What every write carries. */
export interface WriteOptions {
  /** Empty for none; then repeating is not safe. */
  readonly requestId: string;
  readonly validateOnly: boolean;
  /** For whoever reads the history. */
  readonly reason: string;
}

/** A write as the committer wants it, but for what it does. */
export interface Written {
  readonly actor: string;
  readonly reason: string;
  readonly validateOnly: boolean;
  readonly request?: RequestKey;
  readonly signal: AbortSignal;
}

/** Who writes, why, and under which request. A check takes no request id. */
export function written(
  method: string,
  { caller, signal }: Pick<RequestContext, 'caller' | 'signal'>,
  input: WriteOptions,
): Written {
  const { requestId, validateOnly, reason, ...body } = input;
  const common = { actor: caller.principal, reason, validateOnly, signal };
  if (requestId === '' || validateOnly) return common;
  const bodyDigest = digestText('request', method, reason, canonicalJson(body));
  return { ...common, request: { principal: caller.principal, requestId, bodyDigest } };
}

/** Throws INVALID_FIELD unless request id and reason are within their limits. */
export function checkOptions({ requestId, reason }: WriteOptions): void {
  if (requestId.length > LIMITS.requestId) {
    throw invalidField('request_id', `must be at most ${String(LIMITS.requestId)} characters`);
  }
  if (reason.length > LIMITS.reason) {
    throw invalidField('reason', `must be at most ${String(LIMITS.reason)} characters`);
  }
}

/** Throws INVALID_FIELD, with paths below `path`, unless id and etag may name a copy. */
export function checkTarget(
  { id, etag }: { readonly id: string; readonly etag: string },
  path: string,
): void {
  validateId(id, `${path}id`);
  if (etag === '')
    throw invalidField(`${path}etag`, 'is required: send the etag of the copy that you read');
}

type Release = () => void;

/** Brings the servers of these owners into the state and keeps them there; empty ones are none. */
export function holdOwners(
  { log }: Tenant,
  owners: readonly (string | undefined)[],
  call: CallOptions,
): Promise<Release> {
  const named = new Set(owners.filter((owner) => owner !== ''));
  const subjects = [...named].flatMap((owner) => (owner === undefined ? [] : [userSubject(owner)]));
  return log.hold(subjects, call);
}

/**
 * Brings the servers that a user sees into the state, and of those that it owns all grants: who
 * deletes a server takes away every grant of it.
 */
export async function holdOwned(tenant: Tenant, user: string, call: CallOptions): Promise<Release> {
  const { log } = tenant;
  const release = await holdOwners(tenant, [user], call);
  const seen = [...log.privateOf(userSubject(user))];
  const owned = seen.flatMap(({ record }) => (record.owner === user ? [record.id] : []));
  try {
    const records = await log.holdRecords(owned, call);
    return () => {
      records();
      release();
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** Holds all of it, or nothing if some of it cannot be held. */
export async function holdAll(holds: readonly Promise<Release>[]): Promise<Release> {
  const settled = await Promise.allSettled(holds);
  const release = (): void => {
    for (const each of settled) if (each.status === 'fulfilled') each.value();
  };
  const failed = settled.find((each) => each.status === 'rejected');
  if (failed === undefined) return release;
  release();
  throw failed.reason as Error;
}

/** What a write of one server changed, or would have. */
export function changeOf(outcome: WriteOutcome): Change {
  if (outcome.kind === 'committed') return outcome.commit.changes[0] ?? {};
  return outcome.decision?.changes[0] ?? {};
}

/** What is only checked is refused like what is written: the Catalog would not take it. */
export function demandFits(decision: Decision | undefined): void {
  if (Buffer.byteLength(JSON.stringify(decision ?? {})) > MAX_BATCH_BYTES)
    throw new SwitchboardError('COMMIT_TOO_LARGE');
}

/** A record that is not to be created, only checked: nobody can refer to it. */
export function withoutIdentity(record: ServerRecord): ServerRecord {
  return { ...record, id: '', etag: '', accessEtag: '' };
}

/** The answer to a write. */
export function answerOf<T>(
  { upstream }: Pick<Tenant, 'upstream'>,
  { position }: Pick<WriteOutcome, 'position'>,
  value: T,
): Answer<T> {
  return { value, position, upstream: upstream.status() };
}
