import { randomUUID } from 'node:crypto';
import {
  checkSet,
  decideItem,
  namesOf,
  surplusOf,
  type CheckedItem,
  type ItemOutcome,
  type ItemRule,
  type SetItem,
  type Surplus,
} from '../../../domain/commands/apply.js';
import type { Commit, RequestKey } from '../../../domain/commit.js';
import type { ScopedName } from '../../../domain/commands/decide.js';
import type { ShadowPolicy, ShadowRule } from '../../../domain/commands/shadow.js';
import { digestText } from '../../../domain/digest.js';
import type { ServerRecord, StoredServer } from '../../../domain/server.js';
import type { Catalog } from '../../../storage/catalog.js';
import type { ExactSource } from '../../replica/exact-read.js';
import type { RequestContext } from '../../request.js';
import type { Tenant } from '../../tenants.js';
import { asBefore, readEarlierState, readRecordsBefore } from '../earlier-state.js';
import { holdOwners, written, type WriteOptions, type Written } from '../write-request.js';
import { baseRevisionOf, earlierCommits } from './earlier-commits.js';
import { sortMembers } from './moved-servers.js';
import { ownersOf } from './owners.js';

export interface ApplyInput extends WriteOptions {
  /** The name of the set. */
  readonly set: string;
  readonly items: readonly SetItem[];
  /** Delete the servers of the set that `items` does not have. */
  readonly prune: boolean;
  readonly allOrNothing: boolean;
  /** Take servers that belong to another set, or that somebody moved. */
  readonly takeOver: boolean;
  readonly policy: ShadowPolicy;
}

/** One ApplyServers, read and checked as far as that can be done before deciding. */
export interface ApplyJob {
  readonly tenant: Tenant;
  readonly catalog: Catalog;
  readonly input: ApplyInput;
  readonly items: readonly CheckedItem[];
  /** The ids that servers get which are created, by the place of their item. */
  readonly ids: readonly string[];
  /** By item: the server that it is about, or was about before somebody moved it. */
  readonly aboutIds: readonly (string | undefined)[];
  /** As it was when the request began: what came later is not of it (rule 13). */
  readonly surplus: Surplus;
  /** Those of it that are to be deleted. */
  readonly prunedIds: ReadonlySet<string>;
  /** Whether a server, as it is by now, belongs to the set and is not among its items. */
  readonly isSurplus: (record: ServerRecord) => boolean;
  readonly written: Written;
  /** What an earlier request did that this one repeats; undefined if there was none. */
  readonly earlier: Earlier | undefined;
}

/** What an interrupted or answered request had done, and what it had begun with. */
export interface Earlier {
  /** By the ids of the requests of its parts. */
  readonly commits: ReadonlyMap<string, Commit>;
  /** What was to become of each item when the request began. */
  readonly outcomes: readonly ItemOutcome[];
}

/** Checks the set and reads its other servers, and what was done of it before. */
export async function prepareJob(
  catalog: Catalog,
  tenant: Tenant,
  { context, input }: { readonly context: RequestContext; readonly input: ApplyInput },
): Promise<ApplyJob> {
  const { log } = tenant;
  const { signal } = context;
  const items = checkSet(input.items, input.set);
  const has = namesOf(items);
  const fresh = written('apply', context, input);
  // Confirmed before anything is looked up: what is not found then has not begun.
  await log.catchUp(undefined, { signal });
  const head = log.position.revision;
  const commits = await earlierCommits(catalog, log.tenant, {
    requests: requestsOf(fresh, items),
    atLeast: head,
    signal,
  });
  const begunAt = baseRevisionOf(commits);
  const baseRevision = begunAt ?? head;
  const { set, prune, takeOver } = input;
  const members = await membersAt({ log, catalog, signal }, { set, revision: baseRevision });
  const { aboutIds, rest } = await sortMembers(tenant, members, { items, signal });
  const mayPrune = (record: ServerRecord): boolean =>
    prune && (takeOver || record.moved === undefined);
  const surplus = surplusOf(rest, items, mayPrune);
  const job = {
    tenant,
    catalog,
    input,
    items,
    ids: items.map(() => randomUUID()),
    aboutIds,
    surplus,
    prunedIds: new Set(surplus.pruned.map(({ id }) => id)),
    isSurplus: (record: ServerRecord) => record.set === set && !has(record) && mayPrune(record),
    written: withBase(fresh, baseRevision),
  };
  if (begunAt === undefined) return { ...job, earlier: undefined };
  const outcomes = await outcomesAt(job, begunAt);
  return { ...job, earlier: { commits, outcomes } };
}

/** The servers of a set as they were at a revision. */
async function membersAt(
  { log: { tenant }, catalog, ...call }: ExactSource,
  { set, revision }: { readonly set: string; readonly revision: number },
): Promise<readonly StoredServer[]> {
  // Members that projections do not show yet would be left out.
  const { value } = await catalog.projections.serversOfSet(tenant, set, {
    ...call,
    atLeast: revision,
  });
  const before = await readRecordsBefore(catalog, { tenant, revision }, call);
  return asBefore(before, value, (record) => record.set === set);
}

/** What was to become of the items at a revision. */
async function outcomesAt(
  job: Omit<ApplyJob, 'earlier'>,
  revision: number,
): Promise<readonly ItemOutcome[]> {
  const {
    tenant: { log, transportPolicy },
    catalog,
    items,
    written: { signal },
  } = job;
  const release = await holdOwners(job.tenant, ownersOf(items), { signal });
  try {
    return await readEarlierState(
      { log, catalog, signal },
      {
        revision,
        read: (state) => {
          const at = { state, after: log.position, actor: '', now: 0, transportPolicy };
          return items.map((item, index) =>
            // What they would hide is looked at when they are decided.
            decideItem(at, item, { ...ruleOf(job, index), policy: 'shadow' }),
          );
        },
      },
    );
  } finally {
    release();
  }
}

/** With what the item at a place is decided. */
export function ruleOf(
  { ids, aboutIds, prunedIds, input }: Omit<ApplyJob, 'earlier'>,
  index: number,
  read: ShadowRule['named'] = () => [],
): ItemRule {
  const { takeOver, policy } = input;
  // What the same apply deletes is not hidden.
  const named: ShadowRule['named'] = (name) =>
    read(name).filter(({ record }) => !prunedIds.has(record.id));
  return { id: ids[index] ?? '', aboutId: aboutIds[index], takeOver, policy, named };
}

function withBase(fresh: Written, baseRevision: number): Written {
  if (fresh.request === undefined) return fresh;
  return { ...fresh, request: { ...fresh.request, baseRevision } };
}

/** The requests that may have committed something of an apply, the first that prunes included. */
function requestsOf(fresh: Written, items: readonly CheckedItem[]): readonly RequestKey[] {
  const parts = items.map(({ at }) => requestForItem(fresh, at));
  return [fresh.request, requestForPrune(fresh, 0), ...parts].flatMap((request) => request ?? []);
}

/**
 * The request of the commit of one item, made from that of the whole: repeated, each commit
 * is found again by itself (rule 13).
 */
export function requestForItem(
  whole: Written,
  { name, owner }: ScopedName,
): RequestKey | undefined {
  return partOf(whole, 'item', owner === undefined ? 'shared' : 'private', owner ?? '', name);
}

/** The request of the n-th commit, from 0, that deletes. */
export function requestForPrune(whole: Written, n: number): RequestKey | undefined {
  return partOf(whole, 'prune', String(n));
}

function partOf({ request }: Written, ...part: string[]): RequestKey | undefined {
  if (request === undefined) return undefined;
  return { ...request, requestId: `apply-${digestText('apply', request.requestId, ...part)}` };
}
