import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Tier } from '../../generated/switchboard/v1/server.js';
import { fromRpcStatus } from '../../src/wire/status.js';
import {
  APP,
  byName,
  declare,
  declarePrivate,
  httpSpec,
  INVENTORY,
  newTenant,
  refusalOf,
  serverOf,
  tokenOf,
  userView,
  type Admin,
} from '../support/grpc-admin/grpc-admin.js';
import { actionsOf, applyServers } from '../support/grpc-admin/history.js';
import { startLocalServer, type LocalServer } from '../support/grpc-admin/server.js';

let local: LocalServer;
let admin: Admin;

beforeAll(async () => {
  local = await startLocalServer();
  ({ admin } = local);
});
afterAll(() => local[Symbol.asyncDispose]());
afterEach(() => expect(local.defects()).toEqual([]));

const SET = '/etc/switchboard/servers.yaml';
const spec = (path: string, title = '') => httpSpec(`https://tools.example/${path}`, { title });
const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

describe('ApplyServers', () => {
  it('applies 199 of 200 servers, and reports the broken one with its field [C7]', async () => {
    const tenant = newTenant();
    const servers = upTo(200).map((n) => ({ name: `s${String(n)}`, spec: spec(String(n)) }));
    servers[100] = { name: 's100', spec: httpSpec('file:///etc/passwd') };
    const applied = await applyServers(admin, { tenant, set: SET, servers });
    expect(applied.applied).toBe(true);
    expect(applied.results).toHaveLength(200);
    const refused = applied.results.flatMap(({ error }, index) =>
      error === undefined ? [] : [[index, fromRpcStatus(error).violations[0]?.field]],
    );
    expect(refused).toEqual([[100, 'servers[100].spec.streamable_http.url']]);
    const list = await admin.list({ tenant, view: APP, pageSize: 1_000 });
    expect(list.servers).toHaveLength(199);
    expect(list.servers.every(({ set }) => set === SET)).toBe(true);
    const again = await applyServers(admin, { tenant, set: SET, servers });
    expect(new Set(actionsOf(again).map((action) => action.split(' ')[0]))).toEqual(
      new Set(['UNCHANGED', 'REFUSED']),
    );
  });

  it('tells what changed in each server, as fields with values', async () => {
    const tenant = newTenant();
    const before = await declare(admin, tenant, { name: 'a', spec: spec('old', 'Old') });
    const { results } = await applyServers(admin, {
      ...{ tenant, set: SET },
      servers: [
        { name: 'a', spec: spec('new') },
        { name: 'b', spec: spec('b') },
      ],
    });
    expect(results[0]?.changes).toEqual([
      { path: 'set', before: '', after: JSON.stringify(SET) },
      {
        path: 'spec.streamable_http.url',
        before: '"https://tools.example/old"',
        after: '"https://tools.example/new"',
      },
      { path: 'spec.title', before: '"Old"', after: '' },
    ]);
    expect(results[0]?.server).toMatchObject({ id: before.id, generation: 2, set: SET });
    expect(results[1]).toMatchObject({ server: { generation: 1 }, changes: [] });
  });

  it('derives a tier that is not told from what the spec needs', async () => {
    const tenant = newTenant();
    const { results } = await applyServers(admin, {
      ...{ tenant, set: SET },
      servers: [
        { name: 'shared', spec: spec('shared') },
        { name: 'each', spec: spec('${user:id}') },
        { name: 'own', tier: Tier.TIER_PRIVATE, owner: 'ana', spec: spec('own') },
      ],
    });
    expect(results.map(({ server }) => server?.tier)).toEqual([
      ...[Tier.TIER_APP, Tier.TIER_USER, Tier.TIER_PRIVATE],
    ]);
    const found = await admin.get({ tenant, view: userView('ana'), key: byName('own') });
    expect(serverOf(found)).toEqual(results[2]?.server);
  });

  it('prunes, takes over, holds back and only checks as asked [R5, R6]', async () => {
    const tenant = newTenant();
    const set = (...names: string[]) => names.map((name) => ({ name, spec: spec(name) }));
    const apply = async (request: Parameters<typeof applyServers>[1]) =>
      actionsOf(await applyServers(admin, { tenant, set: SET, ...request }));
    await apply({ servers: set('a', 'b') });
    await apply({ servers: set('theirs'), set: 'other' });
    await declarePrivate(admin, tenant, { owner: 'ana', name: 'a' });
    expect(await apply({ servers: set('a', 'theirs') })).toEqual([
      ...['UNCHANGED a', 'REFUSED OTHER_SET', 'LEFT b'],
    ]);
    const all = { servers: set('new', 'a', 'theirs'), prune: true, allOrNothing: true };
    const held = await applyServers(admin, { tenant, set: SET, ...all });
    expect(actionsOf(held)).toEqual([
      ...['HELD_BACK new', 'UNCHANGED a', 'REFUSED OTHER_SET', 'HELD_BACK b'],
    ]);
    expect(held.applied).toBe(false);
    const due = ['CREATED new', 'UNCHANGED a', 'UPDATED theirs', 'DELETED b'];
    const check = { ...all, takeOver: true, validateOnly: true };
    const checked = await applyServers(admin, { tenant, set: SET, ...check });
    expect(actionsOf(checked)).toEqual(due);
    expect(checked.results[0]?.server?.id).toBe('');
    expect((await admin.list({ tenant, view: APP })).servers.map(({ name }) => name)).toEqual([
      ...['a', 'b', 'theirs'],
    ]);
    const done = await applyServers(admin, { tenant, set: SET, ...all, takeOver: true });
    expect(actionsOf(done)).toEqual(due);
    const view = INVENTORY;
    const list = await admin.list({ tenant, view, atLeast: tokenOf(done) });
    expect(list.servers.map(({ name, owner }) => `${owner}/${name}`).toSorted()).toEqual([
      ...['/a', '/new', '/theirs', 'ana/a'],
    ]);
  });

  it('applies 2000 servers, and with the same request id once [R3, P13]', async () => {
    const tenant = newTenant();
    const servers = upTo(2_000).map((n) => ({ name: `s${String(n)}`, spec: spec(String(n)) }));
    const request = { tenant, set: SET, servers, requestId: 'r' };
    const first = await applyServers(admin, request);
    const again = await applyServers(admin, request);
    expect(again.results).toEqual(first.results);
    expect(new Set(first.results.map(({ server }) => server?.id)).size).toBe(2_000);
  });

  it.each<readonly [string, string, Parameters<typeof applyServers>[1]]>([
    ['no set', 'set', {}],
    ['a set of 10 KB', 'set', { set: 'x'.repeat(10_000) }],
    ['a set with a line break', 'set', { set: 'a\nb' }],
    ['a request id of 10 KB', 'request_id', { set: 's', requestId: 'x'.repeat(10_000) }],
    ['a reason of 10 KB', 'reason', { set: 's', reason: 'x'.repeat(10_000) }],
    ['a tenant of 10 KB', 'tenant', { set: 's', tenant: 'x'.repeat(10_000) }],
    ['10,001 servers', 'servers', { set: 's', servers: upTo(10_001).map(() => ({ name: 'a' })) }],
  ])('refuses as a whole %s: INVALID_FIELD at %s', async (_, field, request) => {
    const { code, reason, fields } = await refusalOf(applyServers(admin, request));
    expect({ code, reason, fields }).toEqual({
      ...{ code: 'INVALID_ARGUMENT', reason: 'INVALID_FIELD', fields: [field] },
    });
  });

  it('refuses by itself whatever is wrong with one item', async () => {
    const tenant = newTenant();
    const unknownTier = JSON.parse('99') as Tier;
    const huge = 'x'.repeat(10_000);
    const { results } = await applyServers(admin, {
      ...{ tenant, set: SET },
      servers: [
        {},
        { name: 'a' },
        { name: 'a', spec: {} },
        { name: huge, spec: spec('b') },
        { name: 'b', spec: spec('b'), tier: unknownTier },
        { name: 'b', spec: spec('b'), tier: Tier.TIER_PRIVATE },
        { name: 'b', spec: spec('b'), tier: Tier.TIER_PRIVATE, owner: huge },
        { name: 'c', spec: spec('c'), owner: 'ana' },
        { name: 'd', spec: spec('${user:id}'), tier: Tier.TIER_APP },
        { name: 'e', spec: spec('e'), etag: 'of nothing' },
        { name: 'f', spec: spec('f') },
        { name: 'f', spec: spec('f') },
      ],
    });
    const told = results.map(({ error }) => {
      const refusal = error && fromRpcStatus(error);
      return refusal?.violations[0]?.field ?? refusal?.reason;
    });
    expect(told).toEqual([
      ...['servers[0].spec', 'servers[1].spec', 'servers[2].spec.transport', 'servers[3].name'],
      ...['servers[4].tier', 'servers[5].owner', 'servers[6].owner', 'servers[7].owner'],
      ...['servers[8].tier', 'ETAG_MISMATCH', undefined, 'servers[11].name'],
    ]);
  });
});
