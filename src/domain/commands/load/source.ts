import { SwitchboardError } from '../../errors.js';
import type { SourceChange, SourceRecord } from '../../source-record.js';

// A replica is configured with a source of some name for a tenant, or with none: `undefined`.

/** The namespace whose loads it waits for; undefined where the Catalog is the source. */
export function awaitedNamespace(
  record: SourceRecord | undefined,
  configured: string | undefined,
): string | undefined {
  return record?.state === 'active' ? record.namespace : awaitedName(record, configured);
}

/** The name of that source. */
export function awaitedName(
  record: SourceRecord | undefined,
  configured: string | undefined,
): string | undefined {
  if (record === undefined) return configured;
  if (record.state === 'active') return record.name;
  return configured === undefined || wasNameOf(record, configured) ? undefined : configured;
}

/** Whether it may load, or has nothing to load where nothing is to be loaded. */
export function mayLoad(record: SourceRecord, configured: string | undefined): boolean {
  if (record.state === 'active') return configured === record.name;
  if (configured === undefined) return true;
  return record.state === 'removed' && !wasNameOf(record, configured);
}

/** Why it may not: SOURCE_DIFFERS or SOURCE_REMOVED. */
export function refusalOf(record: SourceRecord, configured: string | undefined): SwitchboardError {
  const { name, state } = record;
  const metadata = { tenant_source: name, configured_source: configured ?? '' };
  const here = configured === undefined ? 'none' : JSON.stringify(configured);
  if (state !== 'active' && configured !== undefined && wasNameOf(record, configured)) {
    const text = `the private source ${here} was removed from the tenant`;
    return new SwitchboardError('SOURCE_REMOVED', text, { metadata });
  }
  const there = state === 'active' ? 'is' : 'is still being removed:';
  const text = `the private source of the tenant ${there} ${JSON.stringify(name)}, this replica is configured with ${here}`;
  return new SwitchboardError('SOURCE_DIFFERS', text, { metadata, retryDelayMs: RETRY_MS });
}

/** A rollout has to end, or an administrator to act. */
const RETRY_MS = 5_000;

/**
 * What a load from a source of this name and namespace does to the record: the first one
 * makes it. Throws SOURCE_DIFFERS and SOURCE_REMOVED, and LOAD_CONFLICT if the ids of the rows
 * were made from another namespace.
 */
export function sourceOfLoad(
  before: SourceRecord | undefined,
  { source: name, namespace }: { readonly source: string; readonly namespace: string },
  revision: number,
): SourceChange | undefined {
  if (before !== undefined && !mayLoad(before, name)) throw refusalOf(before, name);
  if (awaitedNamespace(before, name) !== namespace) throw new SwitchboardError('LOAD_CONFLICT');
  if (before?.state === 'active') return undefined;
  const formerNames = before === undefined ? [] : namesOf(before);
  const after: SourceRecord = { name, namespace, state: 'active', formerNames, revision };
  return before === undefined ? { after } : { before, after };
}

/** All names that sources of the tenant had up to now, each once. */
export function namesOf({ name, formerNames }: SourceRecord): readonly string[] {
  return formerNames.includes(name) ? formerNames : [...formerNames, name];
}

function wasNameOf(record: SourceRecord, name: string): boolean {
  return record.name === name || record.formerNames.includes(name);
}
