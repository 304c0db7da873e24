import { sightOf, subjectSights, type SubjectSight } from './resolve.js';
import { isShared, type StoredServer, type Tier, type Tombstone } from './server.js';
import { transportRefusal, type TransportPolicy } from './transport-policy.js';
import { subjectsOf, type View } from './view.js';

/** What became of a server that has or had a name, in one view. */
export type Verdict =
  | 'wins'
  | 'shadowed_by_shared'
  | 'shadowed_by_owned'
  | 'shadowed_by_earlier_grant'
  | 'not_for_app'
  | 'not_granted'
  | 'deleted'
  /** The inventory resolves no names. */
  | 'untold';

/** One server that has or had the name. */
export interface AccessCandidate {
  readonly id: string;
  readonly tier: Tier;
  readonly owner?: string;
  readonly verdict: Verdict;
  /** Why, in a sentence. */
  readonly explanation: string;
  readonly disabled: boolean;
  /** That last changed the record or its grants, or deleted it. */
  readonly revision: number;
  readonly sights: readonly SubjectSight[];
  /** Why nobody may connect to it; undefined if somebody may. */
  readonly transportRefusal?: string;
}

/** All that has or had a name, of one state. */
export interface NamedServers {
  /** Those that the view sees, as `rankNamed` orders them. */
  readonly ranked: readonly StoredServer[];
  readonly unseen: readonly StoredServer[];
  readonly deleted: readonly Tombstone[];
}

export interface Explanation {
  readonly winner: StoredServer | undefined;
  /** The answer in a sentence. */
  readonly explanation: string;
  /** The winner, those that lost in their order, those not seen, those deleted. */
  readonly candidates: readonly AccessCandidate[];
}

/** Why a name resolves in the view to what it does. The order of `ranked` is the rule's. */
export function explain(name: string, view: View, servers: NamedServers): Explanation {
  const { ranked, unseen, deleted } = servers;
  const [winner, ...losers] = ranked;
  const won = winner && winning(winner, view);
  return {
    winner,
    explanation: wholeSentence(name, view, { won, others: unseen.length }),
    candidates: [
      ...(won === undefined ? [] : [won]),
      ...(winner === undefined ? [] : losers.map((loser) => losing(loser, winner, view))),
      ...unseen.map((server) => notSeen(server, view)),
      ...deleted.map(gone),
    ],
  };
}

/** The same, with why nobody may connect to those that the transport policy refuses. */
export function withTransport(
  explained: Explanation,
  { ranked, unseen }: NamedServers,
  policy: TransportPolicy,
): Explanation {
  const refusals = new Map(
    [...ranked, ...unseen].map(({ record }) => [record.id, transportRefusal(policy, record)]),
  );
  const refusal = refusals.get(explained.winner?.record.id ?? '');
  return {
    winner: explained.winner,
    explanation:
      refusal === undefined
        ? explained.explanation
        : `${explained.explanation} But nobody may connect to it: ${refusal.message}.`,
    candidates: explained.candidates.map((candidate) => {
      const refused = refusals.get(candidate.id);
      return refused === undefined
        ? candidate
        : { ...candidate, transportRefusal: refused.message };
    }),
  };
}

function wholeSentence(
  name: string,
  view: View,
  { won, others }: { readonly won: AccessCandidate | undefined; readonly others: number },
): string {
  const quoted = JSON.stringify(name);
  if (view.kind === 'inventory') return `The inventory view resolves no names, so not ${quoted}.`;
  if (won !== undefined)
    return `${quoted} is the ${won.tier} server ${won.id} for ${viewer(view)}: ${won.explanation}`;
  const rest = others === 0 ? 'none has it' : 'the servers that have it are outside the view';
  return `${quoted} is not a server for ${viewer(view)}: ${rest}.`;
}

function viewer(view: View): string {
  return view.kind === 'user' ? subjectsOf(view).join(', ') : 'the app view';
}

function winning(server: StoredServer, view: View): AccessCandidate {
  return candidate(server, view, { verdict: 'wins', why: whyFirst(server, view) });
}

function whyFirst(server: StoredServer, view: View): string {
  if (isShared(server.record))
    return 'A shared server takes precedence over all others of its name.';
  const sight = sightOf(server, view);
  if (sight?.owned === true) return 'The user owns it, and no shared server has the name.';
  return `${grantOf(server, view)}, none of the name earlier; none is shared or the user's own.`;
}

function losing(server: StoredServer, winner: StoredServer, view: View): AccessCandidate {
  const { id } = winner.record;
  if (isShared(winner.record)) {
    const why = `The shared server ${id} takes precedence.`;
    return candidate(server, view, { verdict: 'shadowed_by_shared', why });
  }
  if (sightOf(winner, view)?.owned === true) {
    const why = `The user's own server ${id} takes precedence.`;
    return candidate(server, view, { verdict: 'shadowed_by_owned', why });
  }
  const [first, own] = [sightOf(winner, view), sightOf(server, view)];
  const atOnce = first?.grantRevision === own?.grantRevision;
  const rule = atOnce ? 'at the same revision, and has the smaller id' : 'earlier';
  const why = `${grantOf(server, view)}; ${id} was granted ${rule}.`;
  return candidate(server, view, { verdict: 'shadowed_by_earlier_grant', why });
}

function notSeen(server: StoredServer, view: View): AccessCandidate {
  if (view.kind === 'inventory')
    return candidate(server, view, { verdict: 'untold', why: 'It has the name.' });
  if (view.kind === 'app') {
    const why = `The app view sees servers of tier APP only; this one is ${server.record.tier}.`;
    return candidate(server, view, { verdict: 'not_for_app', why });
  }
  const why = 'The user does not own it, and has no grant, directly or through a group.';
  return candidate(server, view, { verdict: 'not_granted', why });
}

function gone({ id, tier, owner, revision }: Tombstone): AccessCandidate {
  return {
    id,
    tier,
    verdict: 'deleted',
    disabled: false,
    revision,
    sights: [],
    ...(owner === undefined ? {} : { owner }),
    explanation: `It was deleted at revision ${String(revision)}.`,
  };
}

/** The earliest grant by which the view sees it: the beginning of a sentence. */
function grantOf(server: StoredServer, view: View): string {
  const revision = sightOf(server, view)?.grantRevision;
  const by = subjectSights(server, view).find((sight) => sight.revision === revision);
  return `Granted to ${by?.subject ?? 'nobody'} at revision ${String(revision)}`;
}

function candidate(
  server: StoredServer,
  view: View,
  { verdict, why }: { readonly verdict: Verdict; readonly why: string },
): AccessCandidate {
  const { id, tier, owner, revision, spec } = server.record;
  const takesName = verdict === 'wins' && !spec.enabled;
  return {
    id,
    tier,
    verdict,
    disabled: !spec.enabled,
    revision,
    ...(owner === undefined ? {} : { owner }),
    explanation: takesName ? `${why} It is disabled, but still takes the name.` : why,
    sights: subjectSights(server, view),
  };
}
