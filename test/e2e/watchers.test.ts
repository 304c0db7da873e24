import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { Server, Tier } from '../../generated/switchboard/v1/server.js';
import { canonicalJson } from '../../src/domain/digest.js';
import { startCrashyServer, type CrashyServer } from '../support/crashy-server/crashy-server.js';
import {
  APP,
  httpSpec,
  openAdmin,
  revisionOf,
  serverOf,
  tokenOf,
  userView,
  type Admin,
} from '../support/grpc-admin/grpc-admin.js';
import { createNodeFollower, type NodeFollower } from '../support/grpc-admin/sync.js';
import { createFollower, endOf, type Follower } from '../support/grpc-admin/watch.js';
import { temporaryFolder } from '../support/storage/lmdb.js';

const MB = 1024 * 1024;
/** Those who keep up. */
const WATCHES = 150;
const NODES = 39;
/** Those who do not read. */
const STALLED_WATCHES = 2;
const STALLED_NODES = 8;
const ROUNDS = 10;
/** Commits of a round that everyone sees, and their size: together less than the budget. */
const SHARED = 40;
const SHARED_BYTES = 2_000;
/** Commits of a round that only those see who do not read. */
const OWN = 200;
const OWN_BYTES = 20_000;
/** How much the server may grow by under load. */
const MAX_GROWTH = 150 * MB;

const STALLED_USER = 'mallory';

it('bounds its memory and slows nobody, with 11 of 200 watchers not reading [W1, W2, W3, W12, W14, P19, P21]', async () => {
  const world = await openWorld();
  await burst(world, { shared: SHARED, own: 20 });
  await allHealthy(world);
  for (const { stream } of world.stalled) stream.pause();
  const before = await residentBytes(world.server.pid);

  let most = before;
  for (let round = 0; round < ROUNDS; round += 1) {
    await burst(world, { shared: SHARED, own: OWN });
    // Every one of them has all of it, while the others still have none.
    await allHealthy(world);
    most = Math.max(most, await residentBytes(world.server.pid));
  }
  const withheld = ROUNDS * OWN * OWN_BYTES * (STALLED_NODES + 1);
  console.info(
    `server grew by ${megabytes(most - before)} from ${megabytes(before)}; ` +
      `queues without a bound would hold ${megabytes(withheld)}`,
  );
  expect(withheld).toBeGreaterThan(2 * MAX_GROWTH);
  expect(most - before).toBeLessThan(MAX_GROWTH);

  expectFaultless(world.healthy);
  for (const { resets } of world.healthy) expect(resets).toEqual([]);
  for (const follower of world.healthy) {
    expect(follower.commits() - world.commitsBefore.get(follower)!).toBe(world.sharedCommits);
  }

  // Those who read again are told that their backlog is gone, and get the state in its place.
  for (const { stream } of world.stalled) stream.resume();
  await Promise.all(
    world.stalled.map((follower) => follower.until(() => follower.resets.length > 0)),
  );
  await burst(world, { shared: 1, own: 1 });
  const list = await world.admin.list({ view: userView(STALLED_USER), pageSize: 1_000 });
  const expected = asText(list.servers);
  for (const follower of world.stalled) {
    await follower.reached(revisionOf(tokenOf(list)));
    expect(follower.resets).toEqual(['LAGGED']);
    expect(asText(follower.held())).toEqual(expected);
  }
  expectFaultless(world.stalled);
});

/** What watches and nodes have in common. */
interface Reader {
  readonly stream: { pause(): unknown; resume(): unknown };
  readonly resets: readonly string[];
  readonly faults: readonly string[];
  readonly until: (condition: () => boolean) => Promise<void>;
  readonly reached: (revision: number) => Promise<void>;
  readonly commits: () => number;
  readonly held: () => Iterable<Server>;
}

interface World {
  readonly server: CrashyServer;
  readonly admin: Admin;
  readonly healthy: readonly Reader[];
  readonly stalled: readonly Reader[];
  readonly commitsBefore: ReadonlyMap<Reader, number>;
  readonly shared: Server[];
  readonly own: Server[];
  sharedCommits: number;
  /** The newest revision that everyone sees. */
  newest: number;
}

async function openWorld(): Promise<World> {
  const folder = await temporaryFolder();
  const forever = 3_600_000;
  const server = await startCrashyServer({
    dataDir: folder.path,
    flags: ['--heartbeat-interval', '1s'],
    watchLimits: { stallMs: forever, ackMs: forever },
  });
  const admins = Array.from({ length: 5 }, () => openAdmin(server.address));
  const [admin, ...channels] = admins as [Admin, ...Admin[]];
  onTestFinished(async () => {
    for (const each of admins) each.close();
    await server.kill();
    await folder.remove();
  });
  const channel = (index: number): Admin => channels[index % channels.length]!;
  const shared = await createMany(admin, 20, (name) => ({ name, tier: Tier.TIER_APP }));
  const own = await createMany(admin, 10, (name) => {
    return { name: `own-${name}`, tier: Tier.TIER_PRIVATE, owner: STALLED_USER };
  });
  const healthy = [
    ...Array.from({ length: WATCHES }, (_, index) =>
      watch(channel(index), index % 3 === 0 ? APP : userView(`user-${String(index)}`)),
    ),
    ...Array.from({ length: NODES }, (_, index) => node(channel(index), `user-${String(index)}`)),
  ];
  const stalled = [
    ...Array.from({ length: STALLED_WATCHES }, () => watch(admin, userView(STALLED_USER))),
    ...Array.from({ length: STALLED_NODES }, () => node(admin, STALLED_USER)),
  ];
  // One that asks and never takes a single message.
  const silent = admin.registry.watchServers({
    tenant: '',
    view: userView(STALLED_USER),
    resumeToken: '',
    held: [],
  });
  void endOf(silent);
  const world: World = {
    server,
    admin,
    healthy,
    stalled,
    commitsBefore: new Map(),
    shared,
    own,
    sharedCommits: 0,
    newest: 0,
  };
  for (const reader of [...healthy, ...stalled]) await reader.reached(shared.length + own.length);
  return { ...world, commitsBefore: new Map(healthy.map((reader) => [reader, reader.commits()])) };
}

function watch(admin: Admin, view: Follower['view']): Reader {
  const follower = createFollower(view);
  follower.open(admin);
  return {
    ...pick(follower),
    commits: () => follower.seen.commits,
    held: () => follower.servers.values(),
  };
}

let nodes = 0;

function node(admin: Admin, user: string): Reader {
  nodes += 1;
  const views = new Map([[user, userView(user)]]);
  const follower = createNodeFollower(views, { nodeId: `node-${String(nodes)}` });
  follower.open(admin);
  return {
    ...pick(follower),
    commits: () => follower.commits,
    held: () => [...follower.records.values()].map(({ server }) => server),
  };
}

function pick(follower: Follower | NodeFollower): Omit<Reader, 'commits' | 'held'> {
  const { stream, resets, faults, until, reached } = follower;
  return { stream, resets, faults, until, reached };
}

async function createMany(
  admin: Admin,
  count: number,
  declare: (name: string) => Parameters<typeof Server.fromPartial>[0],
): Promise<Server[]> {
  const servers: Server[] = [];
  for (let index = 0; index < count; index += 1) {
    const spec = httpSpec('https://tools.example/mcp');
    servers.push(
      serverOf(await admin.create({ server: { ...declare(`s-${String(index)}`), spec } })),
    );
  }
  return servers;
}

/** So many changes of the shared servers and of those of the one user, all at once. */
async function burst(world: World, counts: { readonly shared: number; readonly own: number }) {
  await Promise.all([
    change(world, world.shared, { count: counts.shared, bytes: SHARED_BYTES }),
    change(world, world.own, { count: counts.own, bytes: OWN_BYTES }),
  ]);
  world.sharedCommits += counts.shared;
}

let changes = 0;

/** Every server is changed by a writer of its own, one change after the other. */
async function change(
  world: World,
  servers: Server[],
  { count, bytes }: { readonly count: number; readonly bytes: number },
): Promise<void> {
  let left = count;
  const writer = async (index: number): Promise<void> => {
    while (left > 0) {
      left -= 1;
      changes += 1;
      const { id, etag } = servers[index]!;
      const half = 'x'.repeat(bytes / 2);
      const instructions = { kind: { $case: 'text' as const, value: half } };
      const spec = httpSpec(`https://tools.example/mcp/${String(changes)}`, {
        description: half,
        instructions,
      });
      const answer = await world.admin.update({ server: { id, etag, spec } });
      servers[index] = serverOf(answer);
      if (servers === world.shared) {
        world.newest = Math.max(world.newest, revisionOf(tokenOf(answer)));
      }
    }
  };
  await Promise.all(servers.map((_, index) => writer(index)));
}

async function allHealthy({ healthy, newest }: World): Promise<void> {
  await Promise.all(healthy.map((reader) => reader.reached(newest)));
}

function expectFaultless(readers: readonly Reader[]): void {
  expect(readers.flatMap(({ faults }) => faults)).toEqual([]);
}

function asText(servers: Iterable<Server>): string[] {
  return [...servers].map((server) => canonicalJson(Server.toJSON(server))).sort();
}

/** The memory that a process holds; on Linux without the pages of files that are mapped, as LMDB's is. */
async function residentBytes(pid: number): Promise<number> {
  if (process.platform === 'linux') {
    const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
    return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout) * 1024;
}

function megabytes(bytes: number): string {
  return `${String(Math.round(bytes / MB))} MB`;
}
