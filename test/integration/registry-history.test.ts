import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Cause } from '../../generated/switchboard/v1/registry_service.js';
import { Tier } from '../../generated/switchboard/v1/server.js';
import {
  byName,
  declare,
  httpSpec,
  newTenant,
  refusalOf,
  serverOf,
  tokenOf,
  userView,
  type Admin,
} from '../support/grpc-admin/grpc-admin.js';
import {
  applyServers,
  listVersions,
  rollbackServer,
  undeleteServer,
} from '../support/grpc-admin/history.js';
import { startLocalServer, type LocalServer } from '../support/grpc-admin/server.js';
import { temporaryFolder } from '../support/storage/lmdb.js';

let local: LocalServer;
let admin: Admin;

beforeAll(async () => {
  local = await startLocalServer();
  ({ admin } = local);
});
afterAll(() => local[Symbol.asyncDispose]());
afterEach(() => expect(local.defects()).toEqual([]));

const HUGE = 'x'.repeat(10_000);

/** A server with a good version, a bad one, and whatever an apply made of it. */
async function withHistory(tenant: string) {
  const spec = httpSpec('https://good.example/mcp');
  const good = await declare(admin, tenant, { name: 'files', tier: Tier.TIER_USER, spec });
  const server = { id: good.id, etag: good.etag, spec: httpSpec('https://bad.example/mcp') };
  const bad = serverOf(await admin.update({ tenant, server, reason: 'moved' }));
  return { good, bad };
}

describe('the history of a server', () => {
  it('tells who changed what, when and why; puts it back; outlives the deletion', async () => {
    const tenant = newTenant();
    const { good, bad } = await withHistory(tenant);
    const { id } = good;
    const rolled = await rollbackServer(admin, {
      ...{ tenant, id, etag: bad.etag, generation: 1, reason: 'bad url' },
    });
    expect(rolled.changes).toEqual([
      {
        path: 'spec.streamable_http.url',
        before: '"https://bad.example/mcp"',
        after: '"https://good.example/mcp"',
      },
    ]);
    const now = serverOf(rolled);
    expect(now).toMatchObject({ id, generation: 3, spec: good.spec, configHash: good.configHash });
    await admin.remove({ tenant, id, etag: now.etag });
    const { versions, nextPageToken } = await listVersions(admin, { tenant, id });
    expect(nextPageToken).toBe('');
    expect(versions.map(({ generation, cause, reason }) => [generation, cause, reason])).toEqual([
      [4, Cause.CAUSE_DELETE, ''],
      [3, Cause.CAUSE_ROLLBACK, 'bad url'],
      [2, Cause.CAUSE_UPDATE, 'moved'],
      [1, Cause.CAUSE_CREATE, ''],
    ]);
    expect(versions.map(({ actor }) => actor)).toEqual(Array(4).fill('anonymous'));
    const revisions = versions.map(({ revision }) => revision);
    expect(revisions).toEqual(revisions.toSorted((a, b) => b - a));
    for (const { commitTime } of versions) expect(commitTime!.getTime()).toBeGreaterThan(1.7e12);
    const [deletion, rollback, , first] = versions;
    expect(deletion?.server).toBeUndefined();
    expect(rollback?.changes).toEqual(rolled.changes);
    expect(first?.server).toMatchObject({ name: 'files', spec: good.spec, etag: good.etag });
    // From nothing, and to nothing: all that is set.
    const paths = ['name', 'spec.enabled', 'spec.startup', 'spec.streamable_http.url', 'tier'];
    expect(first?.changes.map(({ path, before }) => [path, before])).toEqual(
      paths.map((path) => [path, '']),
    );
    expect(deletion?.changes.map(({ path, after }) => [path, after])).toEqual(
      paths.map((path) => [path, '']),
    );
    const back = await undeleteServer(admin, { tenant, id, reason: 'needed' });
    expect(serverOf(back)).toMatchObject({
      ...{ id, name: 'files', spec: good.spec, generation: 5, createTime: good.createTime },
    });
    const key = byName('files');
    const found = await admin.get({ tenant, view: userView('ana'), key, atLeast: tokenOf(back) });
    expect(serverOf(found).id).toBe(id);
  });

  it('shows to which set each version belonged', async () => {
    const tenant = newTenant();
    const { good } = await withHistory(tenant);
    const servers = [{ name: 'files', tier: Tier.TIER_USER, spec: good.spec! }];
    await applyServers(admin, { tenant, set: 'a.yaml', servers });
    const { versions } = await listVersions(admin, { tenant, id: good.id });
    expect(versions.map(({ server, cause }) => [server?.set, cause])).toEqual([
      ['a.yaml', Cause.CAUSE_APPLY],
      ['', Cause.CAUSE_UPDATE],
      ['', Cause.CAUSE_CREATE],
    ]);
    expect(versions[0]?.changes[0]).toEqual({ path: 'set', before: '', after: '"a.yaml"' });
  });

  it('comes in pages', async () => {
    const tenant = newTenant();
    const { good } = await withHistory(tenant);
    const query = { tenant, id: good.id, pageSize: 1 };
    const first = await listVersions(admin, query);
    const second = await listVersions(admin, { ...query, pageToken: first.nextPageToken });
    expect([first, second].map(({ versions }) => versions[0]?.generation)).toEqual([2, 1]);
    expect(first.versions[0]?.changes).toHaveLength(1);
    expect(second.nextPageToken).toBe('');
  });

  it('outlives a restart, and the server is put back from it [F1]', async () => {
    const folder = await temporaryFolder();
    onTestFinished(() => folder.remove());
    const dataDir = folder.path;
    const first = await startLocalServer({ dataDir });
    const made = await declare(first.admin, 'default', { name: 'files' });
    await first.admin.remove({ id: made.id, etag: made.etag });
    await first[Symbol.asyncDispose]();
    await using second = await startLocalServer({ dataDir });
    const { versions } = await listVersions(second.admin, { id: made.id });
    expect(versions.map(({ cause }) => cause)).toEqual([Cause.CAUSE_DELETE, Cause.CAUSE_CREATE]);
    const back = serverOf(await undeleteServer(second.admin, { id: made.id }));
    expect(back).toMatchObject({ id: made.id, spec: made.spec, createTime: made.createTime });
  });
});

describe('what cannot be', () => {
  it('is refused with its reason and code', async () => {
    const tenant = newTenant();
    const { good, bad } = await withHistory(tenant);
    const { id } = good;
    const { etag } = bad;
    const of = async (promise: Promise<unknown>): Promise<string> => {
      const { code, reason } = await refusalOf(promise);
      return `${code} ${reason}`;
    };
    const rollback = (generation: number, more: object = {}) =>
      of(rollbackServer(admin, { tenant, id, etag, generation, ...more }));
    expect(await rollback(7)).toBe('NOT_FOUND VERSION_NOT_FOUND');
    expect(await rollback(1, { etag: good.etag })).toBe('ABORTED ETAG_MISMATCH');
    expect(await rollback(1, { id: 'never' })).toBe('NOT_FOUND SERVER_NOT_FOUND');
    expect(await of(undeleteServer(admin, { tenant, id }))).toBe('FAILED_PRECONDITION NOT_DELETED');
    expect(await of(undeleteServer(admin, { tenant, id: 'never' }))).toBe(
      'NOT_FOUND SERVER_NOT_FOUND',
    );
    expect(await of(listVersions(admin, { tenant, id: 'never' }))).toBe(
      'NOT_FOUND SERVER_NOT_FOUND',
    );
    await admin.remove({ tenant, id, etag });
    await declare(admin, tenant, { name: 'files' });
    expect(await of(undeleteServer(admin, { tenant, id }))).toBe('ALREADY_EXISTS NAME_TAKEN');
  });

  it.each<readonly [string, string, () => Promise<unknown>]>([
    ['versions of no id', 'id', () => listVersions(admin, {})],
    ['versions of an id of 10 KB', 'id', () => listVersions(admin, { id: HUGE })],
    ['a negative page', 'page_size', () => listVersions(admin, { id: 'a', pageSize: -1 })],
    [
      'a page token of 10 KB',
      'page_token',
      () => listVersions(admin, { id: 'a', pageToken: HUGE }),
    ],
    ['a rollback of no id', 'id', () => rollbackServer(admin, { etag: 'e', generation: 1 })],
    ['a rollback without an etag', 'etag', () => rollbackServer(admin, { id: 'a', generation: 1 })],
    ['a rollback to nothing', 'generation', () => rollbackServer(admin, { id: 'a', etag: 'e' })],
    [
      'a rollback to a negative generation',
      'generation',
      () => rollbackServer(admin, { id: 'a', etag: 'e', generation: -3 }),
    ],
    [
      'a rollback with a request id of 10 KB',
      'request_id',
      () => rollbackServer(admin, { id: 'a', etag: 'e', generation: 1, requestId: HUGE }),
    ],
    ['an undelete of no id', 'id', () => undeleteServer(admin, {})],
    ['an undelete of an id of 10 KB', 'id', () => undeleteServer(admin, { id: HUGE })],
    [
      'an undelete with a reason of 10 KB',
      'reason',
      () => undeleteServer(admin, { id: 'a', reason: HUGE }),
    ],
    ['a tenant of 10 KB', 'tenant', () => undeleteServer(admin, { id: 'a', tenant: HUGE })],
  ])('%s is INVALID_FIELD at %s', async (_, field, ask) => {
    const { code, reason, fields } = await refusalOf(ask());
    expect({ code, reason, fields }).toEqual({
      ...{ code: 'INVALID_ARGUMENT', reason: 'INVALID_FIELD', fields: [field] },
    });
  });
});
