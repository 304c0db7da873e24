import { beforeAll, describe, expect, it } from 'vitest';
import { UpstreamState } from '../../generated/switchboard/v1/common.js';
import {
  ServerEvent_Type,
  WatchServersResponse,
} from '../../generated/switchboard/v1/registry_service.js';
import { ServerSpec } from '../../generated/switchboard/v1/server.js';
import { openLmdbCatalog } from '../../src/storage/catalog/lmdb/open-lmdb-catalog.js';
import { startCrashyServer } from '../support/crashy-server/crashy-server.js';
import {
  generationNames,
  readDisk,
  tornGeneration,
  violationsOf,
  type Disk,
  type Write,
} from '../support/crashy-server/history.js';
import type { Known } from '../support/crashy-server/sendable.js';
import { randomWrite, send } from '../support/crashy-server/writes.js';
import { INVENTORY, newestRevision, openAdmin } from '../support/grpc-admin/grpc-admin.js';
import { createFollower, createFollowerState, endOfCommit } from '../support/grpc-admin/watch.js';
import { randomFrom } from '../support/random.js';
import { temporaryFolder } from '../support/storage/lmdb.js';

/** What the checker of kill9.test.ts looks at; each case spoils a copy of a true history. */
interface Case {
  disk: Disk;
  writes: readonly Write[];
}

let truth: Case;
/** What a watch of the inventory said while that history was written. */
let messages: WatchServersResponse[];

beforeAll(async () => {
  const folder = await temporaryFolder();
  const writes = [];
  const known: Known = new Map();
  const random = randomFrom(7);
  {
    await using server = await startCrashyServer({ dataDir: folder.path });
    using admin = openAdmin(server.address);
    const follower = createFollower(INVENTORY);
    follower.open(admin);
    messages = [];
    follower.stream.on('data', (message: WatchServersResponse) => messages.push(message));
    for (let index = 0; index < 60; index += 1) {
      const write = randomWrite({ random, tenant: 'default', known }, `w-${String(index)}`);
      writes.push(write);
      expect(await send(write, admin, known)).not.toBe('unknown');
      if (random.chance(20)) await send(write, admin, known);
    }
    await follower.reached(await newestRevision(admin, 'default'));
    follower.close();
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
        commit.revision === revision ? { ...commit, body: `${commit.body} ` } : commit,
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

describe('the checker of the loads [L2, L4]', () => {
  it('takes one generation, or none, and finds a part and a mixture', () => {
    const [old, next] = [generationNames('ana', 4), generationNames('ana', 5)];
    for (const names of [[], old, next]) expect(tornGeneration(names)).toBeUndefined();
    expect(tornGeneration(next.slice(1))).toMatch('no generation');
    expect(tornGeneration([...old, ...next])).toMatch('no generation');
    expect(tornGeneration([old[0]!, ...next.slice(1)])).toMatch('no generation');
  });

  it('finds a commit that loads a part', () => {
    const found = judged(({ disk }) => {
      const last = disk.commits.at(-1)!;
      const { record } = disk.servers[0]!;
      const changes = generationNames('ana', 5)
        .slice(1)
        .map((name) => ({
          after: { ...record, id: name, name, owner: 'ana', privateSource: 'app-db' },
        }));
      const load = { ...last, revision: last.revision + 1, cause: 'LOAD' as const, changes };
      return { commits: [...disk.commits, load] };
    });
    expect(found).toMatch('are no generation of the source');
  });
});

describe('the checker of the watches [W1, W2, W3, W4, W6]', () => {
  /** The steps of the watch: the frames of each commit together. */
  function steps(): WatchServersResponse[][] {
    const all: WatchServersResponse[][] = [[]];
    for (const message of messages.filter((one) => one.message?.$case !== 'heartbeat')) {
      all.at(-1)!.push(message);
      if (message.message?.$case !== 'event' || message.closes !== undefined) all.push([]);
    }
    return all.slice(0, -1);
  }

  function faultsOf(told: readonly WatchServersResponse[][]): string {
    const state = createFollowerState(INVENTORY, {});
    state.begin();
    for (const message of told.flat()) state.receive(message);
    return state.faults.join('\n');
  }

  it('finds nothing in what was really said', () => {
    expect(steps().length).toBe(truth.disk.commits.length + 1);
    expect(faultsOf(steps())).toBe('');
  });

  it('finds a dropped commit, a doubled one, and two that changed places', () => {
    const said = steps();
    const middle = Math.floor(said.length / 2);
    const [one, other] = [said[middle]!, said[middle + 1]!];
    expect(faultsOf(said.toSpliced(middle, 1))).toMatch('a hole');
    expect(faultsOf(said.toSpliced(middle, 0, one))).toMatch('a hole');
    expect(faultsOf(said.toSpliced(middle, 2, other, one))).toMatch('a hole');
  });

  it('finds a commit without its events, a bookmark that runs ahead, and content of what is gone', () => {
    const said = steps();
    const middle = Math.floor(said.length / 2);
    const [end, ahead] = [middle, middle + 1].map((at) => endOfCommit(said[at]!.at(-1)!)!);
    const bare = WatchServersResponse.fromPartial({ message: { $case: 'commit', value: end! } });
    expect(faultsOf(said.toSpliced(middle, 1, [bare]))).toMatch('shows nothing');

    const { token } = ahead!;
    const upstreamState = UpstreamState.UPSTREAM_STATE_FOLLOWING;
    const value = { token, newest: token, upstreamState, degradedFor: undefined };
    const beat: WatchServersResponse = {
      message: { $case: 'heartbeat', value },
      closes: undefined,
    };
    expect(faultsOf(said.toSpliced(middle, 0, [beat]))).toMatch('a hole');

    const leaking = said.map((step) =>
      step.map(({ message, closes }): WatchServersResponse => {
        if (message?.$case !== 'event' || message.value.type !== ServerEvent_Type.TYPE_REMOVED)
          return { message, closes };
        const server = { ...message.value.server!, spec: ServerSpec.fromPartial({}) };
        return { message: { $case: 'event', value: { ...message.value, server } }, closes };
      }),
    );
    expect(faultsOf(leaking)).toMatch('with content');
  });
});
