import type { Decision, DecisionContext } from './decide.js';
import { canonicalJson } from '../digest.js';
import {
  factsEtagOf,
  type InspectionFailure,
  type InspectionFailureReason,
  type Observation,
  type ServerFacts,
} from '../facts.js';
import {
  currentFailure,
  currentOAuthNeed,
  type FailedInspection,
  type InspectionResult,
} from '../inspection.js';
import type { ServerRecord } from '../server.js';

/** What somebody found out about a server, or that nothing could be. */
export interface Finding {
  readonly id: string;
  /** Of the configuration that was looked at. */
  readonly configHash: string;
  /** The replica or the node. */
  readonly observedBy: string;
  /** Nodes may have asked in the old era only: that replaces no observation of the new one. */
  readonly fromNode?: boolean;
  readonly result: InspectionResult;
  /**
   * Milliseconds until the next try after so many failures in a row; undefined for none.
   * Undefined as a whole: whoever found this tries nothing again.
   */
  readonly retryDelayMs?: (reason: InspectionFailureReason, attempts: number) => number | undefined;
}

/**
 * `finding` as the newest facts of its server; undefined if it tells nothing new, or if
 * the server is gone or has another configuration by now: a late result is thrown away.
 *
 * A success replaces the observation and ends the failure. A failure leaves the
 * observation as it is.
 */
export function decideFacts(context: DecisionContext, finding: Finding): Decision | undefined {
  const { state, after } = context;
  const before = state.byId(finding.id)?.record;
  if (before?.configHash !== finding.configHash) return undefined;
  const facts = factsAfter(before, finding, context.now);
  if (facts === undefined) return undefined;
  const record: ServerRecord = {
    ...before,
    facts,
    factsEtag: factsEtagOf(after, before.id),
    revision: after.revision + 1,
  };
  return { cause: 'FACTS', changes: [{ before, after: record }] };
}

function factsAfter(before: ServerRecord, finding: Finding, now: number): ServerFacts | undefined {
  const { result } = finding;
  if (result.kind === 'failed') return factsAfterFailure(before, finding, { result, now });
  const { observed } = result;
  const { facts } = before;
  const observation: Observation = {
    ...observed,
    configHash: finding.configHash,
    observeTime: now,
    observedBy: finding.observedBy,
  };
  const need = result.oauthNeed ?? currentOAuthNeed(before);
  if (facts?.observation !== undefined && facts.failure === undefined) {
    if (finding.fromNode === true && isOlderEra(observation, facts.observation)) return undefined;
    const isKnown = contentOf(facts.observation) === contentOf(observation);
    if (isKnown && facts.oauthNeed === need) return undefined;
  }
  return { observation, ...(need === undefined ? {} : { oauthNeed: need }) };
}

function factsAfterFailure(
  before: ServerRecord,
  { configHash, retryDelayMs }: Finding,
  { result, now }: { readonly result: FailedInspection; readonly now: number },
): ServerFacts | undefined {
  const { reason, message, oauthNeed } = result;
  if (staysAsItIs(before, reason)) return undefined;
  const attempts = (currentFailure(before)?.attempts ?? 0) + 1;
  const delayMs = retryDelayMs?.(reason, attempts);
  const failure: InspectionFailure = {
    reason,
    message,
    configHash,
    failTime: now,
    attempts,
    ...(delayMs === undefined ? {} : { nextAttemptTime: now + delayMs }),
  };
  const observation = before.facts?.observation;
  return {
    ...(observation === undefined ? {} : { observation }),
    oauthNeed: oauthNeed ?? currentOAuthNeed(before) ?? 'unknown',
    failure,
  };
}

/** Whether a failure says what it will say for ever, and says nothing against what a node saw. */
function staysAsItIs(before: ServerRecord, reason: InspectionFailureReason): boolean {
  if (reason !== 'NEEDS_NODE' && reason !== 'STDIO_NOT_ALLOWED') return false;
  // It has to make way even so, now that it is not true any more.
  if (currentFailure(before)?.reason === 'TRANSPORT_NOT_ALLOWED') return false;
  const isSeen = before.facts?.observation?.configHash === before.configHash;
  return isSeen || currentFailure(before)?.reason === reason;
}

function isOlderEra(observation: Observation, known: Observation): boolean {
  return (
    known.configHash === observation.configHash &&
    known.protocolEra === 'modern' &&
    observation.protocolEra === 'legacy'
  );
}

/** What of an observation matters: who made it and when does not. */
function contentOf(observation: Observation): string {
  const { observeTime: _time, observedBy: _by, ...content } = observation;
  return canonicalJson(content);
}
