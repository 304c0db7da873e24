import { randomUUID } from 'node:crypto';
import {
  checkSet,
  namesOf,
  surplusOf,
  type CheckedItem,
  type SetItem,
  type Surplus,
} from '../../../domain/commands/apply.js';
import type { RequestKey } from '../../../domain/commit.js';
import type { ScopedName } from '../../../domain/commands/decide.js';
import { digestText } from '../../../domain/digest.js';
import type { ServerRecord } from '../../../domain/server.js';
import { checkId } from '../../../domain/validate.js';
import type { Catalog } from '../../../storage/catalog.js';
import type { RequestContext } from '../../request.js';
import type { Tenant } from '../../tenants.js';
import { written, type WriteOptions, type Written } from '../write-request.js';

export interface ApplyInput extends WriteOptions {
  /** The name of the set. */
  readonly source: string;
  readonly items: readonly SetItem[];
  /** Delete what the source has and the set has not. */
  readonly prune: boolean;
  readonly allOrNothing: boolean;
  /** Take servers that belong to another source. */
  readonly takeOver: boolean;
}

/** One ApplyServers, read and checked as far as that can be done before deciding. */
export interface ApplyJob {
  readonly tenant: Tenant;
  readonly input: ApplyInput;
  readonly items: readonly CheckedItem[];
  /** The ids that servers get which are created, by the place of their item. */
  readonly ids: readonly string[];
  readonly surplus: Surplus;
  /** Whether a server, as it is by now, is still one that the set does not have. */
  readonly isSurplus: (record: ServerRecord) => boolean;
  readonly written: Written;
}

/** Checks the set and reads what else there is of its source. */
export async function prepareJob(
  catalog: Catalog,
  tenant: Tenant,
  { context, input }: { readonly context: RequestContext; readonly input: ApplyInput },
): Promise<ApplyJob> {
  const items = checkSet(input.items, input.source);
  const has = namesOf(items);
  const { log } = tenant;
  // Members that projections do not show yet would be left out.
  const { value: members } = await catalog.projections.serversOfSource(log.tenant, input.source, {
    atLeast: log.position.revision,
  });
  return {
    tenant,
    input,
    items,
    ids: items.map(() => randomUUID()),
    surplus: surplusOf(members, items, input.prune),
    isSurplus: (record) => record.source === input.source && !has(record),
    written: written('apply', context, input),
  };
}

/**
 * The request of the commit of one item, made from that of the whole: repeated, each commit
 * is found again by itself (rule 13).
 */
export function requestForItem(job: ApplyJob, { name, owner }: ScopedName): RequestKey | undefined {
  return partOf(job, 'item', owner === undefined ? 'shared' : 'private', owner ?? '', name);
}

/** The request of the n-th commit, from 0, that deletes. */
export function requestForPrune(job: ApplyJob, n: number): RequestKey | undefined {
  return partOf(job, 'prune', String(n));
}

function partOf({ written: { request } }: ApplyJob, ...part: string[]): RequestKey | undefined {
  if (request === undefined) return undefined;
  return { ...request, requestId: `apply-${digestText('apply', request.requestId, ...part)}` };
}

/** The owners whose servers have to be in the view for the items to be decided. */
export function ownersOf(items: readonly CheckedItem[]): readonly string[] {
  return items.flatMap(({ at: { owner } }) => (owner !== undefined && isId(owner) ? [owner] : []));
}

/** What is not an id owns nothing, and may be as long as it likes. */
function isId(owner: string): boolean {
  const wrong: string[] = [];
  checkId(owner, 'owner', (field) => wrong.push(field));
  return wrong.length === 0;
}
