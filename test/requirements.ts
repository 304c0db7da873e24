/**
 * What Switchboard promises, as data. Tests cite ids in their titles (`[W3]`, `[R3, P12]`); the gate in
 * checks/promises.test.ts fails on a promise of `now` that no test cites and on a cited id that is not here.
 * docs/guarantees.md is made from this list.
 */
export interface Promised {
  readonly id: string;
  readonly sentence: string;
  /** `later`: promised by a part that is not built yet; no test is demanded. */
  readonly when: 'now' | 'later';
}

type Sentences = Readonly<Record<string, string>>;

const readsAndWrites: Sentences = {
  R1: 'An acknowledged write is durable, and visible wherever its token is given as `at_least`.',
  R2: 'Every write of what people declare is create-if-absent or compare-and-set; a lost race is ABORTED with the current etag.',
  R3: 'Repeating a committed write with its `request_id` has the effect and the answer of the first; a failed write says whether it was written.',
  R4: 'A write that changes nothing effective makes no commit, no event and no reconnect.',
  R5: 'A change of several things is seen before or after, never in part.',
  R6: '`validate_only` runs every check, tells who is affected, and changes nothing.',
  R7: 'What a caller may not see answers exactly like what does not exist.',
};

const watching: Sentences = {
  W1: 'Changes arrive in the order of their revisions.',
  W2: 'No change arrives twice.',
  W3: 'No change is missing, unless the stream said RESET.',
  W4: 'The changes of one commit are applied in one step, also when they come in several frames.',
  W5: 'Without a token a watch starts with the whole view at one revision, then SYNCED, then only newer changes.',
  W6: 'A progress token means that everything up to it was delivered before it.',
  W7: 'A watch resumes from a token within the retained history, on any replica and across restarts.',
  W8: 'A token that does not continue gets RESET with its reason, and the state; never a silent resume.',
  W9: 'Gaining sight of a server arrives as ADDED with content, losing it as REMOVED without; nothing after a revoke reaches the revoked.',
  W10: 'Something is sent at least every heartbeat interval, with the newest known revision and the upstream state.',
  W11: 'A replica that cannot confirm the history of a tenant says DEGRADED there, and after a minute ends the streams of that tenant; a client knows that it is stale.',
  W12: 'A watcher that lags beyond its budget is reset or cut; no writer and no other watcher is slowed, memory stays bounded.',
  W13: 'A watch lives no longer than the credential that opened it.',
  W14: 'After a reset a watcher holds what a list at that revision answers, and unchanged configurations cause no reconnect.',
};

const privateLoads: Sentences = {
  L1: 'For one user one load runs at a time in the fleet, and an older result never replaces a newer one.',
  L2: 'A load replaces the scope of a user in one step.',
  L3: 'A load that raced with an invalidation or a newer load never undoes it.',
  L4: 'A holder that dies or loses its lease leaves no scope half loaded; those who wait take over or learn of it.',
  L5: 'That a user is loaded is a record in the log; a user without servers is loaded too.',
};

const connections: Sentences = {
  C1: 'One connection per pool key, however many ask at once; one failure reaches all who waited.',
  C2: 'Once a change is applied, no connection built from the old configuration is handed out.',
  C3: 'Replacing a connection because its spec changed fails no call in flight.',
  C4: 'A revoke that is reported as settled is settled: no call is accepted for it anywhere afterwards.',
  C5: 'Asking never connects or disconnects anything.',
  C6: "A connection carries one scope's credentials only; values of a call travel with the call.",
  C7: 'One broken server never hides or delays another.',
  C8: 'What a lookup hands out cannot be changed, at any depth: no caller sends another one elsewhere.',
  C9: 'A call leaves nothing behind on the connection that it used.',
};

const faults: Sentences = {
  F1: 'Kill -9 of any process at any point loses no acknowledged write and needs no repair by hand.',
  F2: 'Redis lost, emptied or restored from an old dump loses and reuses no revision.',
  F3: 'With the Catalog unreachable, views go on within their grace and say so; nothing answers "empty" for "unknown".',
  F4: 'Wrong clocks change no order, no decision about staleness, no load and no fence.',
  F5: 'Two deployments on one Redis or one MongoDB never touch the data of each other.',
  F6: 'A client with a snapshot on disk starts while the control plane is down, and says how old its view is.',
};

/** The rules of the log, the views and the loads; docs/architecture.md explains them. */
const protocol: readonly string[] = [
  'A log document is keyed by its first revision, so two writers at one head collide whatever their batch sizes.',
  'Compaction empties documents and keeps their keys; tombstones keep id and revision for good.',
  'Compaction never passes the watermark of the projections, the request-id window, or the configured number of commits.',
  'A change holds the record before and after and access as differences; a retained subject keeps the revision of its grant.',
  'A commit or batch above 8 MB is refused, typed, on every engine.',
  '`last_updated_at` is strictly greater than before, whatever the clock says.',
  'Node sessions are documents outside the log.',
  'A cold read replays the log from its watermark to the confirmed head before the subject joins the View.',
  'A View belongs to one epoch and one revision, and moves by whole commits in order.',
  'A page token whose revision is no longer held is ABORTED; inventory pages go by id.',
  'A decision is pure, at the revision after which it appends; refusals and no-ops wait for the confirmed head.',
  "Answers go out after the append; a duplicate key with one's own batch id is success; NOT_WRITTEN only when that is certain.",
  'A request id is of a tenant and a principal; with another body it is refused; refusals and no-ops are decided anew; a repeated apply completes what it began and nothing that came later.',
  'GrantAccess, RevokeAccess, InvalidateUser, PurgeUser and RecordFacts need no etag.',
  'Losing a slot is no conflict, and a committer that lost several times gets its turn.',
  'A token that does not fit epoch, fingerprint, view or retained range is RESET; `at_least` of another epoch is EPOCH_CHANGED.',
  "Replay filters by the access of each commit's own revision.",
  "A change of a user's groups replaces the subscription in one step, as one difference.",
  'Frames shared by many streams carry nothing of one stream; the last frame closes a commit.',
  'A new subscription gets its snapshot between two commits, and is invisible until its SYNCED.',
  'The budget of a stream counts neither a snapshot in progress nor a single commit; repeated resets end in RESOURCE_EXHAUSTED.',
  'A load is published in one commit that demands the load record, the user’s own grants and what it changes unchanged since it began.',
  'Every completed load is a commit of its load record, silent when nothing else changed.',
  'A load gives and takes only the sight of its own user, and deletes only what that user owns.',
  "The age of a load counts on each replica's monotonic clock since it saw the load's commit.",
  'A failed load tells all waiters a time before which nobody tries again; `force` accepts only a load begun after it.',
  'Purging a user includes the servers of a source, and blocks loads until one is forced.',
  "A source's server is promoted by copy; the original stays and is shadowed.",
  'Every replica asks the Catalog once a second for the next document of its tenants in use.',
  'A relayed commit is applied only if epoch and previous fingerprint fit.',
  'One stream per shard, one reader per shard; replicas that disagree on the number refuse to start.',
  'The config hash includes the connection scope.',
  'A call on a retired connection ends by its own time-out or the drain limit, with a typed error.',
  'Grace ends when the monotonic or the wall clock says so; before its first confirmation a node lends APP only.',
  'A node is recorded before its first record is sent; nodes that cannot be confirmed are listed UNCONFIRMED.',
  'The source of a tenant is in the log; a replica whose configuration names another one says so and loads nothing.',
];

const protocolRules: Sentences = Object.fromEntries(
  protocol.map((sentence, index) => [`P${String(index + 1)}`, sentence]),
);

const later = new Set(
  ['W13', 'C4', 'F2', 'F3', 'F4', 'F5', 'F6'].concat(['P15'], range('P', 29, 31), ['P34', 'P35']),
);

function range(letter: string, first: number, last: number): string[] {
  return Array.from(
    { length: last - first + 1 },
    (_, index) => `${letter}${String(first + index)}`,
  );
}

export interface Chapter {
  readonly title: string;
  readonly promises: readonly Promised[];
}

function chapter(title: string, sentences: Sentences): Chapter {
  const promises = Object.entries(sentences).map(([id, sentence]): Promised => ({
    id,
    sentence,
    when: later.has(id) ? 'later' : 'now',
  }));
  return { title, promises };
}

export const CHAPTERS: readonly Chapter[] = [
  chapter('Reads and writes', readsAndWrites),
  chapter('Watch', watching),
  chapter('Private loads', privateLoads),
  chapter('Connections', connections),
  chapter('Faults', faults),
  chapter('Protocol rules', protocolRules),
];

export const REQUIREMENTS: readonly Promised[] = CHAPTERS.flatMap((each) => each.promises);
