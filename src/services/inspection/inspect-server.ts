import { SwitchboardError } from '../../domain/errors.js';
import type { ServerRecord } from '../../domain/server.js';
import { validateId, type Answer, type RequestContext } from '../request.js';
import { untilAborted } from '../concurrency/until-aborted.js';
import type { Tenant, Tenants } from '../tenants.js';
import type { Flights } from './flights.js';
import type { InspectionOutcome } from './inspect-once.js';

export interface InspectServerDeps {
  readonly flights: Flights;
  readonly tenants: Tenants;
  /** For one inspection. Milliseconds. */
  readonly timeoutMs: number;
  /** Milliseconds, monotonic. */
  readonly monotonic: () => number;
}

/** How much of a request's time is left for recording and answering. */
const MARGIN_MS = 1_000;

/**
 * Inspects a server now, in the time that the request has, and answers it with its facts.
 * If its configuration changes meanwhile, the new one is inspected.
 */
export async function inspectServer(
  deps: InspectServerDeps,
  context: RequestContext,
  id: string,
): Promise<Answer<ServerRecord>> {
  validateId(id, 'id');
  const target = { tenant: context.tenant, id };
  const endMs = deps.monotonic() + context.waitMs;
  const tenant = await deps.tenants.get(context.tenant);
  for (;;) {
    const leftMs = endMs - deps.monotonic();
    const timeoutMs = Math.max(
      1,
      Math.min(deps.timeoutMs, leftMs - Math.min(MARGIN_MS, leftMs / 10)),
    );
    const outcome = await untilAborted(
      deps.flights.join(target, { timeoutMs, knownFailures: undefined }),
      context.signal,
    );
    const answer = answerOf(tenant, outcome, id);
    if (answer !== undefined) return answer;
  }
}

/** Undefined: try again. */
function answerOf(
  { upstream }: Pick<Tenant, 'upstream'>,
  outcome: InspectionOutcome,
  id: string,
): Answer<ServerRecord> | undefined {
  if (outcome.kind === 'gone') throw new SwitchboardError('SERVER_NOT_FOUND', `no server ${id}`);
  if (outcome.kind !== 'recorded' || outcome.finding.record === undefined) return undefined;
  const { record, position } = outcome.finding;
  return { value: record, position, upstream: upstream.status() };
}
