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
    "A change of one user's server overwrites the server of the same name that another user has.",
    'A server is its id. Writes name an id and its etag (R2), never a name; names are looked up per view.',
  ],
  [
    'An access list for the server of one user takes the server of that name away from another user.',
    'Access is a list on one record, changed by its id and by differences (P4).',
  ],
  [
    "A change of a private server rewrites the operator's shared server of that name.",
    'A shared and a private server of one name are two records. No write crosses from one to the other but a move, which is asked for by that name.',
  ],
  [
    'Wildcards at the front of key patterns reach into the data of another deployment.',
    'Each deployment has a store of its own. Keys are exact and begin with the tenant; nothing is found by a pattern (F5).',
  ],
  [
    'A server name with a wildcard in it changes other servers.',
    'Names are data: keys are lists of texts, encoded so that none is the beginning or the pattern of another.',
  ],
  [
    'A revoke comes undone when a load that began before it is written after it.',
    'A load is published by one commit, which is refused if anything that it gives, takes or changes has moved since it began; then the source is asked again (L3, P22).',
  ],
  [
    'In the same way a load in progress puts an old configuration back.',
    'The same condition covers what a load changes, and a newer load that changed nothing (P22, P23).',
  ],
  [
    'If the store fails while it is searched for those concerned, nobody counts as concerned, and the call succeeds.',
    'What cannot be read is an error, and nothing is written: "unknown" is never taken for "nobody".',
  ],
  [
    'The open connection of a user who lost access stays open.',
    'The loss is told to every node that follows the user (W9), and its pool closes the connection as it applies it (C2).',
  ],
  [
    'A grant to a user whose load found no servers is dropped.',
    'A grant is written on the server, not into a cache of the user. That a user is loaded is a record of its own, with or without servers (L5).',
  ],
  [
    'A grant to a user who lost the only server before is dropped.',
    'The same: nothing asks whether the user has anything.',
  ],
  [
    'Demoting a server that was promoted reaches none of those named; demoting a private one takes it from everybody.',
    'A demotion writes owner and access list with the record, in one commit (R5). It is refused for what is private already.',
  ],
  [
    'A promotion that was interrupted can be neither completed nor repeated.',
    'A move is one commit, so there is no half of it (R5); repeated with its request id it has the answer of the first (R3).',
  ],
  [
    'During a move or a change there are moments at which the server is nowhere.',
    'Old and new state change in one commit, which readers and watchers see whole (R5, W4).',
  ],
  [
    'A change of a promoted server is not applied to the copy that users see.',
    'There are no copies. A promoted server has the id that it had, in whichever tier it is.',
  ],
  [
    'A server that changed its tier is in both; removed from one, it comes back from the other.',
    'The tier is a field of the one record. What is deleted is gone from every view, and leaves a tombstone (P2).',
  ],
  [
    'Who outlives its lock releases the lock of the next one.',
    'A lease ends with the work that it was taken for and can release no other. No result depends on it: a load without a lease is stopped by the condition of its commit (L1, P22).',
  ],
  [
    'A lock ends during a load that takes long, and two loads of one user mix.',
    'A load is one commit (L2); of two at once the older one is thrown away (L1).',
  ],
  [
    'Who waits for a load gives up after a fixed time that is shorter than the load.',
    'Each reader waits until its own deadline, and its giving up ends neither the load nor the waiting of others.',
  ],
  [
    'An error of the store looks like a lock that somebody holds; an error at the release hides the first one.',
    'That leases cannot be had is an outcome of its own: the load is made without one, and the log says so. The error of the work is the one that is thrown.',
  ],
  [
    'Who waits for a load that failed does not hear of it.',
    'All who wait get the failure at once, with a time before which nobody tries again (L4, P26).',
  ],
  [
    'Kept in memory, loads have no lock at all, and two at once fail.',
    'Leases are a contract with one suite for every engine; at one replica a user has one load, whatever the leases are (L1).',
  ],
  [
    'A reload empties the set before it fills it, and makes every connection of the user look outdated.',
    'A load is a set of differences in one commit (L2). What is the same again moves no etag and no config hash, so nobody reconnects (P23, R4).',
  ],
  [
    'The mark that a user is loaded and the servers of the user expire independently of each other.',
    'Both are records of the same log and change in the same commit (L5). Only the age of a load expires, and then it is made again behind what is there (P25).',
  ],
  [
    'Initialising again wipes the servers of users and leaves the marks that say that they are loaded.',
    'A start wipes nothing. A file that is applied again changes only servers of its own source.',
  ],
  [
    "A change made directly in the application's database is invisible for an hour.",
    'InvalidateUser says that it changed, and streams follow; without that, a load is made again after 80 % of its time, also where nobody reads (P25).',
  ],
  [
    'A grant that carries a newer configuration gives it to new holders only.',
    'A grant carries no configuration. All who see a server see the same record.',
  ],
  [
    'Reading for a user marks the user as loaded, and uses memory for good.',
    'A read writes nothing but a load of its own; what a replica keeps in memory for users is bounded, and can be made again.',
  ],
  [
    'Every change of access and every list walks through all keys of the store.',
    'Lists are answered from memory by an index of subjects; a write reads what it names. Neither costs more because there are more servers.',
  ],
  [
    'For each user who was ever read there is an object that listens to the store and is never freed.',
    'One view of a tenant serves all its users; those used least recently are dropped from it.',
  ],
  [
    'Names with a colon vanish from lists, and are mistaken for user ids.',
    'No text is put together with another by a separator that could be in it.',
  ],
  [
    'In a cluster, a batch is many single writes, of which some may fail.',
    'A batch is one document at one key: it has its place in the log, or nothing of it is there (P1, P12).',
  ],
  [
    'There is no version, no condition, no history: of two who edit at once the last one wins in silence.',
    'Etags (R2), versions with actor and reason, tombstones (P2).',
  ],
  [
    'Access is modelled as one copy per user, and groups have to be spelled out.',
    'A server is stored once, with its grants to users and groups; a stream carries it once, however many of its users see it.',
  ],
  [
    'When all marks expire at once, every request of every user asks the database.',
    'One load per user at a time, a limit for each source, ages spread by chance after a start, and a delay after a failure (L1, P25, P26).',
  ],
  [
    'Nothing is checked in any flow, and what is promoted is not inspected.',
    'Every way in goes through the same checks, with the path of the field (R6); rows of a source too, each by itself. A promoted server is inspected as any other.',
  ],
  [
    'Other nodes hear of nothing; lists of tools outlive the configuration that they came from.',
    'Every change is sent to every stream that may see it (W3, W9); facts name the config hash that they were observed at.',
  ],
  [
    'Nobody can ask how far a load or a move has come, or what failed.',
    'GetPrivateLoadStatus tells state, failure, next try and each refused row; moves are in the history.',
  ],
];

export const DEFECTS: readonly Defect[] = sentences.map(([sentence, how], index) => ({
  id: `D${String(index + 1)}`,
  sentence,
  how,
}));
