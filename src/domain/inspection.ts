import { backoffMs } from './backoff.js';
import { userSignIn, valueFields } from './config/connection-scope.js';
import type { InspectionFailureReason, OAuthNeed, ObservedFacts, ServerFacts } from './facts.js';
import type { ServerRecord } from './server.js';
import type { ServerSpec } from './config/spec.js';
import { transportRefusal, type TransportPolicy } from './transport-policy.js';
import { referencesIn } from './config/value.js';

/** What an inspection came to. */
export type InspectionResult = SuccessfulInspection | FailedInspection;

export interface SuccessfulInspection {
  readonly kind: 'observed';
  readonly observed: ObservedFacts;
  /** Undefined: nothing was learned about it. */
  readonly oauthNeed?: OAuthNeed;
}

export interface FailedInspection {
  readonly kind: 'failed';
  readonly reason: InspectionFailureReason;
  /** For people; holds nothing secret. */
  readonly message: string;
  readonly oauthNeed?: OAuthNeed;
}

/**
 * Why only a node can inspect what `spec` describes; undefined if the control plane can,
 * which knows the values of no user, no call, no node and no secret.
 */
export function nodeOnlyReason(
  spec: ServerSpec,
  options: { readonly stdio: boolean },
): 'NEEDS_NODE' | 'STDIO_NOT_ALLOWED' | undefined {
  const isOpen = (text: string): boolean => referencesIn(text).length > 0;
  const needed = valueFields(spec).filter(({ path }) => !path.startsWith('oauth.'));
  if (spec.transport.kind === 'stdio' && !options.stdio) return 'STDIO_NOT_ALLOWED';
  return needed.some(({ text }) => isOpen(text)) ? 'NEEDS_NODE' : undefined;
}

/** When the control plane inspects a server by itself. */
export type InspectionPlan =
  | { readonly kind: 'none' }
  | { readonly kind: 'now' }
  /** So many milliseconds after the failure that the facts tell of. */
  | { readonly kind: 'later'; readonly delayMs: number };

/** Milliseconds until a refusal is looked at again that the policy of this replica does not make. */
const STALE_REFUSAL_MS = 5 * 60_000;

/**
 * What is to be done about a server, as far as its record tells. That the transport policy refuses
 * a server is found by an inspection that connects to nothing. Replicas whose policies differ
 * contradict each other at most once in `STALE_REFUSAL_MS`.
 */
export function inspectionPlan(
  record: Pick<ServerRecord, 'tier' | 'transportExempt' | 'spec' | 'facts' | 'configHash'>,
  options: { readonly stdio: boolean; readonly policy: TransportPolicy },
): InspectionPlan {
  const { spec, facts, configHash } = record;
  if (!spec.enabled) return { kind: 'none' };
  const refused = refusalPlan(record, options.policy);
  if (refused !== undefined) return refused;
  if (nodeOnlyReason(spec, options) !== undefined) return { kind: 'none' };
  const failure = currentFailure(record);
  if (failure !== undefined) {
    const { reason, nextAttemptTime, failTime } = failure;
    if (reason === 'NEEDS_NODE') return { kind: 'none' };
    if (nextAttemptTime === undefined) return { kind: 'now' };
    return { kind: 'later', delayMs: Math.max(0, nextAttemptTime - failTime) };
  }
  return { kind: facts?.observation?.configHash === configHash ? 'none' : 'now' };
}

/** What is to be done about a server that the policy refuses, or did when it was inspected. */
function refusalPlan(
  record: Parameters<typeof inspectionPlan>[0],
  policy: TransportPolicy,
): InspectionPlan | undefined {
  const failure = currentFailure(record);
  const wasRefused = failure?.reason === 'TRANSPORT_NOT_ALLOWED';
  if (transportRefusal(policy, record) !== undefined) return { kind: wasRefused ? 'none' : 'now' };
  const isStale = wasRefused && failure.nextAttemptTime === undefined;
  return isStale ? { kind: 'later', delayMs: STALE_REFUSAL_MS } : undefined;
}

/** The failure of the present configuration; undefined after a success or a change. */
export function currentFailure({
  facts,
  configHash,
}: Pick<ServerRecord, 'facts' | 'configHash'>): ServerFacts['failure'] {
  return facts?.failure?.configHash === configHash ? facts.failure : undefined;
}

/** Whether OAuth is needed, as far as is known: another configuration may have had another need. */
export function currentOAuthNeed({
  facts,
  configHash,
}: Pick<ServerRecord, 'facts' | 'configHash'>): OAuthNeed | undefined {
  const { observation, failure, oauthNeed } = facts ?? {};
  const isOfNow = failure?.configHash === configHash || observation?.configHash === configHash;
  return isOfNow ? oauthNeed : undefined;
}

/**
 * What is wrong with an APP server whose users have to sign in; undefined for nothing. It may be
 * from before that was refused, or an inspection found what nobody declared. Facts do not change
 * the tier.
 */
export function sharedSignIn(
  server: Pick<ServerRecord, 'tier' | 'spec' | 'facts' | 'configHash'>,
): string | undefined {
  const { tier, spec } = server;
  if (tier !== 'APP' || spec.oauth?.grantType === 'client_credentials') return undefined;
  const declared = userSignIn(spec);
  if (declared !== undefined)
    return `${declared}, so nodes use one connection per user: make the server USER`;
  if (currentOAuthNeed(server) !== 'yes') return undefined;
  return 'the server requires OAuth, but everyone shares its connection: make it USER, or set oauth.grant_type to client_credentials';
}

/** Why nobody connects to a server, as its newest inspection found; undefined for nothing. */
export function foundRefusal(
  server: Pick<ServerRecord, 'facts' | 'configHash'>,
): string | undefined {
  const failure = currentFailure(server);
  return failure?.reason === 'TRANSPORT_NOT_ALLOWED' ? failure.message : undefined;
}

/** When what failed is tried again. Milliseconds; each failure in a row doubles the time. */
export interface RetryPolicy {
  /** After the first failure. Default 5,000. */
  readonly firstMs: number;
  /** At most. Default 15 min. */
  readonly maxMs: number;
  /** As `firstMs`, of servers that refuse us or tell too much, or are where the policy refuses them. Default 5 min. */
  readonly rareFirstMs: number;
  /** As `maxMs`, of those. Default 1 h. */
  readonly rareMaxMs: number;
}

export const RETRY_DEFAULTS: RetryPolicy = Object.freeze({
  firstMs: 5_000,
  maxMs: 15 * 60_000,
  rareFirstMs: 5 * 60_000,
  rareMaxMs: 60 * 60_000,
});

const NEVER = new Set<InspectionFailureReason>(['NEEDS_NODE', 'STDIO_NOT_ALLOWED']);
const RARELY = new Set<InspectionFailureReason>([
  'UNAUTHORIZED',
  'TOO_LARGE',
  'TRANSPORT_NOT_ALLOWED',
]);

/**
 * Milliseconds until the next try after so many failures; undefined if there is none.
 * `random`, from 0 to 1, decides about half of it, so that servers which failed together
 * are not tried together.
 */
export function retryDelayMs(
  policy: RetryPolicy,
  failure: { readonly reason: InspectionFailureReason; readonly attempts: number },
  random: number,
): number | undefined {
  const { reason, attempts } = failure;
  if (NEVER.has(reason)) return undefined;
  const isRare = RARELY.has(reason);
  const [firstMs, maxMs] = isRare
    ? [policy.rareFirstMs, policy.rareMaxMs]
    : [policy.firstMs, policy.maxMs];
  return Math.round(backoffMs({ firstMs, maxMs, jitter: 0.5 }, attempts, random));
}
