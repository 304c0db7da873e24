import * as message from '../../generated/switchboard/v1/registry_service.js';
import type { AccessCandidate, Explanation } from '../domain/explain.js';
import type { Subject, View } from '../domain/view.js';
import { keyOf } from './key-of.js';
import { tenantOf } from './node-messages.js';
import type { Read } from './registry-codec.js';
import { fromTier, toTierMessage } from './server-codec.js';
import { fromViewMessage, toHeaderMessage, type HeaderFacts } from './view-codec.js';

const VERDICTS = {
  untold: message.AccessCandidate_Verdict.VERDICT_UNSPECIFIED,
  wins: message.AccessCandidate_Verdict.VERDICT_WINS,
  shadowed_by_shared: message.AccessCandidate_Verdict.VERDICT_SHADOWED_BY_SHARED,
  shadowed_by_owned: message.AccessCandidate_Verdict.VERDICT_SHADOWED_BY_OWNED,
  shadowed_by_earlier_grant: message.AccessCandidate_Verdict.VERDICT_SHADOWED_BY_EARLIER_GRANT,
  not_for_app: message.AccessCandidate_Verdict.VERDICT_NOT_FOR_APP,
  not_granted: message.AccessCandidate_Verdict.VERDICT_NOT_GRANTED,
  deleted: message.AccessCandidate_Verdict.VERDICT_DELETED,
} as const satisfies Record<AccessCandidate['verdict'], message.AccessCandidate_Verdict>;

export function fromExplainAccess(
  request: message.ExplainAccessRequest,
): Read<{ view: View; name: string; atLeast: string }> {
  const { view, name, atLeast } = request;
  return {
    tenant: tenantOf(request.tenant),
    query: { view: fromViewMessage(view, 'view'), name, atLeast },
  };
}

export function toExplainAccessResponse(
  header: HeaderFacts,
  access: Explanation & { readonly moreUnseen: boolean; readonly moreDeleted: boolean },
): message.ExplainAccessResponse {
  const { winner, explanation, candidates, moreUnseen, moreDeleted } = access;
  return {
    header: toHeaderMessage(header),
    winnerId: winner?.record.id ?? '',
    explanation,
    candidates: candidates.map(toCandidate),
    moreUnseen,
    moreDeleted,
  };
}

/** Why a name resolves as it does, as the server reports it. */
export type AccessExplanation = Pick<Explanation, 'explanation' | 'candidates'> & {
  readonly moreUnseen: boolean;
  readonly moreDeleted: boolean;
};

/** Reads an explanation that the server sent. Throws INVALID_FIELD if it is none. */
export function fromExplanation(answer: message.ExplainAccessResponse): AccessExplanation {
  const { explanation, candidates, moreUnseen, moreDeleted } = answer;
  return { explanation, candidates: candidates.map(fromCandidate), moreUnseen, moreDeleted };
}

function fromCandidate(candidate: message.AccessCandidate): AccessCandidate {
  const { id, owner, explanation, disabled, revision, sights, transportRefusal } = candidate;
  return {
    id,
    explanation,
    disabled,
    revision,
    ...(owner === '' ? {} : { owner }),
    ...(transportRefusal === '' ? {} : { transportRefusal }),
    tier: fromTier(candidate.tier, 'candidates.tier'),
    verdict: keyOf(VERDICTS, candidate.verdict) ?? 'untold',
    sights: sights.map((sight) => ({ ...sight, subject: sight.subject as Subject })),
  };
}

function toCandidate(candidate: AccessCandidate): message.AccessCandidate {
  const { id, tier, owner = '', verdict, explanation, disabled, revision, sights } = candidate;
  return {
    id,
    owner,
    explanation,
    disabled,
    revision,
    tier: toTierMessage(tier),
    verdict: VERDICTS[verdict],
    sights: sights.map((sight) => ({ ...sight })),
    transportRefusal: candidate.transportRefusal ?? '',
  };
}
