import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BatchGetServersResponse } from '../../generated/switchboard/v1/registry_service.js';
import { fromRpcStatus } from '../../src/wire/status.js';
import {
  APP,
  byId,
  byName,
  declare,
  declarePrivate,
  INVENTORY,
  largeSpec,
  newTenant,
  refusalOf,
  tokenOf,
  userView,
  type Admin,
} from '../support/grpc-admin/grpc-admin.js';
import { batchGet } from '../support/grpc-admin/history.js';
import { startLocalServer, type LocalServer } from '../support/grpc-admin/server.js';

let local: LocalServer;
let admin: Admin;

beforeAll(async () => {
  local = await startLocalServer();
  ({ admin } = local);
});
afterAll(() => local[Symbol.asyncDispose]());
afterEach(() => expect(local.defects()).toEqual([]));

/** Ids of what was found; reasons, with the field if one is named, of what was not. */
function told({ results }: BatchGetServersResponse): readonly string[] {
  return results.map(({ result }) => {
    if (result?.$case === 'server') return result.value.id;
    if (result === undefined) return 'nothing';
    const { reason, violations } = fromRpcStatus(result.value);
    return [reason, ...violations.map(({ field }) => field)].join(' ');
  });
}

describe('BatchGetServers', () => {
  it('says for which keys the answer has no room left [C7]', async () => {
    const tenant = newTenant();
    for (const name of ['a', 'b', 'c']) await declare(admin, tenant, { name, spec: largeSpec() });
    const keys = ['a', 'none', 'b', 'c'].map((name) => ({ key: byName(name) }));
    const { results } = await batchGet(admin, { tenant, view: APP, keys });
    expect(results.map(({ result }) => result?.$case)).toEqual([
      ...['server', 'error', 'server', 'error'],
    ]);
    expect(told({ header: undefined, results: results.slice(3) })).toEqual(['ANSWER_TOO_LARGE']);
  });

  it('answers each key by itself, in the order of the keys [C7, R7]', async () => {
    const tenant = newTenant();
    const app = await declare(admin, tenant, { name: 'app' });
    const own = await declarePrivate(admin, tenant, { owner: 'ana', name: 'own' });
    const keys = [
      ...[byName('own'), byName('none'), byId(app.id), undefined, byId(own.id)].map((key) => ({
        key,
      })),
      { key: byName('') },
    ];
    const ana = await batchGet(admin, { tenant, view: userView('ana'), keys });
    const missing = ['INVALID_FIELD keys[3]', 'INVALID_FIELD keys[5]'] as const;
    expect(told(ana)).toEqual([
      ...[own.id, 'SERVER_NOT_FOUND', app.id, missing[0], own.id, missing[1]],
    ]);
    const bob = await batchGet(admin, { tenant, view: userView('bob'), keys });
    expect(told(bob)).toEqual([
      ...[
        'SERVER_NOT_FOUND',
        'SERVER_NOT_FOUND',
        app.id,
        missing[0],
        'SERVER_NOT_FOUND',
        missing[1],
      ],
    ]);
    const all = await batchGet(admin, { tenant, view: INVENTORY, keys: [...keys].reverse() });
    expect(told(all)).toEqual([
      ...['INVALID_FIELD keys[0]', own.id, 'INVALID_FIELD keys[2]', app.id],
      ...['INVALID_FIELD keys[4].name', 'INVALID_FIELD keys[5].name'],
    ]);
  });

  it.each<readonly [string, string, () => Promise<unknown>]>([
    ['no view', 'view', () => batchGet(admin, { keys: [{ key: byName('a') }] })],
    ['no keys', 'keys', () => batchGet(admin, { view: APP })],
    [
      '1,001 keys',
      'keys',
      () => batchGet(admin, { view: APP, keys: Array(1_001).fill({}) as object[] }),
    ],
    ['a blank user', 'view.user.user', () => batchGet(admin, { view: userView(''), keys: [{}] })],
    ['a blank tenant', 'tenant', () => batchGet(admin, { tenant: ' ', view: APP, keys: [{}] })],
  ])('refuses as a whole %s: INVALID_FIELD at %s', async (_, field, ask) => {
    const { code, reason, fields } = await refusalOf(ask());
    expect({ code, reason, fields }).toEqual({
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_FIELD',
      fields: [field],
    });
  });

  it('refuses a token of another tenant', async () => {
    const atLeast = tokenOf(await admin.list({ tenant: newTenant(), view: APP }));
    const refused = await refusalOf(batchGet(admin, { view: APP, keys: [{}], atLeast }));
    expect(refused).toMatchObject({ reason: 'TOKEN_INVALID', fields: ['at_least'] });
  });
});
