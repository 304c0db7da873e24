import type { ServiceError } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  RemovePrivateSourceRequest,
  RemovePrivateSourceRequest_Servers,
  type RemovePrivateSourceResponse,
} from '../../generated/switchboard/v1/private_source.js';
import { Tier } from '../../generated/switchboard/v1/server.js';
import type { FailpointName } from '../../src/domain/failpoint.js';
import type { SourceRecord } from '../../src/domain/source-record.js';
import { openLmdbCatalog } from '../../src/storage/catalog/lmdb/open-lmdb-catalog.js';
import { startCrashyServer, warmSpare } from '../support/crashy-server/crashy-server.js';
import { readDisk, type Disk } from '../support/crashy-server/history.js';
import {
  httpSpec,
  openAdmin,
  toRefusal,
  userView,
  type Admin,
} from '../support/grpc-admin/grpc-admin.js';
import { call } from '../support/grpc/unary-call.js';
import { httpRow, loads, sourcesFile } from '../support/loads/server.js';
import { startSourceServer } from '../support/loads/source-server.js';
import { printedSeed, randomFrom } from '../support/random.js';
import { temporaryFolder } from '../support/storage/lmdb.js';
import { WRITE_FAILPOINTS } from '../support/crashy-server/failpoints.js';

const SOURCE = 'app-db';
const USERS = ['ana', 'bob', 'eve'];
const ROWS_EACH = 400;
/** So many that their deletion takes three commits. */
const LOADED = USERS.length * ROWS_EACH;
const COMMITS = 3;
/** What Ana declared herself, which is no matter of the source. */
const OWN = 'own';

/** One tenant whose source was being removed when its server died. */
interface Round {
  readonly tenant: string;
  readonly killAt: FailpointName;
  /** The commit of the removal at which it dies, from 1. */
  readonly commit: number;
}

function removeSource(admin: Admin, tenant: string): Promise<RemovePrivateSourceResponse> {
  const servers = RemovePrivateSourceRequest_Servers.SERVERS_DROP;
  const request = { tenant, name: SOURCE, servers, requestId: 'the removal' };
  const message = RemovePrivateSourceRequest.fromPartial(request);
  return call(admin.registry, 'removePrivateSource', message);
}

async function fill(admin: Admin, tenant: string): Promise<void> {
  for (const user of USERS) await loads.load(admin, { tenant, user });
  const spec = httpSpec('https://own.example/mcp');
  await admin.create({
    tenant,
    server: { name: OWN, tier: Tier.TIER_PRIVATE, owner: 'ana', spec },
  });
}

async function namesOf(admin: Admin, tenant: string, user: string): Promise<readonly string[]> {
  const { servers } = await admin.list({ tenant, view: userView(user) });
  return servers.map(({ name }) => name);
}

interface Left {
  readonly disk: Disk;
  readonly source: SourceRecord | undefined;
}

async function leftOn(dataDir: string, tenant: string): Promise<Left> {
  const catalog = await openLmdbCatalog({ dataDir });
  try {
    const { value: source } = await catalog.projections.privateSource(tenant);
    return { disk: await readDisk(catalog, tenant, []), source };
  } finally {
    await catalog.close();
  }
}

/** Nothing is deleted twice or made again; returns how many servers the removal has deleted. */
function deletedIn({ disk, source }: Left): number {
  const changes = disk.commits.flatMap((commit) => commit.changes);
  const made = changes.filter(({ before }) => before === undefined);
  expect(made).toHaveLength(LOADED + 1);
  const deleted = changes.flatMap(({ before, after }) => (after === undefined ? [before?.id] : []));
  expect(new Set(deleted).size).toBe(deleted.length);
  expect(disk.servers).toHaveLength(made.length - deleted.length);
  expect(disk.servers.map(({ record }) => record.name)).toContain(OWN);
  const isDone = deleted.length === LOADED;
  expect(source?.state).toBe(deleted.length === 0 ? 'active' : isDone ? 'removed' : 'removing');
  return deleted.length;
}

describe('kill -9 in the middle of the removal of a source', () => {
  it('repeating completes it; nothing is lost or brought back [F1, R3, P13, P36]', async () => {
    const random = randomFrom(printedSeed('kill -9 of a removal'));
    const rounds = [...WRITE_FAILPOINTS, ...WRITE_FAILPOINTS].map((killAt, n): Round => {
      // In the first half each failpoint is met in the middle.
      const commit = n < WRITE_FAILPOINTS.length ? 2 : 1 + random.below(COMMITS);
      return { tenant: `t${String(n)}`, killAt, commit };
    });
    const folder = await temporaryFolder();
    const source = await startSourceServer();
    const file = await sourcesFile(
      rounds.map(({ tenant }) => ({ tenant, name: SOURCE, target: source.address })),
    );
    onTestFinished(async () => {
      await source.stop();
      await file[Symbol.asyncDispose]();
      await folder.remove();
    });
    for (const user of USERS) {
      const ids = Array.from({ length: ROWS_EACH }, (_, row) => `${user}-${String(row)}`);
      source.setRows(
        user,
        ids.map((id) => httpRow(id)),
      );
    }
    const dataDir = folder.path;
    const flags = ['--private-sources', file.path];
    const met = new Set<number>();
    let server = await startCrashyServer({ dataDir, flags });
    onTestFinished(() => server.kill());
    for (const { tenant, killAt, commit } of rounds) {
      const spare = warmSpare();
      const dying = openAdmin(server.address);
      await fill(dying, tenant);
      server.arm(killAt, commit);
      const removing = removeSource(dying, tenant).catch((error: unknown) => error);
      expect(await server.ended).toBe('SIGKILL');
      expect(toRefusal((await removing) as ServiceError).code).toBe('UNAVAILABLE');
      dying.close();
      met.add(deletedIn(await leftOn(dataDir, tenant)));

      server = await spare.start({ dataDir, flags });
      const admin = openAdmin(server.address);
      const completed = await removeSource(admin, tenant);
      expect(completed).toMatchObject({ deletedCount: LOADED, keptCount: 0 });
      expect(await removeSource(admin, tenant)).toMatchObject({ deletedCount: LOADED });
      const refused = await loads.load(admin, { tenant, user: 'ana' }).catch(toRefusal);
      expect(refused).toMatchObject({ reason: 'SOURCE_REMOVED' });
      expect(await namesOf(admin, tenant, 'ana')).toEqual([OWN]);
      admin.close();
    }
    await server.kill();
    for (const { tenant } of rounds) {
      expect(deletedIn(await leftOn(dataDir, tenant))).toBe(LOADED);
    }
    console.info([...met].sort((a, b) => a - b));
    // It was interrupted between two of its commits.
    expect([...met].some((deleted) => deleted > 0 && deleted < LOADED)).toBe(true);
  });
});
