import { changedId } from '../../domain/commit.js';
import { SwitchboardError } from '../../domain/errors.js';
import { Overlay } from '../../domain/record-set.js';
import type { StateIndex } from '../../domain/resolve.js';
import type { ServerRecord, StoredServer } from '../../domain/server.js';
import type { CallOptions } from '../../storage/call-options.js';
import type { Catalog } from '../../storage/catalog.js';
import type { ExactSource } from '../replica/exact-read.js';

/**
 * What records were at an earlier revision, of those that changed since: undefined for one
 * that did not exist. Without grants. Repeated requests are answered from it (rule 13).
 */
export interface RecordsBefore {
  readonly records: ReadonlyMap<string, ServerRecord | undefined>;
  /** Changes up to this revision are in it. */
  readonly upTo: number;
}

/**
 * Reads the log after `revision` to its end. Throws CATALOG_UNAVAILABLE if it was compacted;
 * as long as a request is remembered, its commits are in the log (rule 3).
 */
export async function readRecordsBefore(
  catalog: Catalog,
  { tenant, revision }: { readonly tenant: string; readonly revision: number },
  call: CallOptions,
): Promise<RecordsBefore> {
  const records = new Map<string, ServerRecord | undefined>();
  let upTo = revision;
  for (;;) {
    const { commits, head, mark } = await catalog.log.read(tenant, upTo, call);
    for (const change of commits.flatMap(({ changes }) => changes)) {
      const id = changedId(change);
      if (!records.has(id)) records.set(id, change.before);
    }
    upTo = commits.at(-1)?.revision ?? upTo;
    if (upTo >= head.revision) return { records, upTo };
    if (commits.length === 0)
      throw new SwitchboardError('CATALOG_UNAVAILABLE', `compacted up to ${String(mark)}`);
  }
}

/** Of those that a projection returned, and those that changed since, the ones that it had then. */
export function asBefore(
  { records }: RecordsBefore,
  found: readonly StoredServer[],
  has: (record: ServerRecord) => boolean,
): readonly StoredServer[] {
  const unchanged = found.filter(({ record }) => !records.has(record.id));
  const changed = [...records.values()].filter((record) => record !== undefined);
  return [...unchanged, ...changed.filter(has).map((record) => ({ record, grants: [] }))];
}

/**
 * What `read` returns of the state at an earlier revision, of which the subjects that it
 * looks at have to be held. It is called once, in one turn.
 */
export async function readEarlierState<T>(
  { log, catalog, ...call }: ExactSource,
  { revision, read }: { readonly revision: number; readonly read: (past: StateIndex) => T },
): Promise<T> {
  for (;;) {
    const { records, upTo } = await readRecordsBefore(
      catalog,
      { tenant: log.tenant, revision },
      call,
    );
    await log.catchUp(upTo, call);
    if (log.position.revision > upTo) continue;
    const past = new Overlay(log);
    for (const [id, record] of records) past.set(id, record && { record, grants: [] });
    return read(past);
  }
}
