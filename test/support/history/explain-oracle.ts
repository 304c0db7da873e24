import type { StoredServer } from '../../../src/domain/server.js';
import type { ReaderView } from '../../../src/domain/view.js';

/** What an explanation says of one server. */
interface Told {
  readonly id: string;
  readonly verdict: string;
}

/** How the view comes to see a PRIVATE server, worked out from the words of the rule alone. */
interface Claim {
  readonly id: string;
  readonly owned: boolean;
  readonly since: number;
}

/**
 * What is not true of the verdicts on the servers of one name; empty if all is. Works from
 * the records and the words of the contract, with nothing of the code that explains.
 */
export function whyNot(
  told: readonly Told[],
  servers: readonly StoredServer[],
  view: ReaderView,
): readonly string[] {
  const shared = servers.find(({ record }) => record.tier !== 'PRIVATE');
  const claims = servers.flatMap((server) => claimOf(server, view));
  const first = claims.reduce<Claim | undefined>((a, b) => (a && beats(a, b) ? a : b), undefined);
  return told.flatMap(({ id, verdict }) => {
    const server = servers.find(({ record }) => record.id === id);
    const due = server && dueVerdict(server, { view, shared, claims, first });
    return due === verdict ? [] : [`${id} is ${verdict}, and should be ${String(due)}`];
  });
}

interface Facts {
  readonly view: ReaderView;
  readonly shared: StoredServer | undefined;
  readonly claims: readonly Claim[];
  readonly first: Claim | undefined;
}

function dueVerdict({ record }: StoredServer, { view, shared, claims, first }: Facts): string {
  if (view.kind === 'app') return record.tier === 'APP' ? 'wins' : 'not_for_app';
  if (record.tier !== 'PRIVATE') return 'wins';
  const claim = claims.find(({ id }) => id === record.id);
  if (claim === undefined) return 'not_granted';
  if (shared !== undefined) return 'shadowed_by_shared';
  if (first?.id === record.id) return 'wins';
  return first?.owned === true ? 'shadowed_by_owned' : 'shadowed_by_earlier_grant';
}

function claimOf({ record, grants }: StoredServer, view: ReaderView): readonly Claim[] {
  if (view.kind === 'app' || record.tier !== 'PRIVATE') return [];
  const { id } = record;
  if (record.owner === view.user) return [{ id, owned: true, since: 0 }];
  const mine = grants.filter(
    ({ subject }) =>
      subject === `user:${view.user}` || view.groups.some((group) => subject === `group:${group}`),
  );
  if (mine.length === 0) return [];
  return [{ id, owned: false, since: Math.min(...mine.map(({ revision }) => revision)) }];
}

function beats(a: Claim, b: Claim): boolean {
  if (a.owned || b.owned) return a.owned;
  return a.since === b.since ? a.id < b.id : a.since < b.since;
}
