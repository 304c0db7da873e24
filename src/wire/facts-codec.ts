import * as message from '../../generated/switchboard/v1/server.js';
import type {
  InspectionFailure,
  InspectionFailureReason,
  OAuthNeed,
  Observation,
  ServerFacts,
} from '../domain/facts.js';
import { keyOf } from './key-of.js';

const ERAS = {
  legacy: message.ProtocolEra.PROTOCOL_ERA_LEGACY,
  modern: message.ProtocolEra.PROTOCOL_ERA_MODERN,
} as const satisfies Record<Observation['protocolEra'], message.ProtocolEra>;

const NEEDS = {
  unknown: message.OauthNeed.OAUTH_NEED_UNKNOWN,
  no: message.OauthNeed.OAUTH_NEED_NO,
  yes: message.OauthNeed.OAUTH_NEED_YES,
} as const satisfies Record<OAuthNeed, message.OauthNeed>;

const Reason = message.InspectionFailureReason;
const REASONS = {
  UNREACHABLE: Reason.INSPECTION_FAILURE_REASON_UNREACHABLE,
  TIMEOUT: Reason.INSPECTION_FAILURE_REASON_TIMEOUT,
  UNAUTHORIZED: Reason.INSPECTION_FAILURE_REASON_UNAUTHORIZED,
  INVALID_ANSWER: Reason.INSPECTION_FAILURE_REASON_INVALID_ANSWER,
  TOO_LARGE: Reason.INSPECTION_FAILURE_REASON_TOO_LARGE,
  NEEDS_NODE: Reason.INSPECTION_FAILURE_REASON_NEEDS_NODE,
  TRANSPORT_NOT_ALLOWED: Reason.INSPECTION_FAILURE_REASON_TRANSPORT_NOT_ALLOWED,
  STDIO_NOT_ALLOWED: Reason.INSPECTION_FAILURE_REASON_STDIO_NOT_ALLOWED,
} as const satisfies Record<InspectionFailureReason, message.InspectionFailureReason>;

/** Facts as a message. */
export function toFactsMessage(facts: ServerFacts): message.ServerFacts {
  const { observation, oauthNeed, failure } = facts;
  return {
    observation: observation && toObservationMessage(observation),
    oauthNeed:
      oauthNeed === undefined ? message.OauthNeed.OAUTH_NEED_UNSPECIFIED : NEEDS[oauthNeed],
    failure: failure && toFailureMessage(failure),
  };
}

/** Facts that the server sent. What this version does not know counts as not told. */
export function fromFactsMessage(facts: message.ServerFacts): ServerFacts {
  const { observation, failure } = facts;
  const oauthNeed = keyOf(NEEDS, facts.oauthNeed);
  return {
    ...(observation === undefined ? {} : { observation: fromObservationMessage(observation) }),
    ...(oauthNeed === undefined ? {} : { oauthNeed }),
    ...(failure === undefined ? {} : { failure: fromFailureMessage(failure) }),
  };
}

/** An observation as a message. */
export function toObservationMessage(observation: Observation): message.Observation {
  const { observeTime, protocolEra, tools, ...rest } = observation;
  return {
    ...rest,
    observeTime: new Date(observeTime),
    protocolEra: ERAS[protocolEra],
    tools: tools.map((tool) => ({ ...tool })),
  };
}

/** An observation that was sent. */
export function fromObservationMessage(observation: message.Observation): Observation {
  const { observeTime, protocolEra, ...rest } = observation;
  return {
    ...rest,
    observeTime: observeTime?.getTime() ?? 0,
    protocolEra: keyOf(ERAS, protocolEra) ?? 'legacy',
  };
}

/** What a node says of the need for OAuth; undefined if it says nothing. */
export function fromOAuthNeedMessage(need: message.OauthNeed): OAuthNeed | undefined {
  return keyOf(NEEDS, need);
}

function toFailureMessage(failure: InspectionFailure): message.InspectionFailure {
  const { reason, failTime, nextAttemptTime, ...rest } = failure;
  return {
    ...rest,
    reason: REASONS[reason],
    failTime: new Date(failTime),
    nextAttemptTime: nextAttemptTime === undefined ? undefined : new Date(nextAttemptTime),
  };
}

function fromFailureMessage(failure: message.InspectionFailure): InspectionFailure {
  const { reason, failTime, nextAttemptTime, ...rest } = failure;
  return {
    ...rest,
    reason: keyOf(REASONS, reason) ?? 'UNREACHABLE',
    failTime: failTime?.getTime() ?? 0,
    ...(nextAttemptTime === undefined ? {} : { nextAttemptTime: nextAttemptTime.getTime() }),
  };
}
