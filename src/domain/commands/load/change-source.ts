import type { Change } from '../../commit.js';
import { SwitchboardError } from '../../errors.js';
import type { StoredServer } from '../../server.js';
import type { SourceRecord, SourceServers } from '../../source-record.js';
import {
  declarationOf,
  deletionOf,
  nextVersion,
  type Decision,
  type DecisionContext,
} from '../decide.js';
import { namesOf } from './source.js';

/**
 * Gives the private source of a tenant another name; ids and servers stay. Undefined if it
 * has the name. Throws SOURCE_MISMATCH and SOURCE_REMOVED.
 */
export function decideRenameSource(
  { state, after }: DecisionContext,
  { name, newName }: { readonly name: string; readonly newName: string },
): Decision | undefined {
  const before = demandSource(state.privateSource(), name);
  if (before.state !== 'active')
    throw new SwitchboardError('SOURCE_REMOVED', undefined, { metadata: { tenant_source: name } });
  if (newName === name) return undefined;
  const renamed: SourceRecord = {
    ...before,
    name: newName,
    formerNames: namesOf(before),
    revision: after.revision + 1,
  };
  return { cause: 'RENAME_SOURCE', changes: [], source: { before, after: renamed } };
}

/** What RemovePrivateSource was asked to do. */
export interface RemoveSourceIntent {
  readonly name: string;
  readonly servers: SourceServers;
}

/** Servers of the source, as the Catalog had them at a revision. */
export interface SourcePage {
  readonly servers: readonly StoredServer[];
  readonly revision: number;
  /** Whether there were no others at that revision. */
  readonly isLast: boolean;
}

/**
 * Removes the private source of a tenant, and as many of its servers as the page has and
 * `fits` allows: they are deleted, or become ordinary private servers of their owners. The
 * first commit ends all loads from the source, so that only fewer servers can be left after
 * it; the last one says that none is. Undefined if the source is removed. Throws
 * SOURCE_MISMATCH.
 */
export function decideRemoveSource(
  context: DecisionContext,
  { name, servers }: RemoveSourceIntent,
  {
    page,
    fits,
  }: {
    readonly page: SourcePage;
    readonly fits: (changes: readonly Change[]) => readonly Change[];
  },
): Decision | undefined {
  const { state, after } = context;
  const before = demandSource(state.privateSource(), name);
  if (before.state === 'removed') return undefined;
  const remove = servers === 'drop' ? deletionOf : releaseOf.bind(null, context);
  const changes = fits(page.servers.map(remove));
  // A load may have made servers after the page was read, unless loads had ended by then.
  const since = before.state === 'removing' ? before.revision : after.revision;
  const isDone = page.isLast && changes.length === page.servers.length && page.revision >= since;
  const next = isDone ? 'removed' : 'removing';
  if (next === before.state) return { cause: 'REMOVE_SOURCE', changes };
  const removed: SourceRecord = { ...before, state: next, revision: after.revision + 1 };
  return { cause: 'REMOVE_SOURCE', changes, source: { before, after: removed } };
}

/** Whether a commit of a removal was the last one. */
export function isRemoved({ source }: Pick<Decision, 'source'>): boolean {
  return source?.after.state === 'removed';
}

/** The server as an ordinary one of its owner, which people can change. */
function releaseOf(context: DecisionContext, { record }: StoredServer): Change {
  const { privateSource: _released, ...declared } = declarationOf(record);
  return { before: record, after: nextVersion(context, record, declared) };
}

/** Compare-and-set on the name. */
function demandSource(source: SourceRecord | undefined, name: string): SourceRecord {
  if (source?.name === name) return source;
  const has = source === undefined ? 'none' : JSON.stringify(source.name);
  const text = `the tenant has ${has} as its private source, not ${JSON.stringify(name)}`;
  const metadata = source === undefined ? {} : { tenant_source: source.name };
  throw new SwitchboardError('SOURCE_MISMATCH', text, { metadata });
}
