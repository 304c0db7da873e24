import { decideRenameSource } from '../../domain/commands/load/change-source.js';
import { invalidField } from '../../domain/errors.js';
import { SOURCE_NAME, type SourceRecord, type SourceStatus } from '../../domain/source-record.js';
import type { WriteOutcome } from '../commit/intent.js';
import type { Answer, RequestContext } from '../request.js';
import { answerOf, checkOptions, written, type WriteOptions } from '../writes/write-request.js';
import type { LoadCallDeps } from './load-status.js';

export interface RenameSourceInput extends WriteOptions {
  /** The name that it has. */
  readonly name: string;
  readonly newName: string;
}

/** Tells what the log says of the private source of a tenant. */
export async function getPrivateSource(
  deps: LoadCallDeps,
  context: RequestContext,
): Promise<Answer<SourceStatus>> {
  const tenant = await deps.tenants.get(context.tenant);
  const { log } = tenant;
  return answerOf(tenant, log, statusOf(deps, context, log.privateSource()));
}

/** Gives the private source of a tenant another name, if it has the one that is named. */
export async function renamePrivateSource(
  deps: LoadCallDeps,
  context: RequestContext,
  input: RenameSourceInput,
): Promise<Answer<SourceStatus>> {
  checkOptions(input);
  checkSourceName(input.name, 'name');
  checkSourceName(input.newName, 'new_name');
  const tenant = await deps.tenants.get(context.tenant);
  const outcome = await tenant.committer.submit({
    ...written('rename-source', context, input),
    prepare: () => Promise.resolve(() => undefined),
    decide: (at) => decideRenameSource(at, input),
  });
  const record = sourceAfter(outcome) ?? tenant.log.privateSource();
  return answerOf(tenant, outcome, statusOf(deps, context, record));
}

/** Throws INVALID_FIELD unless a configuration may call a source so. */
export function checkSourceName(name: string, field: string): void {
  if (!SOURCE_NAME.test(name)) throw invalidField(field, 'expected 1 to 64 of a-z, 0-9 and -');
}

function sourceAfter(outcome: WriteOutcome): SourceRecord | undefined {
  const did = outcome.kind === 'committed' ? outcome.commit : outcome.decision;
  return did?.source?.after;
}

function statusOf(
  { sourceOf }: LoadCallDeps,
  { tenant }: RequestContext,
  record: SourceRecord | undefined,
): SourceStatus {
  return { record, configuredName: sourceOf(tenant)?.source.name ?? '' };
}
