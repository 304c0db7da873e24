import type { ServiceError } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { ShadowPolicy } from '../../../generated/switchboard/v1/registry_service.js';
import { Tier, type Server } from '../../../generated/switchboard/v1/server.js';
import type { KnownServer } from '../../../src/client/server-view.js';
import type { ServerLookup } from '../../../src/client/user-handle.js';
import { openNode, soon } from '../../support/control-plane/node.js';
import { startControlPlane } from '../../support/control-plane/control-plane.js';
import {
  APP,
  httpSpec,
  serverOf,
  toRefusal,
  userView,
  type Admin,
} from '../../support/grpc-admin/grpc-admin.js';
import {
  demoteServer,
  grantAccess,
  promoteServer,
  revokeAccess,
} from '../../support/grpc-admin/access.js';
import { openHttpServer, textOf } from '../../support/mcp/pool.js';
import { printedSeed, randomFrom, type Random } from '../../support/random.js';

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];
const OWNERS = ['ana', 'ben', 'eve'];
const SUBJECTS = ['user:ana', 'user:nobody', 'user:eve', 'group:red', 'group:blue'];
const WRITES = 150;
const SHADOW = ShadowPolicy.SHADOW_POLICY_SHADOW;

/** Makes random changes; what is refused, because a name is taken, changes nothing. */
async function writeRandomly(admin: Admin, random: Random): Promise<void> {
  const servers = new Map<string, Server>();
  const write = async (): Promise<void> => {
    const [some] = [...servers.values()].slice(random.below(servers.size || 1));
    if (some === undefined || random.chance(35)) {
      const tier = random.pick([Tier.TIER_APP, Tier.TIER_USER, Tier.TIER_PRIVATE]);
      const owner = tier === Tier.TIER_PRIVATE ? random.pick(OWNERS) : '';
      const spec = httpSpec('https://one.example/mcp');
      const server = { name: random.pick(NAMES), tier, owner, spec };
      const created = serverOf(await admin.create({ server, policy: SHADOW }));
      servers.set(created.id, created);
    } else if (random.chance(25)) {
      await admin.remove({ id: some.id, etag: some.etag });
      servers.delete(some.id);
    } else if (random.chance(40)) {
      servers.set(some.id, await moveOrShare(admin, some, random));
    } else {
      const { id, etag, tier } = some;
      const server = { id, etag, ...changeOf(tier, random) };
      servers.set(id, serverOf(await admin.update({ server, policy: SHADOW })));
    }
  };
  for (let writes = 0; writes < WRITES; writes += 1) {
    await write().catch((error: unknown) => {
      expect(toRefusal(error as ServiceError).reason).toBe('NAME_TAKEN');
    });
  }
}

/** Moves a server between PRIVATE and the shared tiers, or changes who has access to it. */
async function moveOrShare(admin: Admin, server: Server, random: Random): Promise<Server> {
  const { id, etag, tier } = server;
  const subjects = [random.pick(SUBJECTS), random.pick(SUBJECTS)];
  if (tier !== Tier.TIER_PRIVATE)
    return serverOf(await demoteServer(admin, { id, etag, owner: random.pick(OWNERS), subjects }));
  const choice = random.below(3);
  if (choice === 0) return serverOf(await grantAccess(admin, { id, subjects }));
  if (choice === 1) return serverOf(await revokeAccess(admin, { id, subjects }));
  const to = random.pick([Tier.TIER_APP, Tier.TIER_USER]);
  return serverOf(await promoteServer(admin, { id, etag, tier: to, policy: SHADOW }));
}

function changeOf(tier: Tier, random: Random): Partial<Server> {
  if (random.chance(40)) return { name: random.pick(NAMES) };
  if (tier !== Tier.TIER_PRIVATE && random.chance(50))
    return { tier: tier === Tier.TIER_APP ? Tier.TIER_USER : Tier.TIER_APP };
  if (tier === Tier.TIER_PRIVATE && random.chance(50)) return { owner: random.pick(OWNERS) };
  const enabled = random.chance(80);
  return { spec: httpSpec(`https://${random.pick(NAMES)}.example/mcp`, { enabled }) };
}

const essence = ({ id, name, etag, configHash }: Server | KnownServer): unknown => ({
  id,
  name,
  etag,
  configHash,
});

/** What the view holds is what the control plane answers, and what `get` finds. */
async function expectSame(
  admin: Admin,
  lookup: ServerLookup,
  view: ReturnType<typeof userView>,
): Promise<void> {
  const { servers } = await admin.list({ view });
  await soon(() => expect(lookup.list().map(essence)).toEqual(servers.map(essence)));
  const found = NAMES.flatMap((name) => lookup.get(name) ?? []);
  expect(found).toEqual(lookup.list());
}

describe('the views of a client', () => {
  it('are what ListServers answers, for the app and for users, after any changes [W5, W9, W14, R5]', async () => {
    const random = randomFrom(printedSeed('views of a client'));
    const { address, admin } = await startControlPlane();
    const { client } = openNode(address);
    const views = await Promise.all([
      client.user('ana'),
      client.user('ana', { groups: ['red', 'blue'] }),
      client.user('ben', { groups: ['red'] }),
      client.user('nobody'),
    ]);
    await client.ready();
    await writeRandomly(admin, random);
    // One that joins late gets the same by a snapshot of its own.
    const late = await client.user('eve');
    const fresh = openNode(address).client;
    const freshAna = await fresh.user('ana');

    await expectSame(admin, client.app.servers, APP);
    const [ana, anaInGroups, ben, nobody] = views;
    await expectSame(admin, ana.servers, userView('ana'));
    await expectSame(admin, anaInGroups.servers, userView('ana', ['blue', 'red']));
    await expectSame(admin, ben.servers, userView('ben', ['red']));
    await expectSame(admin, nobody.servers, userView('nobody'));
    await expectSame(admin, late.servers, userView('eve'));
    await expectSame(admin, freshAna.servers, userView('ana'));
  });

  it('of two users hold different private servers of one name, and the shared one wins [R7]', async () => {
    const { address, admin } = await startControlPlane();
    const { client } = openNode(address);
    const [ana, ben, eve] = await Promise.all(
      ['ana', 'ben', 'eve'].map((user) => client.user(user)),
    );
    const spec = httpSpec('https://one.example/mcp');
    const mine = (owner: string): Promise<unknown> =>
      admin.create({ server: { name: 'notes', tier: Tier.TIER_PRIVATE, owner, spec } });
    await Promise.all([mine('ana'), mine('ben')]);
    await soon(() => {
      expect(ana?.servers.get('notes')?.owner).toBe('ana');
      expect(ben?.servers.get('notes')?.owner).toBe('ben');
    });
    expect(eve?.servers.get('notes')).toBeUndefined();
    await admin.create({ server: { name: 'notes', tier: Tier.TIER_USER, spec }, policy: SHADOW });
    await soon(() => {
      for (const user of [ana, ben, eve]) expect(user?.servers.get('notes')?.tier).toBe('USER');
    });
    expect(client.app.servers.list()).toEqual([]);
  });

  it('hand out servers that no caller can change for another one [C8]', async () => {
    const { address, admin } = await startControlPlane();
    const { client } = openNode(address);
    const [right, wrong] = [
      await openHttpServer({ label: 'right' }),
      await openHttpServer({ label: 'wrong' }),
    ];
    await admin.create({
      server: { name: 'notes', tier: Tier.TIER_USER, spec: httpSpec(right.url) },
    });
    const [ana, bob] = [await client.user('ana'), await client.user('bob')];
    await soon(() => expect(ana.servers.get('notes')).toBeDefined());
    const found = ana.servers.get('notes');
    const isChanged = Reflect.set(found?.spec.transport ?? {}, 'url', wrong.url);
    expect(textOf(await bob.connections.callTool('notes', { name: 'label' }))).toBe('right');
    expect(isChanged).toBe(false);
    // Nothing is copied for that: everybody gets the one object, each time.
    expect(bob.servers.get('notes')).toBe(found);
    expect(ana.servers.list()[0]).toBe(found);
  });
});
