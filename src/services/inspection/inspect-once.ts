import {
  currentFailure,
  inspectionPlan,
  nodeOnlyReason,
  retryDelayMs,
  type InspectionResult,
} from '../../domain/inspection.js';
import type { Finding } from '../../domain/commands/facts.js';
import type { ServerRecord } from '../../domain/server.js';
import { isRestricted, transportRefusal } from '../../domain/transport-policy.js';
import type { Tenant } from '../tenants.js';
import { commitFacts, type RecordedFinding } from './commit-facts.js';
import { targetKey, type InspectionDeps, type InspectionTarget } from './inspection-deps.js';

/** A lease is renewed by itself; this is how long one of a replica that died stays. */
const LEASE_MS = 30_000;

/** In whose name facts are recorded: the history shows it. */
const ACTOR = 'inspection';

/** How to inspect. */
export interface InspectionRun {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /**
   * How many failures were known when this was planned: with another number, or if all is
   * known, somebody else was faster and nothing is done. Undefined: inspect in any case.
   */
  readonly knownFailures: number | undefined;
  /** Told of the configuration before it is inspected. */
  readonly onConfig: (configHash: string) => void;
}

/** `skipped`: there was nothing to do. `outdated`: the configuration changed meanwhile. */
export type InspectionOutcome =
  | { readonly kind: 'recorded'; readonly finding: RecordedFinding }
  | { readonly kind: 'gone' | 'skipped' | 'outdated' };

/**
 * Inspects a server as it is now and records the result, holding the lease of the server:
 * other replicas wait and then find the work done. What makes the result right is not the
 * lease, which may be lost or not be had at all: it is recorded only for the configuration
 * that was inspected.
 */
export async function inspectOnce(
  deps: InspectionDeps,
  target: InspectionTarget,
  run: InspectionRun,
): Promise<InspectionOutcome> {
  const tenant = await deps.tenants.get(target.tenant);
  const lease = { ttlMs: LEASE_MS, signal: run.signal };
  return deps.leases.withLease(`inspect/${targetKey(target)}`, lease, async () => {
    // Whoever had the lease before may have recorded what we have not heard of yet.
    await tenant.log.catchUp(undefined, { signal: run.signal });
    const record = await currentRecord(tenant, target.id, run);
    if (record === undefined) return { kind: 'gone' };
    if (!isDue(deps, record, run)) return { kind: 'skipped' };
    run.onConfig(record.configHash);
    const result = await inspect(deps, record, run);
    const finding = await commitFacts(tenant, toFinding(deps, record, result), ACTOR);
    if (finding.record === undefined) return { kind: 'gone' };
    const isLate = finding.record.configHash !== record.configHash;
    return isLate ? { kind: 'outdated' } : { kind: 'recorded', finding };
  });
}

/** The server as the tenant's view has it. */
export async function currentRecord(
  { log }: Pick<Tenant, 'log'>,
  id: string,
  call: { readonly signal: AbortSignal },
): Promise<ServerRecord | undefined> {
  const release = await log.holdRecords([id], call);
  try {
    return log.byId(id)?.record;
  } finally {
    release();
  }
}

function isDue(
  { options }: InspectionDeps,
  record: ServerRecord,
  { knownFailures }: InspectionRun,
): boolean {
  if (knownFailures === undefined) return true;
  if (inspectionPlan(record, options).kind === 'none') return false;
  return (currentFailure(record)?.attempts ?? 0) === knownFailures;
}

async function inspect(
  { inspector, options }: InspectionDeps,
  record: ServerRecord,
  { signal, timeoutMs }: InspectionRun,
): Promise<InspectionResult> {
  const { spec } = record;
  const refusal = transportRefusal(options.policy, record);
  if (refusal !== undefined)
    return { kind: 'failed', reason: 'TRANSPORT_NOT_ALLOWED', message: refusal.message };
  const reason = nodeOnlyReason(spec, options);
  const policy = isRestricted(record) ? options.policy : undefined;
  if (reason === undefined) return inspector.inspect(spec, { signal, timeoutMs, policy });
  const message =
    reason === 'NEEDS_NODE'
      ? 'only nodes know its values; they report what they learn when they connect'
      : 'the control plane starts no processes; nodes report what they learn when they connect';
  return { kind: 'failed', reason, message };
}

function toFinding(
  { options, replicaId }: InspectionDeps,
  record: ServerRecord,
  result: InspectionResult,
): Finding {
  const { id, configHash, spec } = record;
  const random = options.random();
  const finding = { id, configHash, observedBy: replicaId, result };
  if (!options.automatic || !spec.enabled) return finding;
  // Only another configuration or policy changes that.
  if (transportRefusal(options.policy, record) !== undefined) return finding;
  return {
    ...finding,
    retryDelayMs: (reason, attempts) => retryDelayMs(options.retry, { reason, attempts }, random),
  };
}
