import { credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { type Collection, ObjectId } from 'mongodb';
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  it,
  onTestFinished,
  type TestContext,
} from 'vitest';
import {
  type ListPrivateServersResponse,
  PrivateSourceServiceClient,
  type SourceServer,
} from '../../generated/switchboard/source/v1/private_source_service.js';
import { soon } from '../support/control-plane/node.js';
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

interface Row {
  readonly _id?: ObjectId | string;
  readonly serverName: unknown;
  readonly author: unknown;
  readonly allowedUsers?: readonly unknown[];
  readonly config: unknown;
}

const remote = { type: 'streamable-http', url: 'https://mcp.example.com/mcp' };

describe('the example of a private source', () => {
  let missing: string | undefined;
  let mongo: MongoServer;
  let database: ReturnType<typeof temporaryDatabase> | undefined;
  let rows: Collection<Row>;
  let source: PrivateSourceExample;
  let client: PrivateSourceServiceClient;

  beforeAll(async () => {
    missing = await missingMongo();
    if (missing !== undefined) return;
    mongo = await startMongo();
    database = temporaryDatabase(mongo.url);
    rows = database.db.collection('mcpservers');
    source = await startPrivateSourceExample(where());
    client = clientOf(source);
  }, MONGO_SETUP_MS);

  afterAll(async () => {
    if (database === undefined) return;
    client.close();
    await source[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
    await mongo.stop();
  });

  const where = (): { mongoUrl: string; database: string } => ({
    mongoUrl: mongo.url,
    database: database!.db.databaseName,
  });

  const test = (title: string, body: (context: TestContext) => Promise<unknown>): void => {
    it(title, async (context) => {
      context.skip(missing !== undefined, missing);
      await body(context);
    });
  };

  test('tells own servers and shared ones, and no others', async () => {
    await rows.insertMany([
      { _id: 'r1', serverName: 'mine', author: 'ana', config: remote },
      {
        _id: 'r2',
        serverName: 'shared',
        author: 'bob',
        allowedUsers: ['eve', 'ana'],
        config: remote,
      },
      { _id: 'r3', serverName: 'both', author: 'ana', allowedUsers: ['ana'], config: remote },
      { _id: 'r4', serverName: 'foreign', author: 'bob', allowedUsers: ['eve'], config: remote },
    ]);
    const { servers } = await list(client, 'ana');
    expect(servers.map(({ rowId, name, owner, broken }) => [rowId, name, owner, broken])).toEqual([
      ['r1', 'mine', 'ana', ''],
      ['r2', 'shared', 'bob', ''],
      ['r3', 'both', 'ana', ''],
    ]);
    expect(servers[0]?.spec?.transport).toEqual({
      $case: 'streamableHttp',
      value: { url: remote.url, headers: new Map() },
    });
  });

  test('answers a user without servers with an empty stream', async () => {
    expect(await list(client, 'nobody')).toEqual({ servers: [], messages: 0 });
  });

  test('finds ids that are kept as ObjectIds', async () => {
    const [_id, author, friend] = [new ObjectId(), new ObjectId(), new ObjectId()];
    await rows.insertOne({
      _id,
      serverName: 'x',
      author,
      allowedUsers: [friend],
      config: remote,
    });
    for (const user of [author, friend]) {
      const { servers } = await list(client, user.toHexString());
      expect(servers).toMatchObject([
        { rowId: _id.toHexString(), owner: author.toHexString(), broken: '' },
      ]);
    }
  });

  test('translates what LibreChat says', async () => {
    const customUserVars = { KEY: { title: 'Key', description: 'of the shop' } };
    await rows.insertMany([
      {
        _id: 't1',
        serverName: 'stdio',
        author: 'tom',
        config: {
          ...{
            command: 'npx',
            args: ['-y', '{{KEY}}', '${HOME}'],
            env: { ID: '{{LIBRECHAT_USER_ID}}' },
          },
          ...{
            title: 'Shop',
            timeout: 1500,
            initTimeout: 0,
            serverInstructions: 'Buy.',
            startup: false,
          },
          customUserVars,
          chatMenu: true,
          tools: 'a,b',
        },
      },
      {
        _id: 't2',
        serverName: 'sse',
        author: 'tom',
        config: {
          url: 'http://a.example/{{KEY}}',
          headers: { A: 'Bearer {{KEY}} {{other}}' },
          customUserVars,
          serverInstructions: true,
          requiresOAuth: true,
          oauth: { client_id: 'c', scope: 'a  b', token_exchange_method: 'default_post' },
        },
      },
      { _id: 't3', serverName: 'socket', author: 'tom', config: { url: 'wss://a.example' } },
    ]);
    const { servers } = await list(client, 'tom');
    expect(servers.map(({ broken }) => broken)).toEqual(['', '', '']);
    expect(servers[0]?.spec).toMatchObject({
      transport: {
        $case: 'stdio',
        value: {
          command: 'npx',
          args: ['-y', '${var:KEY}', '$${HOME}'],
          env: new Map([['ID', '${user:id}']]),
        },
      },
      ...{
        title: 'Shop',
        startup: false,
        instructions: { kind: { $case: 'text', value: 'Buy.' } },
      },
      timeouts: { call: { seconds: 1, nanos: 500_000_000 }, connect: undefined, read: undefined },
      userVariables: new Map([
        ['KEY', { title: 'Key', description: 'of the shop', sensitive: true }],
      ]),
    });
    expect(servers[1]?.spec).toMatchObject({
      transport: {
        $case: 'sse',
        value: {
          url: 'http://a.example/${var:KEY}',
          headers: new Map([['A', 'Bearer ${var:KEY} {{other}}']]),
        },
      },
      requiresOauth: true,
      instructions: { kind: { $case: 'fromServer' } },
      oauth: {
        clientId: 'c',
        scopes: ['a', 'b'],
        tokenEndpointAuthMethod: 'client_secret_post',
      },
    });
    expect(servers[2]?.spec?.transport).toMatchObject({ $case: 'websocket' });
  });

  test('tells a document that it cannot translate as broken, and which field it is', async () => {
    const broken: readonly [unknown, string][] = [
      [{ type: 'pigeon', url: 'coo' }, 'config.type: '],
      [{ type: 'sse', url: 7 }, 'config.url: '],
      [{}, 'config.url: is no address for sse.'],
      [{ url: 'wss://a', type: 'sse' }, 'config.url: is no address for sse.'],
      [{ type: 'stdio' }, 'config.command: is missing.'],
      [{ ...remote, headers: { A: 1 } }, 'config.headers.A: '],
      [{ ...remote, headers: { A: '{{LIBRECHAT_NEW}}' } }, 'config.headers.A: nothing is known of'],
      [{ ...remote, apiKey: { key: 'k' } }, 'config.apiKey: '],
      [{ ...remote, title: 'x'.repeat(3_000_000) }, 'config: is too large.'],
      [null, 'config: '],
      [undefined, 'config: '],
    ];
    await rows.insertMany([
      ...broken.map(([config], at) => ({
        _id: `b${String(at).padStart(2, '0')}`,
        serverName: 'b',
        author: 'ben',
        config,
      })),
      { _id: 'c0', serverName: 'a/b', author: 'ben', config: remote },
      { _id: 'c1', serverName: 'c', author: 8, allowedUsers: ['ben'], config: remote },
      { _id: 'c2', serverName: 'whole', author: 'ben', config: remote },
    ]);
    const { servers } = await list(client, 'ben');
    const told = servers.map((server) => (server.spec === undefined ? server.broken : 'whole'));
    expect(told).toEqual([
      ...broken.map(([, sentence]) => expect.stringContaining(sentence) as string),
      'serverName: is not a name of 1 to 200 plain characters.',
      'author: is not the id of a user.',
      'whole',
    ]);
    expect(servers.map(({ name }) => name)).toEqual([...broken.map(() => 'b'), 'c0', 'c', 'whole']);
  });

  test('tells 1,500 servers in messages of a hundred', async () => {
    await rows.insertMany(
      Array.from({ length: 1_500 }, (_, at) => ({
        ...{
          serverName: `s${String(at)}`,
          author: 'mia',
          config: { ...remote, title: String(at) },
        },
      })),
    );
    const { servers, messages } = await list(client, 'mia');
    expect(messages).toBe(15);
    expect(servers.map(({ spec }) => Number(spec?.title))).toEqual([...Array(1_500).keys()]);
  });

  test('refuses what it must not answer', async () => {
    expect(await codeOf(list(client, ''))).toBe(status.INVALID_ARGUMENT);
    expect(await codeOf(list(client, 'ana', { tenant: 'other' }))).toBe(status.NOT_FOUND);
    await using guarded = await startPrivateSourceExample({ ...where(), token: 's3cret' });
    const asking = clientOf(guarded);
    onTestFinished(() => {
      asking.close();
    });
    const withToken = (token: string): Promise<unknown> => list(asking, 'nobody', { token });
    expect(await codeOf(list(asking, 'nobody'))).toBe(status.UNAUTHENTICATED);
    expect(await codeOf(withToken('Bearer wrong'))).toBe(status.UNAUTHENTICATED);
    expect(await withToken('Bearer s3cret')).toMatchObject({ servers: [] });
    expect(await guarded.stop()).toBe(0);
  });

  test('is unavailable while the database is, and recovers by itself', async ({ skip }) => {
    skip(!mongo.isOurs, 'MONGODB_URL names a server that tests may not stop');
    await rows.insertOne({ _id: 'z', serverName: 'z', author: 'zoe', config: remote });
    await mongo.kill();
    expect(await codeOf(list(client, 'zoe'))).toBe(status.UNAVAILABLE);
    // Also one that starts while there is no database.
    await using early = await startPrivateSourceExample(where());
    const asking = clientOf(early);
    onTestFinished(() => {
      asking.close();
    });
    expect(await codeOf(list(asking, 'zoe'))).toBe(status.UNAVAILABLE);
    await mongo.restart();
    for (const each of [client, asking]) {
      await soon(async () => {
        const { servers } = await list(each, 'zoe');
        expect(servers.map(({ name }) => name)).toEqual(['z']);
      });
    }
  });
});

function clientOf({ address }: PrivateSourceExample): PrivateSourceServiceClient {
  return new PrivateSourceServiceClient(address, credentials.createInsecure());
}

/** All that is told about a user, and in how many messages. */
async function list(
  client: PrivateSourceServiceClient,
  user: string,
  { tenant = 'default', token }: { readonly tenant?: string; readonly token?: string } = {},
): Promise<{ readonly servers: readonly SourceServer[]; readonly messages: number }> {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', token);
  const servers: SourceServer[] = [];
  let messages = 0;
  const stream = client.listPrivateServers({ tenant, user }, metadata);
  stream.on('data', (message: ListPrivateServersResponse) => {
    servers.push(...message.servers);
    messages += 1;
  });
  // Not `end`, which comes before an error as well.
  await new Promise<void>((resolve, reject) => {
    stream.once('error', reject);
    stream.once('status', ({ code }) => {
      if (code === status.OK) resolve();
    });
  });
  return { servers, messages };
}

async function codeOf(call: Promise<unknown>): Promise<status | undefined> {
  return call.then(
    () => undefined,
    (error: unknown) => (error as ServiceError).code,
  );
}
