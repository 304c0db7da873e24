import { digestText } from '../../../src/domain/digest.js';
import type { Change, CommitDraft } from '../../../src/domain/commit.js';
import type { LoadChange, LoadRecord } from '../../../src/domain/load-record.js';
import type { Grant, ServerRecord, StoredServer } from '../../../src/domain/server.js';
import type { Subject } from '../../../src/domain/view.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { loadChange, loadOf } from '../loads/loads.js';
import type { Random } from '../random.js';
import { batchOf, changeOf, draftOf, recordOf } from '../storage/builders.js';

const NAMES = ['files', 'mail', 'search', 'web'];
const USERS = ['ana', 'bob', 'zoe'];
const SUBJECTS: readonly Subject[] = ['user:ana', 'user:bob', 'user:zoe', 'group:dev', 'group:ops'];

/** What random commits are made of: the state before them, and choices. */
export interface RandomHistory {
  readonly servers: readonly StoredServer[];
  /** By user. */
  readonly loads: ReadonlyMap<string, LoadRecord>;
  readonly random: Random;
}

/**
 * Appends one random commit that a log could have: everything that services do today, and
 * what they will do (moves between PRIVATE and shared, several servers in one commit),
 * some of them with load records, some with nothing else. Answers whether it was appended.
 */
export async function appendRandom(
  catalog: Catalog,
  tenant: string,
  { servers, loads: held, random }: RandomHistory,
): Promise<boolean> {
  const after = await catalog.log.head(tenant);
  const state = new Map(servers.map((server) => [server.record.id, server]));
  const changes: Change[] = [];
  const loads = random.oneIn(3) ? randomLoads(held, random, after.revision + 1) : [];
  const count = loads.length > 0 && random.oneIn(2) ? 0 : random.oneIn(4) ? 2 : 1;
  for (let left = count; left > 0; left -= 1) {
    const change = randomChange(state, random, after.revision + 1);
    if (change === undefined) continue;
    const id = (change.after ?? change.before)?.id ?? '';
    if (changes.some((other) => (other.after ?? other.before)?.id === id)) continue;
    changes.push(change);
    if (change.after === undefined) state.delete(id);
    else state.set(id, { record: change.after, grants: [] });
  }
  if (changes.length + loads.length === 0) return false;
  const draft: CommitDraft = draftOf(changes, loads.length === 0 ? {} : { loads });
  return (await catalog.log.append(tenant, batchOf(after, [draft]))).appended;
}

function randomLoads(
  held: ReadonlyMap<string, LoadRecord>,
  random: Random,
  revision: number,
): readonly LoadChange[] {
  return random.some(USERS).map((user) => {
    const state = random.pick(['loaded', 'invalidated', 'purged'] as const);
    const load = loadOf(user, { state, revision, serverCount: random.below(5) });
    return loadChange(held.get(user), load);
  });
}

function randomChange(
  state: ReadonlyMap<string, StoredServer>,
  random: Random,
  revision: number,
): Change | undefined {
  const existing = [...state.values()];
  if (existing.length === 0 || random.oneIn(4)) {
    const isShared = random.oneIn(3);
    const record = recordOf({
      name: random.pick(NAMES),
      revision,
      ...(isShared ? { tier: random.pick(['APP', 'USER']) } : { owner: random.pick(USERS) }),
    });
    const granted = isShared ? [] : grantsOf(random.some(SUBJECTS), revision);
    return ifNameFree(state, changeOf(undefined, record, { granted }));
  }
  const server = random.pick(existing);
  if (random.oneIn(6)) return changeOf(server.record, undefined, { revoked: server.grants });
  return ifNameFree(state, randomUpdate(server, random, revision));
}

function randomUpdate({ record, grants }: StoredServer, random: Random, revision: number): Change {
  const generation = record.generation + 1;
  const etag = digestText('etag', record.id, String(generation));
  const after: ServerRecord = { ...record, etag, generation, revision };
  const { owner: _owner, ...unowned } = after;
  const choice = random.below(5);
  if (choice === 0) return changeOf(record, { ...after, name: random.pick(NAMES) });
  if (record.tier !== 'PRIVATE') {
    if (choice > 2) return changeOf(record, { ...after, tier: 'APP' });
    const granted = grantsOf(random.some(SUBJECTS), revision);
    return changeOf(record, { ...after, tier: 'PRIVATE', owner: random.pick(USERS) }, { granted });
  }
  if (choice === 1) return changeOf(record, { ...unowned, tier: 'USER' }, { revoked: grants });
  if (choice === 2) return changeOf(record, { ...after, owner: random.pick(USERS) });
  const wanted = random.some(SUBJECTS);
  const isNew = (subject: Subject) => !grants.some((grant) => grant.subject === subject);
  return changeOf(
    record,
    { ...record, revision },
    {
      granted: grantsOf(wanted.filter(isNew), revision),
      revoked: grants.filter(({ subject }) => !wanted.includes(subject)),
    },
  );
}

function grantsOf(subjects: readonly Subject[], revision: number): readonly Grant[] {
  return subjects.map((subject) => ({ subject, revision }));
}

/** Names are unique among shared servers, and among those of one owner. */
function ifNameFree(state: ReadonlyMap<string, StoredServer>, change: Change): Change | undefined {
  const { after } = change;
  if (after === undefined) return change;
  const isTaken = [...state.values()].some(
    ({ record }) =>
      record.id !== after.id && record.name === after.name && record.owner === after.owner,
  );
  return isTaken ? undefined : change;
}
