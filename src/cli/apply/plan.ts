import { isSwitchboardError, SwitchboardError } from '../../domain/errors.js';
import type { ReportedServer } from '../../domain/server.js';
import { INVENTORY_VIEW } from '../../domain/view.js';
import type { ApplyResult } from '../../wire/client/apply.js';
import type { ApplyAnswer } from '../../wire/client/apply.js';
import type { RegistryClient } from '../../wire/client/registry-client.js';
import type { ApplyOptions } from './options.js';
import { askPlan } from './request.js';
import type { DeclaredSet } from './sets.js';

/** A set with what would be done for it. */
export interface PlannedSet {
  readonly set: DeclaredSet;
  readonly plan: ApplyAnswer;
  /** Of the copies that the plan was made from, by the places in the set; empty for none. */
  readonly etags: readonly string[];
}

/** A registry that changes while a plan is made is asked again so often. */
const MAX_ATTEMPTS = 5;
/** Servers come with their facts, of which so many fit in an answer. */
const BATCH_SIZE = 50;

/** What would be done for a set, and from which copies. Writes nothing. */
export async function planSet(
  client: RegistryClient,
  set: DeclaredSet,
  options: ApplyOptions,
): Promise<PlannedSet> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const plan = await askPlan(client, set, options);
    const own = plan.results.slice(0, set.read.servers.length);
    const updated = own.filter(({ action }) => action === 'updated');
    const copies = await copiesOf(client, updated);
    if (updated.every((result) => isCopyOf(result, copies))) {
      return { set, plan, etags: own.map((result) => etagOf(result, copies)) };
    }
  }
  throw new SwitchboardError(
    'ETAG_MISMATCH',
    'the servers of the set keep changing while a plan is made',
  );
}

/**
 * The servers as they are now, by id. A plan has them as they would be, and what would be has
 * no etag yet.
 */
async function copiesOf(
  client: RegistryClient,
  results: readonly ApplyResult[],
): Promise<ReadonlyMap<string, ReportedServer>> {
  const ids = results.flatMap(({ server }) => server?.id ?? []);
  const copies = new Map<string, ReportedServer>();
  for (let first = 0; first < ids.length; first += BATCH_SIZE) {
    const keys = ids.slice(first, first + BATCH_SIZE).map((id) => ({ id }));
    for (const server of await client.batchGetServers(INVENTORY_VIEW, keys)) {
      if (!isSwitchboardError(server)) copies.set(server.id, server);
    }
  }
  return copies;
}

/** Whether the plan was made from the copy: what would be is the version after it. */
function isCopyOf({ server }: ApplyResult, copies: ReadonlyMap<string, ReportedServer>): boolean {
  const copy = copies.get(server?.id ?? '');
  if (server === undefined || copy === undefined) return false;
  return server.etag === copy.etag || server.generation === copy.generation + 1;
}

function etagOf({ server }: ApplyResult, copies: ReadonlyMap<string, ReportedServer>): string {
  if (server === undefined || server.id === '') return '';
  return copies.get(server.id)?.etag ?? server.etag;
}
