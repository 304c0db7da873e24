import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  CreateServerRequest,
  GetServerRequest,
  UpdateServerRequest,
} from '../../generated/switchboard/v1/registry_service.js';
import {
  Server,
  type ServerSpec,
  Tier,
  UserVariable,
} from '../../generated/switchboard/v1/server.js';
import {
  APP,
  byId,
  byName,
  httpSpec,
  INVENTORY,
  refusalOf,
  serverOf,
  stdioSpec,
  tokenOf,
  userView,
  type Admin,
  type Init,
} from '../support/grpc-admin/grpc-admin.js';
import { startLocalServer, type LocalServer } from '../support/grpc-admin/server.js';
import { callRaw, damageText, withField } from '../support/grpc-admin/raw.js';

const HUGE = 'i'.repeat(10_000);
const URL = 'https://tools.example/mcp';
// A number that a later version may give to a tier.
const UNKNOWN_TIER = JSON.parse('99') as Tier;
const CREATE = '/switchboard.v1.RegistryService/CreateServer';
const GET = '/switchboard.v1.RegistryService/GetServer';
const UPDATE = '/switchboard.v1.RegistryService/UpdateServer';

let local: LocalServer;
let admin: Admin;
/** A server that updates can name, over streamable HTTP. */
let known: Server;
/** A token and a page token of another tenant. */
let foreign: { readonly token: string; readonly page: string; readonly inventoryPage: string };

beforeAll(async () => {
  local = await startLocalServer();
  ({ admin } = local);
  known = serverOf(await admin.create({ server: valid() }));
  const tenant = 'acme';
  for (const name of ['a', 'b', 'c']) await admin.create({ tenant, server: valid({ name }) });
  const page = await admin.list({ tenant, view: APP, pageSize: 1 });
  const inventory = await admin.list({ tenant, view: INVENTORY, pageSize: 1 });
  foreign = {
    token: tokenOf(page),
    page: page.nextPageToken,
    inventoryPage: inventory.nextPageToken,
  };
});
afterAll(() => local[Symbol.asyncDispose]());

let before: unknown;
beforeEach(async () => void (before = await everything()));
afterEach(async () => {
  expect(await everything(), 'something was changed').toEqual(before);
  expect(local.defects()).toEqual([]);
});

/** All that is stored, with the tokens, of both tenants. */
async function everything(): Promise<unknown> {
  const lists = ['default', 'acme'].map((tenant) => admin.list({ tenant, view: INVENTORY }));
  return (await Promise.all(lists)).map((list) => [tokenOf(list), list.servers]);
}

function valid(rest: Init<typeof Server> = {}): Server {
  return Server.fromPartial({ name: 'weather', tier: Tier.TIER_APP, spec: httpSpec(URL), ...rest });
}

/** A create of a server that is right but for what is given. */
function create(rest: Init<typeof Server>): () => Promise<unknown> {
  return () => admin.create({ server: valid({ name: 'new', ...rest }) });
}

function spec(given: ServerSpec): () => Promise<unknown> {
  return create({ spec: given });
}

function update(rest: Init<typeof Server>, updateMask?: string[]): () => Promise<unknown> {
  return () => admin.update({ server: { id: known.id, etag: known.etag, ...rest }, updateMask });
}

/** The spec of a stdio server. */
function stdio(value: Init<typeof Server>['spec'] extends infer _ ? object : never): ServerSpec {
  return stdioSpec('node', { transport: { $case: 'stdio', value: { command: 'node', ...value } } });
}

function http(value: { url?: string; headers?: Map<string, string> }): ServerSpec {
  return httpSpec(URL, { transport: { $case: 'streamableHttp', value: { url: URL, ...value } } });
}

function ofKind($case: 'sse' | 'websocket', url: string): ServerSpec {
  return httpSpec(URL, { transport: { $case, value: { url } } });
}

function headers(...entries: (readonly [string, string])[]): ServerSpec {
  return http({ headers: new Map(entries) });
}

const many = (count: number): Map<string, string> =>
  new Map(Array.from({ length: count }, (_, index) => [`k${String(index)}`, 'v']));

type Case = readonly [what: string, field: string, call: () => Promise<unknown>];

const S = 'server.spec';
const HEADERS = `${S}.streamable_http.headers`;
const variable = UserVariable.fromPartial({ title: 'a key' });
const proto = new Map([['__proto__', 'x']]);

const declarations: readonly Case[] = [
  ['no server', 'server', () => admin.create({})],
  ['tier left out', 'server.tier', create({ tier: Tier.TIER_UNSPECIFIED })],
  ['an unknown tier', 'server.tier', create({ tier: UNKNOWN_TIER })],
  ['no spec', 'server.spec', create({ spec: undefined })],
  ['no transport', `${S}.transport`, create({ spec: {} })],
  ['an empty command', `${S}.stdio.command`, spec(stdioSpec(''))],
  ['a blank command', `${S}.stdio.command`, spec(stdioSpec('  '))],
  ['a command with a reference', `${S}.stdio.command`, spec(stdioSpec('${env:SHELL}'))],
  ['a command with a NUL', `${S}.stdio.command`, spec(stdioSpec('no\0de'))],
  ['an argument with a NUL', `${S}.stdio.args[1]`, spec(stdio({ args: ['a', 'b\0c'] }))],
  ['257 arguments', `${S}.stdio.args`, spec(stdio({ args: new Array(257).fill('a') }))],
  ['a NUL in the environment', `${S}.stdio.env[A]`, spec(stdio({ env: new Map([['A', '\0']]) }))],
  ['an empty URL', `${S}.streamable_http.url`, spec(httpSpec(''))],
  ['a file: URL', `${S}.streamable_http.url`, spec(httpSpec('file:///etc/passwd'))],
  ['a relative URL', `${S}.streamable_http.url`, spec(httpSpec('tools/mcp'))],
  ['an http URL for a WebSocket', `${S}.websocket.url`, spec(ofKind('websocket', URL))],
  ['a ws URL for SSE', `${S}.sse.url`, spec(ofKind('sse', 'ws://tools.example'))],
  ['a javascript: page', `${S}.website_url`, spec(httpSpec(URL, { websiteUrl: 'javascript:1' }))],
  ['a file: icon', `${S}.icons[0].src`, spec(httpSpec(URL, { icons: [{ src: 'file:///x' }] }))],
  ['a file: proxy', `${S}.proxy_url`, spec(httpSpec(URL, { proxyUrl: 'file:///x' }))],
  ['a header with a line break', `${HEADERS}[x-a]`, spec(headers(['x-a', 'b\r\nx-evil: 1']))],
  ['a header with a NUL', `${HEADERS}[x-a]`, spec(headers(['x-a', '\0']))],
  ['a header name with a space', `${HEADERS}[x a]`, spec(headers(['x a', 'b']))],
  ['a header that is given twice', `${HEADERS}[X-A]`, spec(headers(['x-a', '1'], ['X-A', '2']))],
  ['a header of the transport', `${HEADERS}[Host]`, spec(headers(['Host', 'evil.example']))],
  ['10,000 headers', HEADERS, spec(http({ headers: many(10_000) }))],
  ['10,000 labels', `${S}.labels`, spec(httpSpec(URL, { labels: many(10_000) }))],
  ['a header __proto__', `${HEADERS}[__proto__]`, spec(http({ headers: proto }))],
  ['a variable __proto__', `${S}.stdio.env[__proto__]`, spec(stdio({ env: proto }))],
  ['a label __proto__', `${S}.labels[__proto__]`, spec(httpSpec(URL, { labels: proto }))],
  [
    'an annotation __proto__',
    `${S}.annotations[__proto__]`,
    spec(httpSpec(URL, { annotations: proto })),
  ],
  [
    'a user variable __proto__',
    `${S}.user_variables[__proto__]`,
    spec(httpSpec(URL, { userVariables: new Map([['__proto__', variable]]) })),
  ],
  [
    'an OAuth header __proto__',
    `${S}.oauth.headers[__proto__]`,
    spec(httpSpec(URL, { oauth: { headers: proto } })),
  ],
  [
    'a description of 20 KB',
    `${S}.description`,
    spec(httpSpec(URL, { description: 'd'.repeat(20_000) })),
  ],
  [
    '100,000 sizes of an icon',
    `${S}.icons[0].sizes`,
    spec(httpSpec(URL, { icons: [{ src: URL, sizes: new Array<string>(100_000).fill('1x1') }] })),
  ],
  [
    'a media type of 1 MB',
    `${S}.icons[0].mime_type`,
    spec(httpSpec(URL, { icons: [{ src: URL, mimeType: 'm'.repeat(1_000_000) }] })),
  ],
  [
    'a website of 1 MB',
    `${S}.website_url`,
    spec(httpSpec(URL, { websiteUrl: `${URL}/${'w'.repeat(1_000_000)}` })),
  ],
  [
    'scopes of 30 KB',
    `${S}.oauth.scopes[0]`,
    create({
      tier: Tier.TIER_USER,
      spec: httpSpec(URL, { oauth: { scopes: new Array<string>(64).fill('s'.repeat(30_000)) } }),
    }),
  ],
  ['a title that turns text around', `${S}.title`, spec(httpSpec(URL, { title: 'a\u202eb' }))],
  [
    'a description with an escape sequence',
    `${S}.description`,
    spec(httpSpec(URL, { description: '\u001b[31mred' })),
  ],
  ['a title of 201 characters', `${S}.title`, spec(httpSpec(URL, { title: 't'.repeat(201) }))],
  ['an unknown placeholder', `${S}.streamable_http.url`, spec(httpSpec(`${URL}/\${home:X}`))],
  ['an open placeholder', `${HEADERS}[x-a]`, spec(headers(['x-a', 'v ${user:id']))],
  [
    'an unknown user variable',
    `${HEADERS}[x-a]`,
    create({ tier: Tier.TIER_USER, spec: headers(['x-a', '${var:KEY}']) }),
  ],
  ['an APP server that needs a user', 'server.tier', spec(headers(['x-a', '${user:id}']))],
  [
    'an APP server that needs a user variable',
    'server.tier',
    spec(httpSpec(`${URL}/\${var:KEY}`, { userVariables: new Map([['KEY', variable]]) })),
  ],
  [
    'a PRIVATE server that reads the environment of the node',
    `${HEADERS}[x-a]`,
    create({ tier: Tier.TIER_PRIVATE, owner: 'ana', spec: headers(['x-a', '${env:HOME}']) }),
  ],
  ...(['connect', 'call', 'read'] as const).map((which): Case => [
    `a ${which} time-out of 0`,
    `${S}.timeouts.${which}`,
    spec(httpSpec(URL, { timeouts: { [which]: { seconds: 0, nanos: 0 } } })),
  ]),
  [
    'a negative time-out',
    `${S}.timeouts.call`,
    spec(httpSpec(URL, { timeouts: { call: { seconds: -1 } } })),
  ],
  [
    'a time-out of 25 hours',
    `${S}.timeouts.call`,
    spec(httpSpec(URL, { timeouts: { call: { seconds: 90_000 } } })),
  ],
  [
    'a time-out of too many nanoseconds',
    `${S}.timeouts.call`,
    spec(httpSpec(URL, { timeouts: { call: { seconds: 1, nanos: 2e9 } } })),
  ],
  [
    'a time-out with two signs',
    `${S}.timeouts.call`,
    spec(httpSpec(URL, { timeouts: { call: { seconds: 2, nanos: -5 } } })),
  ],
];

const names: readonly Case[] = [
  ...Object.entries({
    'no name': '',
    'a name with a NUL': 'a\0b',
    'a name with a line break': 'a\nb',
    'a name with a slash': 'a/b',
    'a name with a backslash': 'a\\b',
    'the name __proto__': '__proto__',
    'the name constructor': 'constructor',
    'the name ..': '..',
    'a name with a space before it': ' a',
    'a name of 201 characters': 'n'.repeat(201),
    'a name with a zero-width space': 'we\u200bather',
    'a name with a right-to-left override': 'we\u202eather',
    'a name with a no-break space': 'we\u00a0ather',
  }).map(([what, name]): Case => [what, 'server.name', create({ name })]),
  ['PRIVATE without an owner', 'server.owner', create({ tier: Tier.TIER_PRIVATE })],
  ['PRIVATE with a blank owner', 'server.owner', create({ tier: Tier.TIER_PRIVATE, owner: '  ' })],
  [
    'PRIVATE with an owner of 10 KB',
    'server.owner',
    create({ tier: Tier.TIER_PRIVATE, owner: HUGE }),
  ],
  [
    'an owner with a zero-width joiner',
    'server.owner',
    create({ tier: Tier.TIER_PRIVATE, owner: 'an\u200da' }),
  ],
  [
    'an owner in another form than NFC',
    'server.owner',
    create({ tier: Tier.TIER_PRIVATE, owner: 'jose\u0301' }),
  ],
  ['an owner of an APP server', 'server.owner', create({ owner: 'ana' })],
  ['an external id of 10 KB', 'server.external_id', create({ externalId: HUGE })],
  [
    'a request id of 10 KB',
    'request_id',
    () => admin.create({ server: valid({ name: 'new' }), requestId: HUGE }),
  ],
  [
    'a reason of 10 KB',
    'reason',
    () => admin.create({ server: valid({ name: 'new' }), reason: HUGE }),
  ],
  ['a tenant of 10 KB', 'tenant', () => admin.create({ server: valid(), tenant: HUGE })],
  ['a blank tenant', 'tenant', () => admin.create({ server: valid(), tenant: ' ' })],
  ['an invisible tenant', 'tenant', () => admin.create({ server: valid(), tenant: '\u3164' })],
  ['a tenant with a NUL', 'tenant', () => admin.create({ server: valid(), tenant: 'a\0b' })],
];

const changes: readonly Case[] = [
  ['an update of nothing', 'server', () => admin.update({})],
  ['an update without an id', 'server.id', update({ id: '' })],
  ['an update of an id of 10 KB', 'server.id', update({ id: HUGE })],
  ['an update without an etag', 'server.etag', update({ etag: '' })],
  ['an update to a name with a slash', 'server.name', update({ name: 'a/b' })],
  ['an update to a file: URL', `${S}.streamable_http.url`, update({ spec: httpSpec('file:///x') })],
  [
    'a mask that names what is not given',
    `${S}.sse`,
    update({ spec: httpSpec(URL) }, ['spec.sse']),
  ],
  ...[
    'nope',
    '',
    'id',
    'etag',
    'config_hash',
    '__proto__',
    'constructor',
    'spec.__proto__',
    'spec.constructor',
    'spec.nope',
    'spec.',
    'spec.title.x',
    'spec.labels.a',
    'spec.streamable_http.__proto__',
    'spec.streamable_http.kind',
    'spec.streamable_http.url.x',
    'externalId',
  ].map((path): Case => [
    `the mask path ${path === '' ? '(empty)' : path.slice(0, 40)}`,
    'update_mask',
    update({ name: 'renamed', spec: httpSpec(URL) }, [path]),
  ]),
  ['a mask path of 10 KB', 'update_mask[0]', update({ name: 'renamed' }, [HUGE])],
  [
    'a mask of another transport',
    'update_mask',
    update({ spec: ofKind('sse', URL) }, ['spec.sse.url']),
  ],
  ['a tier by mask that is left out', 'server.tier', update({}, ['tier'])],
  ['a spec by mask that is left out', 'server.spec', update({}, ['spec'])],
  [
    'an update with a request id of 10 KB',
    'request_id',
    () => admin.update({ server: { ...known, name: 'x' }, requestId: HUGE }),
  ],
  ['a removal without an id', 'id', () => admin.remove({ etag: 'x' })],
  ['a removal of an id of 10 KB', 'id', () => admin.remove({ id: HUGE, etag: 'x' })],
  ['a removal without an etag', 'etag', () => admin.remove({ id: known.id })],
];

const groups = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `g${String(n)}`);

const reads: readonly Case[] = [
  ['a get without a view', 'view', () => admin.get({ key: byName('weather') })],
  ['a get with an empty view', 'view', () => admin.get({ view: {}, key: byName('weather') })],
  ['a get without a key', 'name', () => admin.get({ view: APP })],
  ['a get of an empty name', 'name', () => admin.get({ view: APP, key: byName('') })],
  ['a get of an id of 10 KB', 'id', () => admin.get({ view: APP, key: byId(HUGE) })],
  [
    'a get of an id of 10 KB, as admin',
    'id',
    () => admin.get({ view: INVENTORY, key: byId(HUGE) }),
  ],
  ['a get of a name, as admin', 'key', () => admin.get({ view: INVENTORY, key: byName('a') })],
  ['a blank user', 'view.user.user', () => admin.get({ view: userView(' '), key: byName('a') })],
  [
    'a user of 10 KB',
    'view.user.user',
    () => admin.get({ view: userView(HUGE), key: byName('a') }),
  ],
  ['a blank group', 'view.user.groups[1]', () => admin.list({ view: userView('ana', ['a', ' ']) })],
  ['a group of 10 KB', 'view.user.groups[0]', () => admin.list({ view: userView('ana', [HUGE]) })],
  ['300 groups', 'view.user.groups', () => admin.list({ view: userView('ana', groups(300)) })],
  ['a tenant of 10 KB in a read', 'tenant', () => admin.list({ view: APP, tenant: HUGE })],
  ['a list without a view', 'view', () => admin.list({})],
  ['a negative page size', 'page_size', () => admin.list({ view: APP, pageSize: -1 })],
  ['a page token that is none', 'page_token', () => admin.list({ view: APP, pageToken: 'x' })],
  [
    'an unknown tier in a filter',
    'filter.tiers[1]',
    () => admin.list({ view: APP, filter: { tiers: [Tier.TIER_APP, UNKNOWN_TIER] } }),
  ],
  ['a check of nothing', 'items', () => admin.check({ items: [] })],
  [
    '1,001 checks',
    'items',
    () => admin.check({ items: Array.from({ length: 1_001 }, () => ({})) }),
  ],
];

describe('bad input', () => {
  for (const [chapter, cases] of Object.entries({ declarations, names, changes, reads })) {
    it.each(cases)(
      `${chapter}: %s is INVALID_FIELD at %s and changes nothing`,
      async (_, field, call) => {
        const { code, reason, fields } = await refusalOf(call());
        expect({ code, reason, fields }).toEqual({
          code: 'INVALID_ARGUMENT',
          reason: 'INVALID_FIELD',
          fields: expect.arrayContaining([field]) as unknown,
        });
      },
    );
  }

  it('names every field that is wrong, up to 8', async () => {
    const wrong = stdioSpec('', { websiteUrl: 'x', proxyUrl: 'x' });
    const { fields } = await refusalOf(create({ name: 'a/b', owner: 'ana', spec: wrong })());
    expect(fields.toSorted()).toEqual(
      ['name', 'owner', 'spec.proxy_url', 'spec.stdio.command', 'spec.website_url'].map(
        (field) => `server.${field}`,
      ),
    );
    expect((await refusalOf(spec(http({ headers: many(10_000) }))())).fields.length).toBeLessThan(
      9,
    );
  });

  it('validate_only refuses the same [R6]', async () => {
    const refused = await refusalOf(
      admin.create({ server: valid({ name: 'a/b' }), validateOnly: true }),
    );
    expect(refused).toMatchObject({ reason: 'INVALID_FIELD', fields: ['server.name'] });
  });

  it('a message above the limit is RESOURCE_EXHAUSTED', async () => {
    const refused = await refusalOf(
      create({ spec: httpSpec(URL, { description: 'd'.repeat(5_000_000) }) })(),
    );
    expect(refused.code).toBe('RESOURCE_EXHAUSTED');
  });
});

describe('tokens of another tenant', () => {
  const page = (pageToken: string, view = APP): Promise<unknown> =>
    admin.list({ view, pageToken, pageSize: 1 });

  it.each<Case>([
    [
      'at_least of a get',
      'at_least',
      () => admin.get({ view: APP, key: byName('weather'), atLeast: foreign.token }),
    ],
    ['at_least of a list', 'at_least', () => admin.list({ view: APP, atLeast: foreign.token })],
    [
      'at_least that is damaged',
      'at_least',
      () => admin.list({ view: APP, atLeast: foreign.token.replace(/.$/, '!') }),
    ],
    ['at_least of 10 KB', 'at_least', () => admin.list({ view: APP, atLeast: HUGE })],
    ['page_token', 'page_token', () => page(foreign.page)],
    ['page_token of the inventory', 'page_token', () => page(foreign.inventoryPage, INVENTORY)],
  ])('%s is TOKEN_INVALID at %s', async (_, field, call) => {
    const { code, reason, fields } = await refusalOf(call());
    expect({ code, reason, fields }).toEqual({
      code: 'INVALID_ARGUMENT',
      reason: 'TOKEN_INVALID',
      fields: [field],
    });
  });
});

describe('bytes that are no message', () => {
  const bytes = (name: string): Buffer =>
    Buffer.from(
      CreateServerRequest.encode({
        ...CreateServerRequest.fromPartial({}),
        server: valid({ name }),
      }).finish(),
    );

  it.each<Case>([
    [
      'in the name',
      'server.name',
      () => callRaw(admin.registry, CREATE, damageText(bytes('QQQQ'), 'QQQQ')),
    ],
    [
      'in a description',
      `${S}.description`,
      () =>
        callRaw(
          admin.registry,
          CREATE,
          damageText(
            Buffer.from(
              CreateServerRequest.encode(
                CreateServerRequest.fromPartial({
                  server: valid({ name: 'new', spec: httpSpec(URL, { description: 'QQQQ' }) }),
                }),
              ).finish(),
            ),
            'QQQQ',
          ),
        ),
    ],
    [
      'in a header',
      `${HEADERS}[x-a]`,
      () =>
        callRaw(
          admin.registry,
          CREATE,
          damageText(
            Buffer.from(
              CreateServerRequest.encode(
                CreateServerRequest.fromPartial({
                  server: valid({ name: 'new', spec: headers(['x-a', 'QQQQ']) }),
                }),
              ).finish(),
            ),
            'QQQQ',
          ),
        ),
    ],
    [
      'in a user',
      'view.user.user',
      () =>
        callRaw(
          admin.registry,
          GET,
          damageText(
            Buffer.from(
              GetServerRequest.encode(
                GetServerRequest.fromPartial({ view: userView('QQQQ'), key: byName('a') }),
              ).finish(),
            ),
            'QQQQ',
          ),
        ),
    ],
    [
      'in a tenant',
      'tenant',
      () =>
        callRaw(
          admin.registry,
          GET,
          damageText(
            Buffer.from(
              GetServerRequest.encode(
                GetServerRequest.fromPartial({ tenant: 'QQQQ', view: APP, key: byName('a') }),
              ).finish(),
            ),
            'QQQQ',
          ),
        ),
    ],
    [
      'in a mask',
      'update_mask[0]',
      () =>
        callRaw(
          admin.registry,
          UPDATE,
          damageText(
            Buffer.from(
              UpdateServerRequest.encode(
                UpdateServerRequest.fromPartial({ server: known, updateMask: ['QQQQ'] }),
              ).finish(),
            ),
            'QQQQ',
          ),
        ),
    ],
  ])('invalid UTF-8 %s is INVALID_FIELD at %s', async (_, field, call) => {
    const { code, reason, fields } = await refusalOf(call());
    expect({ code, reason, fields }).toEqual({
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_FIELD',
      fields: [field],
    });
  });

  it.each<readonly [string, () => Buffer]>([
    ['cut short', () => bytes('new').subarray(0, -3)],
    ['with bytes behind it', () => Buffer.concat([bytes('new'), Buffer.from([0xff, 0xff, 0xff])])],
    ['random', () => Buffer.from('deadbeefcafebabe0102030405', 'hex')],
    ['a number without end', () => Buffer.alloc(64, 0xff)],
    ['an open group', () => Buffer.from([0x0b])],
    ['a length beyond the end', () => Buffer.from([0x12, 0xff, 0xff, 0xff, 0x7f])],
  ])('a message that is %s is INVALID_FIELD', async (_, make) => {
    const { code, reason, fields } = await refusalOf(callRaw(admin.registry, CREATE, make()));
    expect({ code, reason, fields }).toEqual({
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_FIELD',
      fields: ['request'],
    });
  });

  it('a transport that this version does not know is none at all', async () => {
    // Field 500 of the spec, field 6 of the server, field 2 of the request.
    const unknown = withField(Buffer.alloc(0), 500, Buffer.from('carrier pigeon'));
    const server = valid({ name: 'new', spec: undefined });
    const raw = withField(
      Buffer.alloc(0),
      2,
      withField(Server.encode(server).finish(), 6, unknown),
    );
    expect(await refusalOf(callRaw(admin.registry, CREATE, raw))).toMatchObject({
      reason: 'INVALID_FIELD',
      fields: [`${S}.transport`],
    });
  });
});
