import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Server, Tier } from '../../generated/switchboard/v1/server.js';
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
  userView,
  type Admin,
} from '../support/grpc-admin/grpc-admin.js';
import { startLocalServer, type LocalServer } from '../support/grpc-admin/server.js';

const NFC = 'caf\u00e9';
const NFD = 'cafe\u0301';

let local: LocalServer;
let admin: Admin;
beforeAll(async () => {
  local = await startLocalServer();
  ({ admin } = local);
});
afterAll(() => local[Symbol.asyncDispose]());

describe('names in two forms', () => {
  it('are one name: kept in NFC and found in both', async () => {
    const tenant = newTenant();
    const { id, name } = await declare(admin, tenant, { name: NFD });
    expect(name).toBe(NFC);
    for (const each of [NFC, NFD]) {
      const found = await admin.get({ tenant, view: APP, key: byName(each) });
      expect(serverOf(found).id).toBe(id);
    }
    const { servers } = await admin.list({ tenant, view: APP, filter: { namePrefix: NFD } });
    expect(servers.map((server) => server.id)).toEqual([id]);
  });

  it('are taken for one by creation and by an update', async () => {
    const tenant = newTenant();
    const { id } = await declare(admin, tenant, { name: NFC });
    const server = Server.fromPartial({
      name: NFD,
      tier: Tier.TIER_USER,
      spec: httpSpec('https://tools.example/mcp'),
    });
    const refused = await refusalOf(admin.create({ tenant, server }));
    expect(refused).toMatchObject({ reason: 'NAME_TAKEN', metadata: { id } });
    const other = await declare(admin, tenant, { name: 'other' });
    const update = admin.update({ tenant, server: { ...other, name: NFD }, updateMask: ['name'] });
    expect((await refusalOf(update)).reason).toBe('NAME_TAKEN');
  });

  it('resolve alike for a user, and for checks of connections', async () => {
    const tenant = newTenant();
    const own = await declarePrivate(admin, tenant, { owner: 'ana', name: NFC });
    const view = userView('ana');
    const found = await admin.get({ tenant, view, key: byName(NFD) });
    expect(serverOf(found).id).toBe(own.id);
    const { results } = await admin.check({
      tenant,
      items: [
        {
          view,
          server: { $case: 'name', value: NFD },
          builtFrom: { $case: 'configHash', value: own.configHash },
        },
      ],
    });
    expect(results).toMatchObject([{ state: 1 }]);
  });
});

describe('a user whose id is in another form than NFC', () => {
  it('is refused, and not taken for the one in NFC', async () => {
    const tenant = newTenant();
    await declarePrivate(admin, tenant, { owner: NFC, name: 'notes' });
    const get = admin.get({ tenant, view: userView(NFD), key: byName('notes') });
    expect(await refusalOf(get)).toMatchObject({
      reason: 'INVALID_FIELD',
      fields: ['view.user.user'],
    });
    const { servers } = await admin.list({ tenant, view: INVENTORY });
    expect(servers.map(({ owner }) => owner)).toEqual([NFC]);
  });
});
