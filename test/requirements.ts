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
  R3: 'Retrying a committed write with its `request_id` has no further effect and returns the first response; a failed write reports whether it was written.',
  R4: 'A no-op write causes no commit, no event and no reconnect.',
  R5: 'A change of several things is visible either entirely or not at all.',
  R6: '`validate_only` runs every check, reports who is affected, and changes nothing.',
  R7: 'A server that the caller may not see is indistinguishable from one that does not exist.',
};

const watching: Sentences = {
  W1: 'Changes arrive in the order of their revisions.',
  W2: 'No change is delivered twice.',
  W3: 'No change is missing, unless the stream sent RESET.',
  W4: 'The changes of one commit are applied in one step, even when they span several frames.',
  W5: 'Without a token a watch starts with the whole view at one revision, then SYNCED, then only newer changes.',
  W6: 'A progress token means that everything up to it has been delivered.',
  W7: 'A watch resumes from a token within the retained history, on any replica and across restarts.',
  W8: 'A token that cannot be resumed gets RESET with a reason, and a snapshot; never a silent resume.',
  W9: 'Gaining access to a server is sent as ADDED with content, losing it as REMOVED without; after a revoke, nothing of the server reaches those who lost access.',
  W10: 'Every heartbeat interval, at least one message is sent, with the newest known revision and the upstream state.',
  W11: 'A replica that cannot confirm the history of a tenant reports DEGRADED for it, and ends the streams of that tenant after a minute; a client knows that it is stale.',
  W12: 'A watcher that lags beyond its budget is reset or disconnected; it slows down no writer and no other watcher, and memory stays bounded.',
  W13: 'A watch does not outlive the credential that opened it.',
  W14: 'After a reset, a watcher holds what a list at that revision returns, and unchanged configurations cause no reconnect.',
};

const privateLoads: Sentences = {
  L1: 'At most one load runs per user across the fleet, and an older result never replaces a newer one.',
  L2: 'A load replaces what was loaded for a user in one step.',
  L3: 'A load that races with an invalidation or a newer load never undoes it.',
  L4: 'A holder that dies or loses its lease leaves no user half loaded; waiters take over or are notified.',
  L5: 'The log records that a user is loaded; a user without servers counts as loaded too.',
};

const connections: Sentences = {
  C1: 'There is one connection per pool key, regardless of concurrent callers; a failure reaches every waiter.',
  C2: 'Once a change is applied, no connection built from the old configuration is lent.',
  C3: 'Replacing a connection because its spec changed fails no call in flight.',
  C4: 'Once a revoke is reported as settled, no node accepts a call for it any more.',
  C5: 'Queries never connect or disconnect anything.',
  C6: 'A connection carries the credentials of one scope only; values of a call travel with the call.',
  C7: 'One broken server never hides or delays another.',
  C8: 'What a lookup returns is immutable at every depth: no caller can redirect the calls of another.',
  C9: 'A call leaves nothing behind on its connection.',
  C10: 'No connection of a private server is made to an address or process that the transport policy refuses.',
};

const faults: Sentences = {
  F1: 'Kill -9 of any process at any point loses no acknowledged write and requires no manual repair.',
  F2: 'Redis lost, emptied or restored from an old dump loses and reuses no revision.',
  F3: 'While the Catalog is unreachable, views are served within their grace period and marked as such; "unknown" is never reported as "empty".',
  F4: 'Wrong clocks affect no order, no staleness decision, no load and no fence.',
  F5: "Two deployments on one Redis or one MongoDB never touch each other's data.",
  F6: 'A client with a snapshot on disk starts while the control plane is down, and reports the age of its view.',
};

/** The rules of the log, the views and the loads; docs/architecture.md explains them. */
const protocol: readonly string[] = [
  'A log document is keyed by its first revision, so two writers at the same head collide regardless of their batch sizes.',
  'Compaction empties documents but keeps their keys; tombstones keep id and revision forever.',
  'Compaction never passes the watermark of the projections, the request-id window, or the configured number of commits.',
  'A change holds the record before and after, and access as a difference; a retained subject keeps the revision of its grant.',
  'Every engine rejects a commit or batch above 8 MB with a typed error.',
  '`last_updated_at` strictly increases, whatever the clock says.',
  'Node sessions are stored outside the log.',
  "A cold read replays the log from its watermark to the confirmed head before the subject joins the replica's state.",
  'The state of a replica belongs to one epoch and one revision, and advances by whole commits in order.',
  'A page token whose revision is no longer held gets ABORTED; inventory pages continue by id.',
  'A decision is a pure function of the revision after which it appends; refusals and no-ops wait for the confirmed head.',
  "Responses are sent after the append; a duplicate key with one's own batch id is success; NOT_WRITTEN is returned only when that is certain.",
  'A request id is scoped to tenant and principal; with a different body it is refused; refusals and no-ops are decided again; a repeated apply completes what it began and leaves later changes alone.',
  'GrantAccess, RevokeAccess, InvalidateUser, PurgeUser and RecordFacts need no etag.',
  'Losing a slot is not a conflict, and a committer that lost several times gets its turn.',
  'A token that does not match epoch, fingerprint, view or retained range gets RESET; `at_least` from another epoch gets EPOCH_CHANGED.',
  "Replay filters by the access at each commit's own revision.",
  "A change of a user's groups replaces the subscription in one step, as a single difference.",
  'Frames shared by many streams carry nothing specific to one stream; the last frame closes a commit.',
  'A new subscription gets its snapshot between two commits, and stays invisible until its SYNCED.',
  'The budget of a stream excludes a snapshot in progress and a single commit; repeated resets end in RESOURCE_EXHAUSTED.',
  "A load is published in one commit, on the condition that the load record, the user's own grants and what it changes are unchanged since it began.",
  'Every completed load commits its load record, silently when nothing else changed.',
  'A load grants and revokes access only for its own user, and deletes only what that user owns.',
  "Each replica measures the age of a load on its monotonic clock, from when it saw the load's commit.",
  'A failed load gives all waiters a time before which nobody retries; `force` accepts only a load that started after the call.',
  'Purging a user includes servers from a source, and blocks loads until one is forced.',
  'A server from a source is promoted by copy; the original stays and is shadowed.',
  'Every replica polls the Catalog once a second for the next document of its tenants in use.',
  'A relayed commit is applied only if epoch and previous fingerprint match.',
  'One stream per shard, one reader per shard; replicas that disagree on the number refuse to start.',
  'The config hash includes the connection scope.',
  'A call on a retired connection ends by its own timeout or the drain limit, with a typed error.',
  'Grace ends by the monotonic or the wall clock, whichever is first; before its first confirmation a node lends APP connections only.',
  'A node is recorded before its first record is sent; nodes that cannot be confirmed are listed UNCONFIRMED.',
  'The source of a tenant is in the log; a replica that is configured with another one reports it and loads nothing.',
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
