import type { Collection } from 'mongodb';
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  it,
  onTestFinished,
  type TestContext,
} from 'vitest';
import { PrivateLoad_State as State } from '../../generated/switchboard/v1/private_load.js';
import { soon } from '../support/control-plane/node.js';
import { openAdmin, refusalOf, userView, type Admin } from '../support/grpc-admin/grpc-admin.js';
import { createFollower } from '../support/grpc-admin/watch.js';
import { loadOf, loads, sourcesFile } from '../support/loads/server.js';
import {
  missingMongo,
  MONGO_SETUP_MS,
  type MongoServer,
  startMongo,
  temporaryDatabase,
} from '../support/processes/mongo-server.js';
import {
  type PrivateSourceExample,
  startPrivateSourceExample,
} from '../support/loads/source-example.js';
import {
  type ServerProcess,
  startServerProcess,
  temporaryFolder,
} from '../support/processes/server-process.js';

interface Row {
  readonly _id: string;
  readonly serverName: string;
  readonly author: string;
  readonly config: object;
}

const rowOf = (author: string, serverName: string): Row => ({
  _id: `${author}-${serverName}`,
  author,
  serverName,
  config: { type: 'streamable-http', url: `https://${serverName}.example/mcp` },
});

/** A control plane that runs, with its client. */
interface Plane {
  readonly server: ServerProcess;
  readonly admin: Admin;
}

describe('private servers in a database, through the example and a control plane', () => {
  let missing: string | undefined;
  let mongo: MongoServer;
  let database: ReturnType<typeof temporaryDatabase> | undefined;
  let rows: Collection<Row>;
  let source: PrivateSourceExample;
  let flags: readonly string[];
  const cleanUp: AsyncDisposable[] = [];

  beforeAll(async () => {
    missing = await missingMongo();
    if (missing !== undefined) return;
    mongo = await startMongo();
    database = temporaryDatabase(mongo.url);
    rows = database.db.collection('mcpservers');
    const data = await temporaryFolder();
    source = await startPrivateSourceExample({
      mongoUrl: mongo.url,
      database: database.db.databaseName,
    });
    const file = await sourcesFile([{ target: source.address, timeout: '5s' }]);
    cleanUp.push(data, file, source);
    flags = ['--data-dir', data.path, '--private-sources', file.path];
  }, MONGO_SETUP_MS);

  afterAll(async () => {
    if (database === undefined) return;
    for (const each of [...cleanUp, database]) await each[Symbol.asyncDispose]();
    await mongo.stop();
  });

  const test = (title: string, body: (context: TestContext) => Promise<void>): void => {
    it(title, async (context) => {
      context.skip(missing !== undefined, missing);
      await body(context);
    });
  };

  /** Starts it on the data of the one before. */
  async function start(): Promise<Plane> {
    const server = await startServerProcess(...flags);
    const admin = openAdmin(server.address);
    onTestFinished(async () => {
      admin.close();
      await server[Symbol.asyncDispose]();
    });
    return { server, admin };
  }

  const namesOf = async ({ admin }: Pick<Plane, 'admin'>, user: string) =>
    (await admin.list({ view: userView(user), pageSize: 1_000 })).servers.map(({ name }) => name);

  test('appear when the user does, and a watch is told what an invalidation finds', async () => {
    await rows.insertMany([rowOf('ana', 'notes'), rowOf('ana', 'files'), rowOf('bob', 'mail')]);
    const plane = await start();
    expect(await namesOf(plane, 'ana')).toEqual(['files', 'notes']);
    expect(await namesOf(plane, 'bob')).toEqual(['mail']);
    expect(await namesOf(plane, 'nobody')).toEqual([]);
    const follower = createFollower(userView('ana'));
    follower.open(plane.admin);
    await follower.until(() => follower.servers.size === 2);
    await rows.updateOne({ _id: 'ana-notes' }, { $set: { 'config.title': 'My notes' } });
    await rows.deleteOne({ _id: 'ana-files' });
    await loads.invalidate(plane.admin, { user: 'ana' });
    await follower.until(() => {
      const titles = [...follower.servers.values()].map(({ spec }) => spec?.title);
      return titles.join() === 'My notes';
    });
    expect(follower.faults).toEqual([]);
    follower.close();
  });

  test('of who was loaded outlive the database, that of a new user is refused [L5]', async ({
    skip,
  }) => {
    skip(!mongo.isOurs, 'MONGODB_URL names a server that tests may not stop');
    await rows.insertMany([rowOf('cy', 'notes'), rowOf('dan', 'notes')]);
    const plane = await start();
    expect(await namesOf(plane, 'cy')).toEqual(['notes']);
    await mongo.kill();
    const refused = await refusalOf(namesOf(plane, 'dan'));
    expect(refused).toMatchObject({
      code: 'UNAVAILABLE',
      reason: 'SOURCE_UNAVAILABLE',
      metadata: { source: 'app-db' },
    });
    expect(refused.retryDelayMs).toBeGreaterThan(0);
    expect(await namesOf(plane, 'cy')).toEqual(['notes']);
    await mongo.restart();
    await soon(async () => {
      expect(await namesOf(plane, 'dan')).toEqual(['notes']);
    });
  });

  test('are answered after a kill -9 without asking: that they are loaded is in the log [F1, L4, L5]', async () => {
    await rows.insertMany([rowOf('eve', 'notes'), ...many('zoe')]);
    const first = await start();
    expect(await namesOf(first, 'eve')).toEqual(['notes']);
    // Killed somewhere in a load.
    const cut = loads.load(first.admin, { user: 'zoe' }).catch(() => undefined);
    await soon(async () => {
      const { load } = await loads.status(first.admin, { user: 'zoe' });
      expect(load?.loading === true || load?.state === State.STATE_LOADED).toBe(true);
    });
    first.server.kill('SIGKILL');
    await Promise.all([first.server.exited, cut]);

    const second = await start();
    const { state, serverCount } = loadOf(await loads.status(second.admin, { user: 'zoe' }));
    expect([
      [State.STATE_COLD, 0],
      [State.STATE_LOADED, 500],
    ]).toContainEqual([state, serverCount]);
    expect(await namesOf(second, 'zoe')).toHaveLength(500);
    await source.stop();
    expect(await namesOf(second, 'eve')).toEqual(['notes']);
    expect(await refusalOf(namesOf(second, 'newcomer'))).toMatchObject({
      reason: 'SOURCE_UNAVAILABLE',
    });
  });
});

function many(author: string): readonly Row[] {
  return Array.from({ length: 500 }, (_, at) => rowOf(author, `s${String(at)}`));
}
