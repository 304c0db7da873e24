import fc from 'fast-check';
import { digestText } from '../../../src/domain/digest.js';
import type { AccessChange, Change, CommitDraft } from '../../../src/domain/commit.js';
import type { LoadChange, LoadRecord } from '../../../src/domain/load-record.js';
import type { Grant, ServerRecord, StoredServer } from '../../../src/domain/server.js';
import type { SourceChange, SourceRecord } from '../../../src/domain/source-record.js';
import type { Subject } from '../../../src/domain/view.js';
import { loadChange, loadOf } from '../loads/loads.js';
import { changeOf, draftOf, recordOf } from './builders.js';
import type { CatalogModel } from './model.js';

/** Names and ids that engines have got wrong before: case, separators, patterns, scripts. */
export const ODD_TEXTS: readonly string[] = [
  'files',
  'FILES',
  'a:b',
  'a/b',
  'a b',
  '*',
  '__proto__',
  'constructor',
  'ключ',
  '文件',
  '🗂️',
  '\u0001\u0002',
  "it's",
  '[b]\\{c}%_?',
  'é',
  'e\u0301',
  'x'.repeat(256),
  `${'x'.repeat(255)}y`,
  '文'.repeat(256),
  `${'文'.repeat(255)}字`,
];

const SUBJECTS: readonly Subject[] = [
  'user:ana',
  'user:bob',
  'user:group:ops',
  'group:ops',
  'group:OPS',
  'group:*',
];

const ACTIONS = [
  'create',
  'update',
  'rename',
  'set',
  'facts',
  'access',
  'share',
  'unshare',
  'transfer',
  'delete',
  'load',
  'source',
] as const;

/** Users of load records: odd ones, and some of whom one is the beginning of another. */
const LOADED_USERS = [
  'ana',
  'anabel',
  'an',
  'ana/bel',
  'ana\0bel',
  '\0',
  ...ODD_TEXTS.slice(2, 12),
];

/** One choice of a random history; what it comes to depends on the state it meets. */
export interface HistoryStep {
  readonly action: (typeof ACTIONS)[number];
  readonly pick: number;
  readonly text: string;
  readonly owner: string;
  readonly subjects: readonly Subject[];
  /** Whether grants go away when a server becomes shared. */
  readonly keepGrants: boolean;
  /** Whether the step shares a commit with the one before. */
  readonly sameCommit: boolean;
  /** Whether the commit shares a batch with the one before. */
  readonly sameBatch: boolean;
  readonly requestId: string | undefined;
  readonly time: number;
}

export function historySteps(maxLength: number): fc.Arbitrary<readonly HistoryStep[]> {
  const step = fc.record({
    action: fc.constantFrom(...ACTIONS),
    pick: fc.nat(50),
    text: fc.constantFrom(...ODD_TEXTS),
    owner: fc.constantFrom('ana', 'bob', 'group:ops'),
    subjects: fc.uniqueArray(fc.constantFrom(...SUBJECTS), { maxLength: 4 }),
    keepGrants: fc.boolean(),
    sameCommit: fc.boolean(),
    sameBatch: fc.boolean(),
    requestId: fc.option(fc.constantFrom('r1', 'r2', 'r:3', 'R1'), { nil: undefined }),
    time: fc.integer({ min: 1, max: 1_000 }),
  });
  return fc.array(step, { minLength: 1, maxLength });
}

/** The change that a step makes to `servers` at `revision`; undefined if it makes none. */
export function changeOfStep(
  servers: ReadonlyMap<string, StoredServer>,
  step: HistoryStep,
  revision: number,
): Change | undefined {
  if (step.action === 'load' || step.action === 'source') return undefined;
  if (step.action === 'create') return createOf(servers, step, revision);
  const ids = [...servers.keys()].sort();
  const server = servers.get(ids[step.pick % Math.max(1, ids.length)] ?? '');
  if (server === undefined) return createOf(servers, step, revision);
  return changeOfServer(server, step, revision);
}

/** How a step touches one of the load records, by user, at `revision`; undefined if it does not. */
export function loadOfStep(
  loads: ReadonlyMap<string, LoadRecord>,
  step: HistoryStep,
  revision: number,
): LoadChange | undefined {
  if (step.action !== 'load') return undefined;
  const user = LOADED_USERS[step.pick % LOADED_USERS.length] ?? 'ana';
  const refused = { rowId: step.text, name: step.text, reason: 'ROW_BROKEN', message: '' } as const;
  const after = loadOf(user, {
    revision,
    source: step.owner,
    loadTime: step.time,
    serverCount: step.pick,
    state: step.keepGrants ? 'loaded' : step.sameBatch ? 'invalidated' : 'purged',
    ...(step.sameCommit ? { refused: [refused], refusedCount: 1 } : {}),
  });
  return loadChange(loads.get(user), after);
}

/** How a step changes the private source at `revision`; undefined if it does not. */
export function sourceOfStep(
  before: SourceRecord | undefined,
  step: HistoryStep,
  revision: number,
): SourceChange | undefined {
  if (step.action !== 'source') return undefined;
  if (before === undefined) {
    const [name, namespace] = [step.text, step.text];
    return { after: { name, namespace, state: 'active', formerNames: [], revision } };
  }
  const state = step.keepGrants ? 'active' : step.pick % 2 === 0 ? 'removing' : 'removed';
  const formerNames = [...new Set([...before.formerNames, before.name])];
  return { before, after: { ...before, name: step.text, state, formerNames, revision } };
}

/** What one commit does. */
export interface CommitParts {
  readonly changes: readonly Change[];
  readonly loads: readonly LoadChange[];
  readonly source: SourceChange | undefined;
}

/** A draft of what one commit does. */
export function draftOfSteps(
  { changes, loads, source }: CommitParts,
  step: HistoryStep,
): CommitDraft {
  const { requestId, time } = step;
  return draftOf(changes, {
    time,
    ...(loads.length === 0 ? {} : { loads }),
    ...(source === undefined ? {} : { source }),
    ...(requestId === undefined
      ? {}
      : { request: { principal: step.owner, requestId, bodyDigest: `body of ${requestId}` } }),
  });
}

/** What a grant list becomes when it is replaced by these subjects: who stays keeps its revision. */
export function replaceGrants(
  held: readonly Grant[],
  subjects: readonly Subject[],
  revision: number,
): AccessChange {
  return {
    granted: subjects
      .filter((subject) => !held.some((grant) => grant.subject === subject))
      .map((subject) => ({ subject, revision })),
    revoked: held.filter((grant) => !subjects.includes(grant.subject)),
  };
}

/** A copy of the servers of a model, to try changes on. */
export function serversOf(model: CatalogModel): Map<string, StoredServer> {
  return new Map(model.servers);
}

function createOf(
  servers: ReadonlyMap<string, StoredServer>,
  step: HistoryStep,
  revision: number,
): Change | undefined {
  const id = ODD_TEXTS[step.pick % ODD_TEXTS.length] ?? 'files';
  if (servers.has(id)) return undefined;
  const shared = step.pick % 3 === 0;
  const record = recordOf({
    id,
    revision,
    // After a deletion it goes on where it was.
    generation: revision * 1_000,
    name: step.text,
    set: step.pick % 4 === 0 ? step.owner : '',
    ...(shared
      ? { tier: step.pick % 2 === 0 ? 'APP' : 'USER' }
      : { owner: step.owner, ...(step.pick % 5 === 0 ? { privateSource: step.text } : {}) }),
  });
  const granted = replaceGrants([], shared ? [] : step.subjects, revision).granted;
  return changeOf(undefined, record, granted.length === 0 ? undefined : { granted });
}

function changeOfServer(server: StoredServer, step: HistoryStep, revision: number): Change {
  const before = server.record;
  const same: ServerRecord = { ...before, revision };
  const generation = before.generation + 1;
  const after: ServerRecord = {
    ...same,
    generation,
    etag: digestText('etag', before.id, String(generation)),
  };
  // What is shared is from no private source.
  const { owner: _owner, privateSource: _source, ...unowned } = after;
  switch (step.action) {
    case 'load':
    case 'source':
    case 'create':
    case 'update':
      return changeOf(before, { ...after, spec: { ...after.spec, title: step.text } });
    case 'rename':
      return changeOf(before, { ...after, name: step.text });
    case 'set':
      return changeOf(before, { ...after, set: step.text });
    case 'facts':
      return changeOf(before, { ...same, factsEtag: String(revision) });
    case 'access':
      return changeOf(before, same, replaceGrants(server.grants, step.subjects, revision));
    case 'share':
      return changeOf(
        before,
        { ...unowned, tier: 'APP' },
        step.keepGrants ? undefined : { revoked: server.grants },
      );
    case 'unshare':
      return changeOf(
        before,
        { ...after, tier: 'PRIVATE', owner: step.owner },
        replaceGrants(server.grants, step.subjects, revision),
      );
    case 'transfer':
      return changeOf(before, { ...after, tier: 'PRIVATE', owner: step.owner });
    case 'delete':
      return changeOf(before, undefined, { revoked: server.grants });
  }
}
