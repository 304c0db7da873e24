import { beforeAll, describe, expect, it } from 'vitest';
import { openLmdbCatalog } from '../../src/storage/catalog/lmdb/open-lmdb-catalog.js';
import { startCrashyServer } from '../support/crashy-server.js';
import { readDisk, violationsOf, type Disk, type Write } from '../support/crashy-server-history.js';
import { randomWrite, send, type Known } from '../support/crashy-server-writes.js';
import { openAdmin } from '../support/grpc-admin.js';
import { randomFrom } from '../support/random.js';
import { temporaryFolder } from '../support/storage-lmdb.js';

/** What the checker of kill9.test.ts looks at; each case spoils a copy of a true history. */
interface Case {
  disk: Disk;
  writes: readonly Write[];
}

let truth: Case;

beforeAll(async () => {
  const folder = await temporaryFolder();
  const writes = [];
  const known: Known = new Map();
  const random = randomFrom(7);
  {
    await using server = await startCrashyServer({ dataDir: folder.path });
    using admin = openAdmin(server.address);
    for (let index = 0; index < 60; index += 1) {
      const write = randomWrite({ random, tenant: 'default', known }, `w-${String(index)}`);
      writes.push(write);
      expect(await send(write, admin, known)).not.toBe('unknown');
      if (random.chance(20)) await send(write, admin, known);
    }
  }
  const catalog = await openLmdbCatalog({ dataDir: folder.path });
  truth = { disk: await readDisk(catalog, 'default', writes), writes };
  await catalog.close();
  await folder.remove();
});

/** What the checker says of the true history, spoilt. */
function judged(spoil: (spoilt: Case) => Partial<Disk> & { readonly writes?: readonly Write[] }) {
  const { writes = truth.writes, ...disk } = spoil(truth);
  return violationsOf({ ...truth.disk, ...disk }, writes).join('\n');
}

/** An acknowledged write with its commit, somewhere in the middle. */
function anyWrite(): { readonly write: Write; readonly revision: number } {
  const { commits } = truth.disk;
  const { revision, request } = commits[Math.floor(commits.length / 2)]!;
  return { write: truth.writes.find((one) => one.requestId === request?.requestId)!, revision };
}

function changed(write: Write, change: Partial<Write>): readonly Write[] {
  return truth.writes.map((one) => (one === write ? { ...one, ...change } : one));
}

describe('the checker of the kills [F1, R1, R3]', () => {
  it('finds nothing in a true history', () => {
    expect(truth.disk.commits.length).toBeGreaterThan(20);
    expect(judged(() => ({}))).toBe('');
  });

  it('finds a write that was acknowledged and is lost', () => {
    const found = judged(({ disk }) => ({ commits: disk.commits.slice(0, -1) }));
    expect(found).toMatch('acknowledged and is lost');
    expect(found).toMatch('the projection of');
  });

  it('finds a hole', () => {
    const { revision } = anyWrite();
    const found = judged(({ disk }) => ({
      commits: disk.commits.filter((commit) => commit.revision !== revision),
    }));
    expect(found).toMatch(`revision ${String(revision + 1)} after ${String(revision - 1)}`);
  });

  it('finds another commit in a place', () => {
    const { revision } = anyWrite();
    const found = judged(({ disk }) => ({
      commits: disk.commits.map((commit) =>
        commit.revision === revision ? { ...commit, time: commit.time + 1 } : commit,
      ),
    }));
    expect(found).toMatch(`the fingerprint of ${String(revision)} does not continue the chain`);
  });

  it('finds a second effect of one request', () => {
    const { revision } = anyWrite();
    const found = judged(({ disk }) => {
      const again = disk.commits.find((commit) => commit.revision === revision)!;
      return { commits: [...disk.commits, { ...again, revision: disk.commits.length + 1 }] };
    });
    expect(found).toMatch('more than once');
  });

  it('finds half a write: one that the log has and the projections have not', () => {
    expect(judged(({ disk }) => ({ servers: disk.servers.slice(1) }))).toMatch('the projection of');
  });

  it('finds a write that is there in part', () => {
    const found = judged(({ disk }) => ({
      commits: disk.commits.map((commit) => ({ ...commit, cause: 'UPDATE', changes: [] })),
    }));
    expect(found).toMatch('in part');
  });

  it('finds a refused write that is there, and one that nobody sent', () => {
    const { write, revision } = anyWrite();
    expect(judged(() => ({ writes: changed(write, { refusals: ['NAME_TAKEN'] }) }))).toMatch(
      'it was refused, NAME_TAKEN',
    );
    expect(judged(({ writes }) => ({ writes: writes.filter((one) => one !== write) }))).toMatch(
      `nobody asked for revision ${String(revision)}`,
    );
  });

  it('finds answers that differ, belong to another commit, or are forgotten', () => {
    const { write } = anyWrite();
    const [answer] = write.answers;
    const other = truth.writes.find((one) => one !== write && one.answers.length > 0)!.answers[0]!;
    expect(
      judged(() => ({
        writes: changed(write, { answers: [answer!, { ...answer!, body: other.body }] }),
      })),
    ).toMatch('answered otherwise');
    expect(
      judged(() => ({ writes: changed(write, { answers: [{ ...answer!, token: other.token }] }) })),
    ).toMatch('another token');
    expect(judged(() => ({ answered: new Map() }))).toMatch('its answer is forgotten');
  });
});
