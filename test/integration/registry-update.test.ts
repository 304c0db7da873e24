import type { ServiceError } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Server as ServerMessage } from '../../generated/switchboard/v1/server.js';
import { ConnectionScope, Server, Stderr, Tier } from '../../generated/switchboard/v1/server.js';
import {
  declare,
  declarePrivate,
  httpSpec,
  newestRevision,
  newTenant,
  refusalOf,
  serverOf,
  stdioSpec,
  toRefusal,
  type Admin,
  type Init,
} from '../support/grpc-admin/grpc-admin.js';
import { startLocalServer, type LocalServer } from '../support/grpc-admin/server.js';

let local: LocalServer;
let admin: Admin;

beforeAll(async () => {
  local = await startLocalServer();
  ({ admin } = local);
});
afterAll(() => local[Symbol.asyncDispose]());
afterEach(() => expect(local.defects()).toEqual([]));

/** Every field has a value, so that what a mask must not touch can be told. */
const FULL = httpSpec('https://old.example/mcp', {
  transport: {
    $case: 'streamableHttp',
    value: { url: 'https://old.example/mcp', headers: new Map([['x-old', '1']]) },
  },
  title: 'old',
  description: 'old',
  version: '1',
  icons: [{ src: 'https://old.example/icon.png', sizes: ['48x48'] }],
  websiteUrl: 'https://old.example',
  enabled: false,
  startup: false,
  timeouts: { connect: { seconds: 1 }, call: { seconds: 2 }, read: { seconds: 3 } },
  instructions: { kind: { $case: 'text', value: 'old' } },
  requiresOauth: true,
  oauth: { clientId: 'old', scopes: ['a'], grantType: 'client_credentials' },
  userVariables: new Map(),
  proxyUrl: 'http://proxy.example',
  toolFilter: { allow: ['old'], deny: [] },
  labels: new Map([['old', '1']]),
  annotations: new Map([['old', '1']]),
});
const STDIO = stdioSpec('old', {
  transport: {
    $case: 'stdio',
    value: {
      command: 'old',
      args: ['old'],
      env: new Map([['OLD', '1']]),
      cwd: '/old',
      stderr: Stderr.STDERR_PIPE,
    },
  },
});

/** What is to differ after the change, and nothing else may. */
type Expected = (before: ServerMessage) => Init<typeof Server>;

async function expectUpdate(
  before: ServerMessage,
  { tenant, given, mask }: { tenant: string; given: Init<typeof Server>; mask?: string[] },
  expected: Expected,
): Promise<ServerMessage> {
  const { id, etag } = before;
  const answer = await admin.update({
    tenant,
    server: { ...given, id, etag },
    ...(mask === undefined ? {} : { updateMask: mask }),
  });
  const after = serverOf(answer);
  const generation = before.generation + 1;
  const wanted = Server.fromPartial({ ...before, generation, ...expected(before) });
  const output = ['etag', 'lastUpdatedAt', 'configHash'] as const;
  for (const field of output) Object.assign(wanted, { [field]: after[field] });
  expect(after).toEqual(wanted);
  expect(after.etag).not.toBe(before.etag);
  expect(after.lastUpdatedAt!.getTime()).toBeGreaterThan(before.lastUpdatedAt!.getTime());
  return after;
}

describe('an update mask', () => {
  const given = httpSpec('https://new.example/mcp', {
    transport: {
      $case: 'streamableHttp',
      value: { url: 'https://new.example/mcp', headers: new Map([['x-new', '2']]) },
    },
    title: 'new',
    description: 'new',
    version: '2',
    icons: [],
    websiteUrl: '',
    timeouts: { call: { seconds: 9 } },
    instructions: { kind: { $case: 'fromServer', value: {} } },
    oauth: { clientId: 'new', grantType: 'client_credentials' },
    userVariables: new Map([['KEY', { title: 'k', description: '', sensitive: true }]]),
    proxyUrl: '',
    toolFilter: { allow: [], deny: ['new'] },
    labels: new Map([['new', '2']]),
    annotations: new Map(),
  });
  // As they are written out in every answer: a field of the spec that is not given is its default.
  const defaults = { ...given, enabled: true, startup: true };
  const fields: Readonly<Record<string, keyof typeof given>> = {
    title: 'title',
    description: 'description',
    version: 'version',
    icons: 'icons',
    website_url: 'websiteUrl',
    enabled: 'enabled',
    startup: 'startup',
    timeouts: 'timeouts',
    instructions: 'instructions',
    requires_oauth: 'requiresOauth',
    oauth: 'oauth',
    user_variables: 'userVariables',
    proxy_url: 'proxyUrl',
    tool_filter: 'toolFilter',
    labels: 'labels',
    annotations: 'annotations',
    streamable_http: 'transport',
  };

  it.each(Object.entries(fields))('takes spec.%s and nothing else', async (path, field) => {
    const tenant = newTenant();
    const before = await declare(admin, tenant, { name: 'tools', spec: FULL });
    const change = { tenant, given: { name: 'not this', spec: given }, mask: [`spec.${path}`] };
    await expectUpdate(before, change, ({ spec }) => ({
      spec: { ...spec, [field]: defaults[field] },
    }));
  });

  it('takes fields of the transport, one by one', async () => {
    const tenant = newTenant();
    const before = await declare(admin, tenant, { name: 'tools', spec: FULL });
    const transport = (url: string, headers: Map<string, string>): Init<typeof Server> => ({
      spec: { ...FULL, transport: { $case: 'streamableHttp', value: { url, headers } } },
    });
    const change = { tenant, given: { spec: given } };
    const url = await expectUpdate(before, { ...change, mask: ['spec.streamable_http.url'] }, () =>
      transport('https://new.example/mcp', new Map([['x-old', '1']])),
    );
    await expectUpdate(url, { ...change, mask: ['spec.streamable_http.headers'] }, () =>
      transport('https://new.example/mcp', new Map([['x-new', '2']])),
    );
  });

  it.each([
    ['command', { command: 'new' }],
    ['args', { args: ['new', '2'] }],
    ['env', { env: new Map([['NEW', '2']]) }],
    ['cwd', { cwd: '' }],
    ['stderr', { stderr: Stderr.STDERR_INHERIT }],
  ])('takes spec.stdio.%s', async (path, value) => {
    const tenant = newTenant();
    const before = await declare(admin, tenant, { name: 'tools', spec: STDIO });
    const old = STDIO.transport!.value as object;
    const newSpec = stdioSpec('x', {
      transport: { $case: 'stdio', value: { command: 'x', ...value } },
    });
    const change = { tenant, given: { spec: newSpec }, mask: [`spec.stdio.${path}`] };
    await expectUpdate(before, change, ({ spec }) => ({
      spec: { ...spec, transport: { $case: 'stdio', value: { ...old, ...value } } },
    }));
  });

  it('takes several fields in one step, and the last one wins over a whole', async () => {
    const tenant = newTenant();
    const before = await declare(admin, tenant, { name: 'tools', spec: FULL });
    const mask = ['name', 'external_id', 'spec.title', 'spec.labels'];
    const change = { tenant, given: { name: 'new', externalId: 'e', spec: given }, mask };
    await expectUpdate(before, change, ({ spec }) => ({
      name: 'new',
      externalId: 'e',
      spec: { ...spec, title: 'new', labels: given.labels },
    }));
    expect(await newestRevision(admin, tenant)).toBe(2);
  });

  it('takes the spec as a whole, also another transport', async () => {
    const tenant = newTenant();
    const before = await declare(admin, tenant, { name: 'tools', spec: FULL });
    const other = await declare(admin, tenant, { name: 'other', spec: STDIO });
    const change = { tenant, given: { name: 'not this', spec: STDIO }, mask: ['spec'] };
    const after = await expectUpdate(before, change, () => ({ spec: other.spec }));
    expect(after.configHash).not.toBe(before.configHash);
  });

  it('that is left out takes what is set, the spec as a whole', async () => {
    const tenant = newTenant();
    const before = await declare(admin, tenant, { name: 'tools', externalId: 'e', spec: FULL });
    await expectUpdate(before, { tenant, given: { name: 'new' } }, () => ({ name: 'new' }));
  });

  it('of * takes everything: what is not set is emptied', async () => {
    const tenant = newTenant();
    const before = await declare(admin, tenant, { name: 'tools', externalId: 'e', spec: FULL });
    const other = await declare(admin, tenant, { name: 'other', spec: STDIO });
    const all = { name: 'new', tier: Tier.TIER_APP, spec: STDIO };
    await expectUpdate(before, { tenant, given: all, mask: ['*'] }, () => ({
      ...all,
      spec: other.spec,
      externalId: '',
    }));
  });

  it('that names nothing new writes nothing, and an old etag is refused all the same [R4]', async () => {
    const tenant = newTenant();
    const before = await declare(admin, tenant, { name: 'tools', spec: FULL });
    const { id, etag } = before;
    const same = { tenant, server: { ...before }, updateMask: ['*'] };
    expect((await admin.update(same)).server).toEqual(before);
    const title = { id, etag, spec: { title: 'old' } };
    const again = { tenant, server: title, updateMask: ['spec.title'] };
    expect((await admin.update(again)).server).toEqual(before);
    expect((await admin.update({ tenant, server: { id, etag } })).server).toEqual(before);
    expect(await newestRevision(admin, tenant)).toBe(1);
    await admin.update({ tenant, server: { id, etag, name: 'new' } });
    expect((await refusalOf(admin.update(same))).reason).toBe('ETAG_MISMATCH');
  });
});

describe('UpdateServer', () => {
  it('moves between APP and USER, and the config hash goes with the scope [R5, P32]', async () => {
    const tenant = newTenant();
    const before = await declare(admin, tenant, { name: 'tools' });
    const moved = serverOf(
      await admin.update({
        tenant,
        server: { id: before.id, etag: before.etag, tier: Tier.TIER_USER },
      }),
    );
    expect(moved).toMatchObject({
      tier: Tier.TIER_USER,
      connectionScope: ConnectionScope.CONNECTION_SCOPE_USER,
      spec: before.spec,
    });
    expect(moved.configHash).not.toBe(before.configHash);
    const back = serverOf(
      await admin.update({
        tenant,
        server: { id: moved.id, etag: moved.etag, tier: Tier.TIER_APP },
      }),
    );
    expect(back.configHash).toBe(before.configHash);
    expect(back.etag).not.toBe(before.etag);
  });

  it('leaves the config hash where nothing matters to a connection', async () => {
    const tenant = newTenant();
    const { id, etag, configHash } = await declare(admin, tenant, { name: 'tools' });
    const spec = { title: 'new', labels: new Map([['a', 'b']]) };
    const updateMask = ['spec.title', 'spec.labels'];
    const after = serverOf(await admin.update({ tenant, server: { id, etag, spec }, updateMask }));
    expect(after.configHash).toBe(configHash);
  });

  it('does not make a server private, nor a private one shared', async () => {
    const tenant = newTenant();
    const shared = await declare(admin, tenant, { name: 'tools' });
    const own = await declarePrivate(admin, tenant, { owner: 'bob', name: 'own' });
    const refused = { code: 'FAILED_PRECONDITION', reason: 'TIER_CHANGE_NOT_ALLOWED' };
    const demote = { id: shared.id, etag: shared.etag, tier: Tier.TIER_PRIVATE, owner: 'bob' };
    const promote = { id: own.id, etag: own.etag, tier: Tier.TIER_USER };
    expect(await refusalOf(admin.update({ tenant, server: demote }))).toMatchObject(refused);
    const updateMask = ['tier', 'owner'];
    expect(await refusalOf(admin.update({ tenant, server: promote, updateMask }))).toMatchObject(
      refused,
    );
    expect(await newestRevision(admin, tenant)).toBe(2);
  });

  it('gives a private server to another owner, in one step [R5]', async () => {
    const tenant = newTenant();
    const own = await declarePrivate(admin, tenant, { owner: 'bob', name: 'own' });
    await declarePrivate(admin, tenant, { owner: 'cy', name: 'own' });
    const to = (owner: string) => admin.update({ tenant, server: { ...own, owner } });
    // His own has the name.
    expect((await refusalOf(to('cy'))).reason).toBe('NAME_TAKEN');
    expect(serverOf(await to('ana')).owner).toBe('ana');
  });

  it('refuses a name that another has, and frees the one that it leaves', async () => {
    const tenant = newTenant();
    const first = await declare(admin, tenant, { name: 'first' });
    const second = await declare(admin, tenant, { name: 'second', tier: Tier.TIER_USER });
    const rename = ({ id, etag }: ServerMessage, name: string) =>
      admin.update({ tenant, server: { id, etag, name } });
    expect(await refusalOf(rename(second, 'first'))).toMatchObject({
      code: 'ALREADY_EXISTS',
      reason: 'NAME_TAKEN',
      metadata: { id: first.id, tier: 'APP' },
    });
    await rename(first, 'third');
    expect(serverOf(await rename(second, 'first')).name).toBe('first');
  });

  it('of what is not there is SERVER_NOT_FOUND; a lost race tells the current etag [R2]', async () => {
    const tenant = newTenant();
    const { id, etag } = await declare(admin, tenant, { name: 'tools' });
    const stranger = { tenant, server: { id: 'no-such-id', etag, name: 'x' } };
    expect(await refusalOf(admin.update(stranger))).toMatchObject({
      code: 'NOT_FOUND',
      reason: 'SERVER_NOT_FOUND',
    });
    const racers = Array.from({ length: 20 }, (_, index) =>
      admin.update({ tenant, server: { id, etag, name: `racer-${String(index)}` } }),
    );
    const ended = await Promise.allSettled(racers);
    const won = ended.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
    expect(won).toHaveLength(1);
    const current = serverOf(won[0]!).etag;
    const lost = ended.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
    for (const failure of lost) {
      expect(toRefusal(failure as ServiceError)).toMatchObject({
        code: 'ABORTED',
        reason: 'ETAG_MISMATCH',
        metadata: { id, current_etag: current },
      });
    }
    expect(await newestRevision(admin, tenant)).toBe(2);
  });
});
