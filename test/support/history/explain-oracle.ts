import type { StoredServer } from '../../../src/domain/server.js';
import type { ReaderView } from '../../../src/domain/view.js';
import { claimOf, firstOf, type Claim } from './rule.js';

/** What an explanation says of one server. */
interface Told {
  readonly id: string;
  readonly verdict: string;
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
  const first = firstOf(claims);
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
