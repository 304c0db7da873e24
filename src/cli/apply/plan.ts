import {
  ApplyAction,
  type ApplyResult,
  type ApplyServersResponse,
  BatchGetServersRequest,
} from '../../wire/clients.js';
import type { ServerMessage } from '../../wire/json.js';
import { toViewMessage } from '../../wire/view-codec.js';
import { INVENTORY_VIEW } from '../../domain/view.js';
import { SwitchboardError } from '../../domain/errors.js';
import type { Connection } from '../connection.js';
import { callUnary } from '../unary.js';
import type { ApplyOptions } from './options.js';
import { askPlan } from './request.js';
import type { DeclaredSet } from './sets.js';

/** A set with what would be done for it. */
export interface PlannedSet {
  readonly set: DeclaredSet;
  readonly plan: ApplyServersResponse;
  /** Of the copies that the plan was made from, by the places in the set; empty for none. */
  readonly etags: readonly string[];
}

/** A registry that changes while a plan is made is asked again so often. */
const MAX_ATTEMPTS = 5;
/** Servers come with their facts, of which so many fit in an answer. */
const BATCH_SIZE = 50;

/** What would be done for a set, and from which copies. Writes nothing. */
export async function planSet(
  connection: Connection,
  set: DeclaredSet,
  options: ApplyOptions,
): Promise<PlannedSet> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const plan = await askPlan(connection, set, options);
    const own = plan.results.slice(0, set.read.servers.length);
    const updated = own.filter(({ action }) => action === ApplyAction.ACTION_UPDATED);
    const copies = await copiesOf(connection, updated);
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
  { client, tenant, metadata }: Connection,
  results: readonly ApplyResult[],
): Promise<ReadonlyMap<string, ServerMessage>> {
  const ids = results.flatMap(({ server }) => server?.id ?? []);
  const copies = new Map<string, ServerMessage>();
  for (let first = 0; first < ids.length; first += BATCH_SIZE) {
    const keys = ids.slice(first, first + BATCH_SIZE).map((value) => ({
      key: { $case: 'id', value } as const,
    }));
    const request = BatchGetServersRequest.fromPartial({
      tenant,
      keys,
      view: toViewMessage(INVENTORY_VIEW),
    });
    const answer = await callUnary(client.batchGetServers.bind(client), request, { metadata });
    for (const { result } of answer.results) {
      if (result?.$case === 'server') copies.set(result.value.id, result.value);
    }
  }
  return copies;
}

/** Whether the plan was made from the copy: what would be is the version after it. */
function isCopyOf({ server }: ApplyResult, copies: ReadonlyMap<string, ServerMessage>): boolean {
  const copy = copies.get(server?.id ?? '');
  if (server === undefined || copy === undefined) return false;
  return server.etag === copy.etag || server.generation === copy.generation + 1;
}

function etagOf({ server }: ApplyResult, copies: ReadonlyMap<string, ServerMessage>): string {
  if (server === undefined || server.id === '') return '';
  return copies.get(server.id)?.etag ?? server.etag;
}
