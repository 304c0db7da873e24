/**
 * What is known to go wrong in a registry that keeps copies by name in a shared cache, as data. Tests that show
 * that it does not go wrong here cite the ids in their titles (`[D6]`); the gate in checks/promises.test.ts
 * fails on a defect that has neither a test nor a reason. docs/prior-art-defects.md is made from this list.
 */
export interface Defect {
  readonly id: string;
  /** What goes wrong there. */
  readonly sentence: string;
  /** What makes it impossible here, or how it is dealt with. Ids are those of promises and rules. */
  readonly how: string;
  /** Why a test would make no sense; in the place of tests. */
  readonly reason?: string;
}

const sentences: readonly (readonly [sentence: string, how: string])[] = [
  [
    "A change to one user's server overwrites another user's server of the same name.",
    'A server is identified by its id. Writes name an id and its etag (R2), never a name; names are resolved per view.',
  ],
  [
    "Setting the access list of one user's server takes the server of that name away from another user.",
    'Access is a list on one record, changed by id and as a difference (P4).',
  ],
  [
    "A change to a private server overwrites the operator's shared server of that name.",
    'A shared and a private server of one name are two records. Only a move, requested explicitly, crosses from one to the other.',
  ],
  [
    'Leading wildcards in key patterns match the data of another deployment.',
    'Each deployment has its own store. Keys are exact and start with the tenant; nothing is looked up by pattern (F5).',
  ],
  [
    'A server name that contains a wildcard changes other servers.',
    'Names are data: keys are lists of strings, encoded so that none is a prefix or a pattern of another.',
  ],
  [
    'A revoke is undone when a load that started before it is written after it.',
    'A load is published in one commit, which fails if anything that it grants, revokes or changes has changed since it began; the source is then queried again (L3, P22).',
  ],
  [
    'In the same way, a load in progress restores an old configuration.',
    'The same condition covers the servers that a load changes, and a newer load that changed nothing (P22, P23).',
  ],
  [
    'If the store fails while it is searched for affected users, none are considered affected, and the call succeeds.',
    'A failed read is an error, and nothing is written: "unknown" is never taken for "nobody".',
  ],
  [
    'The open connection of a user who lost access stays open.',
    'Every node that follows the user is notified (W9), and its pool closes the connection when it applies the change (C2).',
  ],
  [
    'A grant to a user whose load found no servers is dropped.',
    'A grant is stored with the server, not in a cache of the user. A separate record marks a user as loaded, with or without servers (L5).',
  ],
  [
    'A grant to a user who has just lost the only server is dropped.',
    'As above: nothing depends on whether the user has any servers.',
  ],
  [
    'Demoting a promoted server reaches none of the named users; demoting a private one takes it away from everyone.',
    'A demotion writes owner and access list with the record, in one commit (R5). It is refused for a server that is already private.',
  ],
  [
    'An interrupted promotion can be neither completed nor retried.',
    'A move is one commit, so it is never half done (R5); a retry with the same request id returns the first response (R3).',
  ],
  [
    'During a move or a change, the server is missing for a moment.',
    'Old and new state are replaced in one commit, which readers and watchers see as a whole (R5, W4).',
  ],
  [
    'A change to a promoted server is not applied to the copy that users see.',
    'There are no copies. A server keeps its id in every tier.',
  ],
  [
    'A server that changed its tier exists in both; removed from one, it comes back from the other.',
    'The tier is a field of the one record. A deleted server is gone from every view, and leaves a tombstone (P2).',
  ],
  [
    'A holder whose lock has expired releases the lock of the next holder.',
    'A lease ends with the work that it was taken for and cannot release another. Correctness does not depend on it: the commit condition stops a load without a lease (L1, P22).',
  ],
  [
    'A lock expires during a long load, and two loads of one user interleave.',
    'A load is one commit (L2); of two concurrent loads, the older one is dropped (L1).',
  ],
  [
    'A reader that waits for a load gives up after a fixed time that is shorter than the load.',
    'Each reader waits until its own deadline; when it gives up, neither the load nor other waiters are affected.',
  ],
  [
    'A store error looks like a held lock; an error on release hides the original one.',
    'Unavailable leases are an outcome of their own: the load runs without one, and the log says so. The error of the work itself is the one thrown.',
  ],
  [
    'Readers that wait for a failed load are not notified.',
    'All waiters get the failure at once, with a time before which nobody retries (L4, P26).',
  ],
  [
    'In memory mode, loads have no lock at all, and two concurrent ones fail.',
    'Leases are a contract with one test suite for every engine; within a replica, a user has at most one load, whatever the leases do (L1).',
  ],
  [
    'A reload clears the set before it fills it, and makes every connection of the user look stale.',
    'A load is a set of differences in one commit (L2). Unchanged servers keep their etag and config hash, so nobody reconnects (P23, R4).',
  ],
  [
    "The flag that a user is loaded and the user's servers expire independently of each other.",
    'Both are records of the same log and change in the same commit (L5). Only the age of a load expires, and it is then reloaded in the background (P25).',
  ],
  [
    'Initializing again wipes the servers of users but keeps the flags that they are loaded.',
    'A restart wipes nothing. Applying a file again changes only the servers of its own set.',
  ],
  [
    "A change made directly in the application's database is invisible for an hour.",
    'InvalidateUser signals the change, and streams follow; without it, a load is refreshed after 80 % of its time, even if nobody reads (P25).',
  ],
  [
    'A grant that carries a newer configuration applies it to new holders only.',
    'A grant carries no configuration. Everyone who sees a server sees the same record.',
  ],
  [
    'Reading for a user marks the user as loaded, and uses memory forever.',
    'A read writes nothing but its own load; the memory that a replica uses for users is bounded, and can be rebuilt.',
  ],
  [
    'Every access change and every list scans all keys of the store.',
    'Lists are served from memory with an index of subjects; a write reads only what it names. Neither costs more as the number of servers grows.',
  ],
  [
    'Each user ever read leaves an object that listens to the store and is never freed.',
    'One state per tenant serves all its users; the least recently used ones are evicted from it.',
  ],
  [
    'Names with a colon vanish from lists, and are mistaken for user ids.',
    'Strings are never joined with a separator that could occur in them.',
  ],
  [
    'In a cluster, a batch is many single writes, some of which may fail.',
    'A batch is one document at one key: it is in the log as a whole or not at all (P1, P12).',
  ],
  [
    'There are no versions, no conditions, no history: of two concurrent edits, the last one silently wins.',
    'Etags (R2), versions with actor and reason, tombstones (P2).',
  ],
  [
    'Access is modeled as one copy per user, and groups must be expanded.',
    'A server is stored once, with its grants to users and groups; a stream carries it once, regardless of how many of its users see it.',
  ],
  [
    'When all flags expire at once, every request of every user queries the database.',
    'One load per user at a time, a limit per source, randomized ages after a start, and a delay after a failure (L1, P25, P26).',
  ],
  [
    'Nothing is validated in any flow, and a promoted server is not inspected.',
    'Every input passes the same validation, with the path of the field in errors (R6); rows of a source too, one by one. A promoted server is inspected like any other.',
  ],
  [
    'Other nodes are not notified; tool lists outlive the configuration that they came from.',
    'Every change is sent to every stream that may see it (W3, W9); facts name the config hash for which they were observed.',
  ],
  [
    'The progress and failures of a load or a move cannot be queried.',
    'GetPrivateLoadStatus returns state, failure, next attempt and each skipped row; moves are in the history.',
  ],
];

export const DEFECTS: readonly Defect[] = sentences.map(([sentence, how], index) => ({
  id: `D${String(index + 1)}`,
  sentence,
  how,
}));
