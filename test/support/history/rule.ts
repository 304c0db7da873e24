import type { Change } from '../../../src/domain/commit.js';
import type { StoredServer } from '../../../src/domain/server.js';
import type { ReaderView } from '../../../src/domain/view.js';

// The rules of the contract, worked out from its words alone, with nothing of the code that they measure.

/** How a view comes to see a PRIVATE server. */
export interface Claim {
  readonly id: string;
  readonly owned: boolean;
  /** The lowest revision of a grant to one of the view's subjects; 0 for the owner. */
  readonly since: number;
}

/** What a server is after a change; undefined if it is deleted. */
export function serverAfter(
  before: StoredServer | undefined,
  { after, access }: Change,
): StoredServer | undefined {
  if (after === undefined) return undefined;
  const grants = new Map((before?.grants ?? []).map((grant) => [grant.subject, grant]));
  for (const { subject } of access?.revoked ?? []) grants.delete(subject);
  for (const grant of access?.granted ?? []) grants.set(grant.subject, grant);
  const sorted = [...grants.keys()].sort().flatMap((subject) => grants.get(subject) ?? []);
  return { record: after, grants: sorted };
}

/** The server that each name means in a view. */
export function seenIn(
  servers: readonly StoredServer[],
  view: ReaderView,
): readonly StoredServer[] {
  const named = new Map<string, StoredServer[]>();
  for (const server of servers) {
    const { name } = server.record;
    named.set(name, [...(named.get(name) ?? []), server]);
  }
  return [...named.values()].flatMap((candidates) => meantBy(candidates, view) ?? []);
}

function meantBy(named: readonly StoredServer[], view: ReaderView): StoredServer | undefined {
  const shared = named.find(({ record }) => record.tier !== 'PRIVATE');
  if (view.kind === 'app') return shared?.record.tier === 'APP' ? shared : undefined;
  if (shared !== undefined) return shared;
  const first = firstOf(named.flatMap((server) => claimOf(server, view)));
  return named.find(({ record }) => record.id === first?.id);
}

/** The claim of a view on a PRIVATE server: one, or none. */
export function claimOf({ record, grants }: StoredServer, view: ReaderView): readonly Claim[] {
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

/** The claim to which a name goes. */
export function firstOf(claims: readonly Claim[]): Claim | undefined {
  return claims.reduce<Claim | undefined>((a, b) => (a && beats(a, b) ? a : b), undefined);
}

/** Whether the first of two claims on one name wins: owned, then granted first, then the smaller id. */
export function beats(a: Claim, b: Claim): boolean {
  if (a.owned !== b.owned) return a.owned;
  return a.owned || a.since === b.since ? a.id < b.id : a.since < b.since;
}
