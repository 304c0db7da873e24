import type { ServiceError } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type ApplyServersResponse,
  WatchServersRequest,
  type WatchServersResponse,
} from '../../generated/switchboard/v1/registry_service.js';
import { canonicalJson } from '../../src/domain/digest.js';
import type { Commit } from '../../src/domain/commit.js';
import type { FailpointName } from '../../src/domain/failpoint.js';
import type { StoredServer } from '../../src/domain/server.js';
import { openLmdbCatalog } from '../../src/storage/catalog/lmdb/open-lmdb-catalog.js';
import {
  startCrashyServer,
  warmSpare,
  type CrashyServer,
} from '../support/crashy-server/crashy-server.js';
import { readDisk } from '../support/crashy-server/history.js';
import {
  httpSpec,
  INVENTORY,
  openAdmin,
  toRefusal,
  type Admin,
} from '../support/grpc-admin/grpc-admin.js';
import { actionsOf, applyServers } from '../support/grpc-admin/history.js';
import { endOfCommit } from '../support/grpc-admin/watch.js';
import { printedSeed, randomFrom, type Random } from '../support/random.js';
import { temporaryFolder } from '../support/storage/lmdb.js';
import { WRITE_FAILPOINTS } from '../support/crashy-server/failpoints.js';

const SET = 'servers.yaml';
/** So many that they are appended in several batches. */
const NEW = 300;
const CHANGED = 10;
const PRUNED = 5;

type Names = readonly string[];
const numbered = (word: string, count: number): Names =>
  Array.from({ length: count }, (_, index) => `${word}-${String(index)}`);
const declared = (names: Names, title: string) =>
  names.map((name) => ({ name, spec: httpSpec(`https://${name}.example/mcp`, { title }) }));

const BEFORE = [
  ...declared(numbered('changed', CHANGED), 'old'),
  ...declared(numbered('pruned', PRUNED), ''),
];
const AFTER = [
  ...declared(numbered('changed', CHANGED), 'new'),
  ...declared(numbered('new', NEW), ''),
];
/** What the whole apply does, in the order of its answer. */
const DONE = [
  ...numbered('changed', CHANGED).map((name) => `UPDATED ${name}`),
  ...numbered('new', NEW).map((name) => `CREATED ${name}`),
  ...numbered('pruned', PRUNED).map((name) => `DELETED ${name}`),
];
const DECLARED = AFTER.map(({ name, spec }) => `${name} ${spec.title}`).sort();

/** One tenant whose set was being applied when its server died. */
interface Round {
  readonly tenant: string;
  readonly allOrNothing: boolean;
  readonly killAt: FailpointName | 'outside';
}

function applySet(admin: Admin, { tenant, allOrNothing }: Round): Promise<ApplyServersResponse> {
  const request = { tenant, set: SET, prune: true, allOrNothing, requestId: 'the apply' };
  return applyServers(admin, { ...request, servers: AFTER });
}

/**
 * Applies what was there before, then the set, which the server does not survive. Answers
 * whether it still said that all is done.
 */
async function applyAndDie(server: CrashyServer, round: Round, random: Random): Promise<boolean> {
  const admin = openAdmin(server.address);
  const { tenant, allOrNothing, killAt } = round;
  await applyServers(admin, { tenant, set: SET, servers: BEFORE });
  // All or nothing is one append. Else there are several; the last one prunes.
  if (killAt !== 'outside') server.arm(killAt, allOrNothing ? 1 : 1 + random.below(4));
  else if (!allOrNothing) killAfter(server, admin, { tenant, commits: 1 + random.below(50) });
  const applying = applySet(admin, round).then(
    (answer) => actionsOf(answer),
    (error: unknown) => toRefusal(error as ServiceError).code,
  );
  if (killAt === 'outside' && allOrNothing) await server.kill();
  expect(await server.ended).toBe('SIGKILL');
  const answer = await applying;
  admin.close();
  // Killed from outside, it may have been faster.
  expect(answer).toEqual(answer === 'UNAVAILABLE' ? answer : DONE);
  return answer !== 'UNAVAILABLE';
}

/** Kills the server once a watcher was told so many of the commits to come. */
function killAfter(
  server: CrashyServer,
  admin: Admin,
  { tenant, commits }: { readonly tenant: string; readonly commits: number },
): void {
  let left = commits;
  const watch = admin.registry.watchServers(
    WatchServersRequest.fromPartial({ tenant, view: INVENTORY }),
  );
  watch.on('error', () => undefined);
  watch.on('data', (message: WatchServersResponse) => {
    if (endOfCommit(message) !== undefined) left -= 1;
    if (left === 0) void server.kill();
  });
}

interface Left {
  readonly commits: readonly Commit[];
  readonly servers: readonly StoredServer[];
}

/** The server that another apply of the set brings between the kill and the repetition. */
const LATER = 'later';

/** What is on the disk; `commits` are those of the apply. */
async function leftOn(dataDir: string, { tenant }: Round): Promise<Left> {
  const catalog = await openLmdbCatalog({ dataDir });
  try {
    const { commits, servers } = await readDisk(catalog, tenant, []);
    const isOther = ({ changes }: Commit): boolean =>
      changes.some(({ before, after }) => (after ?? before)?.name === LATER);
    const own = commits.slice(BEFORE.length).filter((commit) => !isOther(commit));
    return { commits: own, servers };
  } finally {
    await catalog.close();
  }
}

const titlesOf = ({ servers }: Left): Names =>
  servers.map(({ record }) => `${record.name} ${record.spec.title}`).sort();

/** Each item has its own commit or none; all or nothing is one commit or none. */
function expectWhole(left: Left, { allOrNothing }: Round): 'none' | 'some' | 'all' {
  const { commits } = left;
  const changed = commits.flatMap(({ changes }) =>
    changes.map(({ before, after }) => after ?? before),
  );
  const names = changed.map((record) => record?.name);
  expect(new Set(names).size).toBe(names.length);
  for (const { cause, changes } of commits) {
    expect(cause).toBe('APPLY');
    const isPrune = changes.every(({ after }) => after === undefined);
    if (allOrNothing) expect(changes).toHaveLength(DONE.length);
    else if (!isPrune) expect(changes).toHaveLength(1);
  }
  if (allOrNothing) expect(commits.length).toBeLessThanOrEqual(1);
  return names.length === 0 ? 'none' : names.length === DONE.length ? 'all' : 'some';
}

/**
 * Repeating completes it, to the same effect and answers. What another apply of the set brought
 * after it had begun stays, and is all that is left to do after that.
 */
async function expectCompleted(admin: Admin, round: Round, begun: boolean): Promise<void> {
  const { tenant } = round;
  const later = begun ? [LATER] : [];
  await applyServers(admin, { tenant, set: SET, servers: declared(later, '') });
  const completed = await applySet(admin, round);
  expect(actionsOf(completed)).toEqual(DONE);
  expect(canonicalJson((await applySet(admin, round)).results)).toBe(
    canonicalJson(completed.results),
  );
  const again = await applyServers(admin, { tenant, set: SET, prune: true, servers: AFTER });
  expect(again.results.every(({ action }) => action === completed.results[0]?.action)).toBe(false);
  expect(actionsOf(again).filter((action) => !action.startsWith('UNCHANGED '))).toEqual(
    later.map((name) => `DELETED ${name}`),
  );
}

describe('kill -9 in the middle of an apply', () => {
  it('applying again completes it; all or nothing is all or nothing [F1, R3, R5, P13]', async () => {
    const random = randomFrom(printedSeed('kill -9 of an apply'));
    const folder = await temporaryFolder();
    onTestFinished(() => folder.remove());
    const dataDir = folder.path;
    // Its commits would be counted with those of the apply.
    const flags = ['--inspect=false'];
    const rounds = [...WRITE_FAILPOINTS, 'outside' as const, 'outside' as const].flatMap(
      (killAt, n) =>
        [false, true].map((allOrNothing): Round => {
          return { tenant: `t${String(n)}-${String(allOrNothing)}`, allOrNothing, killAt };
        }),
    );
    const met = new Set<string>();
    let server = await startCrashyServer({ dataDir, flags });
    onTestFinished(() => server.kill());
    for (const round of rounds) {
      const spare = warmSpare();
      const isAnswered = await applyAndDie(server, round, random);
      const left = expectWhole(await leftOn(dataDir, round), round);
      if (isAnswered) expect(left).toBe('all');
      met.add(`${String(round.allOrNothing)} ${left}`);
      server = await spare.start({ dataDir, flags });
      const admin = openAdmin(server.address);
      await expectCompleted(admin, round, left !== 'none');
      admin.close();
    }
    await server.kill();
    for (const round of rounds) {
      const left = await leftOn(dataDir, round);
      expect(titlesOf(left)).toEqual(DECLARED);
      expect(expectWhole(left, round)).toBe('all');
    }
    console.info([...met].sort());
    // It was interrupted in the middle, and both before and after the one commit.
    expect([...met]).toEqual(expect.arrayContaining(['false some', 'true none', 'true all']));
  });
});
