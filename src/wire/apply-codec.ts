import { setImmediate as nextTurn } from 'node:timers/promises';
import * as message from '../../generated/switchboard/v1/registry_service.js';
import { Tier, type Server } from '../../generated/switchboard/v1/server.js';
import type { DeclaredServer, SetItem } from '../domain/commands/apply.js';
import { invalidField, isSwitchboardError, type SwitchboardError } from '../domain/errors.js';
import type { ShadowPolicy } from '../domain/commands/shadow.js';
import type { FieldChange } from '../domain/field-change.js';
import type { Declaration, Move, ReportedServer, ServerRecord } from '../domain/server.js';
import { fieldChanges } from './field-changes.js';
import { keyOf } from './key-of.js';
import { itemLimits } from './limits/check-limits.js';
import { tenantOf } from './node-messages.js';
import { fromShadowPolicy } from './shadow-codec.js';
import { writeFields, type Command, type WriteFields } from './registry-codec.js';
import {
  fromDeclaration,
  fromReportedMessage,
  toServerMessageWithoutFacts,
  toTierMessage,
} from './server-codec.js';
import { fromRpcStatus, toRpcStatus } from './status.js';
import { toHeaderMessage, type HeaderFacts } from './view-codec.js';

const ACTIONS = {
  created: message.ApplyResult_Action.ACTION_CREATED,
  updated: message.ApplyResult_Action.ACTION_UPDATED,
  unchanged: message.ApplyResult_Action.ACTION_UNCHANGED,
  deleted: message.ApplyResult_Action.ACTION_DELETED,
  left: message.ApplyResult_Action.ACTION_LEFT,
  refused: message.ApplyResult_Action.ACTION_REFUSED,
  held_back: message.ApplyResult_Action.ACTION_HELD_BACK,
} as const;

interface ApplyCommand extends WriteFields {
  readonly set: string;
  readonly items: readonly SetItem[];
  readonly prune: boolean;
  readonly allOrNothing: boolean;
  readonly takeOver: boolean;
  readonly policy: ShadowPolicy;
}

/** Reads a set; what is wrong with one of its servers stands in its place. */
export function fromApplyServers(request: message.ApplyServersRequest): Command<ApplyCommand> {
  const { set, servers, prune, allOrNothing, takeOver } = request;
  return {
    tenant: tenantOf(request.tenant),
    command: {
      ...writeFields(request),
      set,
      items: servers.map((server, index) => fromItem(server, `servers[${String(index)}]`)),
      prune,
      allOrNothing,
      takeOver,
      policy: fromShadowPolicy(request.policy),
    },
  };
}

const checkServer = itemLimits('switchboard.v1.Server');

function fromItem(server: Server, path: string): SetItem {
  const content = contentOf(server, path);
  const { name, owner, etag } = server;
  const at = server.tier === Tier.TIER_PRIVATE ? { name, owner } : { name };
  return { at, etag, content };
}

function contentOf(server: Server, path: string): DeclaredServer | SwitchboardError {
  const isTold = server.tier !== Tier.TIER_UNSPECIFIED;
  try {
    checkServer(server, path);
    const told = isTold ? server : { ...server, tier: Tier.TIER_USER };
    const { tier, set: _set, ...rest } = fromDeclaration(told, path);
    return isTold ? { ...rest, tier } : rest;
  } catch (error) {
    if (isSwitchboardError(error)) return error;
    throw error;
  }
}

interface Result {
  readonly action: keyof typeof ACTIONS;
  readonly record?: ServerRecord;
  readonly redeclared?: { readonly before: Declaration; readonly after: Declaration };
  readonly hidden?: number;
  readonly error?: SwitchboardError;
}

/** So many results are made in one turn of the event loop. */
const RESULTS_PER_TURN = 200;

/** The answer. That of a large set takes a while to make: others have their turns in between. */
export async function toApplyResponse(
  header: HeaderFacts,
  { results, applied }: { readonly results: readonly Result[]; readonly applied: boolean },
): Promise<message.ApplyServersResponse> {
  const made: message.ApplyResult[] = [];
  while (made.length < results.length) {
    if (made.length > 0) await nextTurn();
    made.push(...results.slice(made.length, made.length + RESULTS_PER_TURN).map(toResult));
  }
  return { header: toHeaderMessage(header), results: made, applied };
}

/** Of a server that is new or gone, all fields changed: it is its own list of changes. */
function toResult({ action, record, redeclared, hidden, error }: Result): message.ApplyResult {
  const moved = action === 'left' ? record?.moved : undefined;
  return {
    action: ACTIONS[action],
    server: record && toServerMessageWithoutFacts(record),
    changes: redeclared === undefined ? [] : fieldChanges(redeclared.before, redeclared.after),
    error: error && toRpcStatus(error),
    shadowed: hidden ?? 0,
    moved: moved && toMoveMessage(moved),
  };
}

function toMoveMessage({ from: { name, tier, owner = '' }, actor, time }: Move): message.Move {
  return { name, tier: toTierMessage(tier), owner, actor, time: new Date(time) };
}

/** What became of one server of a set, as the server reports it. */
export interface ApplyResult {
  readonly action: keyof typeof ACTIONS;
  /** The server as it is then, or before it was deleted; undefined for one that never was. */
  readonly server: ReportedServer | undefined;
  readonly changes: readonly FieldChange[];
  /** Why it was refused. */
  readonly error: SwitchboardError | undefined;
  /** In a plan: how many private servers it would hide; 101 stands for more than 100. */
  readonly shadowed: number;
  /** Of one that was left: who moved it, and when. */
  readonly moved: Pick<Move, 'actor' | 'time'> | undefined;
}

/** Reads what became of one server. Throws INVALID_FIELD if it cannot be told. */
export function fromApplyResult(result: message.ApplyResult): ApplyResult {
  const { server, changes, error, shadowed, moved } = result;
  const action = keyOf(ACTIONS, result.action);
  if (action === undefined) throw invalidField('results.action', 'is required');
  return {
    action,
    server: server && fromReportedMessage(server),
    changes,
    error: error && fromRpcStatus(error),
    shadowed,
    moved: moved && { actor: moved.actor, time: moved.time?.getTime() ?? 0 },
  };
}
