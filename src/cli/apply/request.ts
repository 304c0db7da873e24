import { isSwitchboardError, type SwitchboardError } from '../../domain/errors.js';
import type { ReadServer } from '../../formats/format.js';
import {
  ApplyAction,
  type ApplyResult,
  ApplyServersRequest,
  type ApplyServersResponse,
} from '../../wire/clients.js';
import { toDeclarationMessage } from '../../wire/server-codec.js';
import { fromRpcStatus } from '../../wire/status.js';
import type { Connection } from '../connection.js';
import { mayPass, repeatWrite, type RepeatOptions } from '../repeat.js';
import { callUnary } from '../unary.js';
import type { ApplyOptions } from './options.js';
import type { DeclaredSet } from './sets.js';

/** A whole set may take so long. Milliseconds. */
const TIMEOUT_MS = 60_000;

/** A server to apply, with the etag of the copy that the plan was made from; empty for none. */
export interface PlannedServer {
  readonly server: ReadServer;
  readonly etag: string;
}

/** What would be done for a set. Writes nothing. */
export function askPlan(
  connection: Connection,
  set: DeclaredSet,
  options: ApplyOptions,
): Promise<ApplyServersResponse> {
  const servers = set.read.servers.map((server) => ({ server, etag: '' }));
  const request = { ...requestOf(connection, set, options), validateOnly: true };
  return send(connection, { ...request, servers: servers.map(messageOf), prune: set.prune });
}

/** One step of applying a set. */
export interface ApplyStep {
  readonly servers: readonly PlannedServer[];
  readonly prune: boolean;
  /** Makes repeating safe: the same for the same step. */
  readonly requestId: string;
}

/**
 * Takes one step, again and again until each of its servers has an answer. Throws when the
 * outcome of the whole step stays unknown.
 */
export async function takeStep(
  { connection, set, options }: { connection: Connection; set: DeclaredSet; options: ApplyOptions },
  step: ApplyStep,
  repeat: RepeatOptions,
): Promise<ApplyServersResponse> {
  const request = {
    ...requestOf(connection, set, options),
    prune: step.prune,
    requestId: step.requestId,
    servers: step.servers.map(messageOf),
  };
  let partial: ApplyServersResponse | undefined;
  try {
    return await repeatWrite(async () => {
      const answer = await send(connection, request);
      partial = answer;
      const undecided = answer.results.map(refusalOf).find(mayPass);
      if (undecided !== undefined) throw undecided;
      return answer;
    }, repeat);
  } catch (error) {
    if (partial !== undefined && isSwitchboardError(error)) return partial;
    throw error;
  }
}

/** Why an item was refused; undefined if it was not. */
export function refusalOf({ action, error }: ApplyResult): SwitchboardError | undefined {
  return action === ApplyAction.ACTION_REFUSED && error !== undefined
    ? fromRpcStatus(error)
    : undefined;
}

function messageOf({ server, etag }: PlannedServer): ApplyServersRequest['servers'][number] {
  return toDeclarationMessage(server, etag);
}

function requestOf(
  { tenant }: Connection,
  { name: set }: DeclaredSet,
  { allOrNothing, takeOver, reason }: ApplyOptions,
): ApplyServersRequest {
  return ApplyServersRequest.fromPartial({ tenant, set, allOrNothing, takeOver, reason });
}

function send(
  { client, metadata }: Connection,
  request: ApplyServersRequest,
): Promise<ApplyServersResponse> {
  return callUnary(client.applyServers.bind(client), request, {
    metadata,
    timeoutMs: TIMEOUT_MS,
  });
}
