import { describe, expect, it } from 'vitest';
import { Tier } from '../../../generated/switchboard/v1/server.js';
import type { NodeView } from '../../../src/client/node-view.js';
import { APP_VIEW, userView, type Subject, type UserView } from '../../../src/domain/view.js';
import { openCommitWriter, type CommitWriter } from '../../support/control-plane/commits.js';
import { openFollower, openNode, soon } from '../../support/control-plane/node.js';
import { startControlPlane, testFolder } from '../../support/control-plane/control-plane.js';
import { httpSpec, type Admin } from '../../support/grpc-admin/grpc-admin.js';
import { clientErrorOf, openHttpServer, textOf } from '../../support/mcp/pool.js';
import { printedSeed, randomFrom, type Random } from '../../support/random.js';
import {
  changeOf,
  creation,
  draftOf,
  grantsAt,
  recordOf,
  type RecordParts,
} from '../../support/storage/builders.js';

const spec = httpSpec('https://one.example/mcp');

/** Creates a PRIVATE server that is granted. */
async function grant(
  writer: CommitWriter,
  parts: RecordParts,
  ...subjects: readonly Subject[]
): Promise<void> {
  await writer.append((revision) =>
    creation({ owner: 'eve', ...parts, revision }, grantsAt(revision, ...subjects)),
  );
}

describe('a user of a client', () => {
  it('is refused alone when the user is blank, and others go on', async () => {
    const { address, admin } = await startControlPlane();
    const { client } = openNode(address);
    const [blank, ana] = await Promise.allSettled([client.user('  '), client.user('ana')]);
    expect(blank).toMatchObject({ reason: { reason: 'SUBSCRIPTION_REFUSED' } });
    await admin.create({ server: { name: 'docs', tier: Tier.TIER_USER, spec } });
    if (ana.status === 'rejected') throw ana.reason;
    await soon(() => expect(ana.value.servers.get('docs')?.name).toBe('docs'));
    // Asked again it is refused again, and not taken from a memory of ours.
    expect((await clientErrorOf(client.user('  '))).reason).toBe('SUBSCRIPTION_REFUSED');
    expect(client.status.current.state).toBe('READY');
  });

  it('may be in as many groups as the view allows', async () => {
    const { address, dataDir } = await startControlPlane();
    await grant(
      await openCommitWriter(dataDir),
      { name: 'last' },
      'group:a group of a long name 99',
    );
    const { client } = openNode(address);
    const groups = Array.from(
      { length: 100 },
      (_, index) => `a group of a long name ${String(index)}`,
    );
    const ana = await client.user('ana', { groups });
    await soon(() => expect(ana.servers.list().map(({ name }) => name)).toEqual(['last']));
  });

  it('is unknown after the last handle was released, and known again when asked for', async () => {
    const { address, admin } = await startControlPlane();
    const { client } = openNode(address, { userIdleMs: 0 });
    const [first, second] = [await client.user('ana'), await client.user('ana')];
    await first.release();
    await first.release();
    expect(second.servers.list()).toEqual([]);
    await second.release();
    const unknown = expect.objectContaining({ reason: 'VIEW_UNKNOWN' }) as Error;
    expect(() => second.servers.list()).toThrow(unknown);
    expect((await clientErrorOf(second.connections.get('docs'))).reason).toBe('VIEW_UNKNOWN');
    await admin.create({ server: { name: 'own', tier: Tier.TIER_PRIVATE, owner: 'ana', spec } });
    await using third = await client.user('ana');
    expect(third.servers.list().map(({ name }) => name)).toEqual(['own']);
  });

  it('is one of so many as the control plane allows; one that is idle makes room', async () => {
    const { address } = await startControlPlane({ flags: { maxSubscriptions: '3' } });
    const { client } = openNode(address);
    await client.ready();
    const [ana] = [await client.user('ana'), await client.user('ben')];
    const error = await clientErrorOf(client.user('eve'));
    expect(error.cause).toMatchObject({ reason: 'TOO_MANY_SUBSCRIPTIONS' });
    await ana.release();
    expect(ana.servers.list()).toEqual([]);
    await client.user('eve');
    const unknown = expect.objectContaining({ reason: 'VIEW_UNKNOWN' }) as Error;
    expect(() => ana.servers.list()).toThrow(unknown);
  });

  it('can be given up while it is waited for', async () => {
    const { address, close } = await startControlPlane();
    await close();
    const { client } = openNode(address);
    const aborted = client.user('ana', { signal: AbortSignal.abort() });
    expect((await clientErrorOf(aborted)).reason).toBe('CANCELLED');
    const controller = new AbortController();
    const waiting = [client.user('ana', controller), client.ready(controller)];
    controller.abort();
    for (const wait of waiting) expect((await clientErrorOf(wait)).reason).toBe('CANCELLED');
  });

  it('keeps, when its groups change, the connections that it may still use', async () => {
    const [kept, lost] = [
      await openHttpServer({ label: 'kept' }),
      await openHttpServer({ label: 'lost' }),
    ];
    const { address, dataDir } = await startControlPlane();
    const writer = await openCommitWriter(dataDir);
    const at = ({ url }: { readonly url: string }): RecordParts['spec'] => ({
      transport: { kind: 'streamable_http', url, headers: {} },
    });
    await grant(writer, { name: 'kept', spec: at(kept) ?? {} }, 'group:red', 'group:blue');
    await grant(writer, { name: 'lost', spec: at(lost) ?? {} }, 'group:red');
    const { client } = openNode(address, { userIdleMs: 0 });
    const before = await client.user('ana', { groups: ['red'] });
    await soon(() => expect(before.servers.list()).toHaveLength(2));
    for (const name of ['kept', 'lost'])
      expect(textOf(await before.connections.callTool(name, { name: 'label' }))).toBe(name);

    const after = await client.user('ana', { groups: ['blue'] });
    expect(after.servers.list().map(({ name }) => name)).toEqual(['kept']);
    const running = after.connections.callTool('kept', { name: 'wait' });
    await soon(() => expect(kept.waiting).toBe(1));
    await before.release();
    expect([kept.alive, lost.alive]).toEqual([1, 0]);
    kept.release();
    expect(textOf(await running)).toBe('kept');
    expect(kept.opened).toBe(1);
    await after.release();
    expect(kept.alive).toBe(0);
  });
});

describe('a user whose last handle was released', () => {
  const declareMine = (admin: Admin, url: string): Promise<unknown> =>
    admin.create({ server: { name: 'mine', tier: Tier.TIER_USER, spec: httpSpec(url) } });

  it('finds the view and its connections as they were, when coming back soon', async () => {
    const server = await openHttpServer();
    const { address, admin } = await startControlPlane();
    await declareMine(admin, server.url);
    const steps: string[] = [];
    const { client } = openNode(address, {
      onSync: (event) => steps.push(event.type === 'applied' ? event.step : event.type),
    });
    const before = await client.user('ana');
    const { connectedAt } = await before.connections.get('mine');
    const known = steps.length;
    await before.release();
    const after = await client.user('ana');
    expect(after.connections.loaded('mine')).toMatchObject({ connectedAt, state: 'live' });
    expect([steps.length, server.opened, server.alive]).toEqual([known, 1, 1]);
    await after.release();
    await client.close();
    expect([server.alive, server.deleted]).toEqual([0, 1]);
  });

  it('is forgotten after a while, and not before the last call has ended', async () => {
    const server = await openHttpServer();
    const { address, admin } = await startControlPlane();
    await declareMine(admin, server.url);
    const { client } = openNode(address, { userIdleMs: 100 });
    const [ana, ben] = [await client.user('ana'), await client.user('ben')];
    await ben.connections.get('mine');
    const running = ana.connections.callTool('mine', { name: 'wait' });
    await soon(() => expect(server.waiting).toBe(1));
    await ana.release();
    await ben.release();
    // Released after ana: now her time is over too.
    await soon(() => expect(server.alive).toBe(1));
    expect(ana.servers.get('mine')?.name).toBe('mine');
    server.release();
    expect(textOf(await running)).toBe('released');
    await soon(() => expect(server.alive).toBe(0));
    for (const { servers } of [ana, ben])
      expect(() => servers.list()).toThrow(
        expect.objectContaining({ reason: 'VIEW_UNKNOWN' }) as Error,
      );
  });
});

/** Two servers of each tier and owner; a commit changes the titles of all, to the same one. */
const PAIRS: readonly RecordParts[] = [
  { id: 'app-1', name: 'app-1', tier: 'APP' },
  { id: 'app-2', name: 'app-2', tier: 'APP' },
  { id: 'user-1', name: 'user-1', tier: 'USER' },
  ...['u1', 'u2', 'u3', 'u4'].flatMap((owner) => [
    { id: `${owner}-1`, name: 'own-1', owner },
    { id: `${owner}-2`, name: 'own-2', owner },
  ]),
];

function titled(title: number): (revision: number) => ReturnType<typeof draftOf> {
  const record = (parts: RecordParts, of: number, revision: number): ReturnType<typeof recordOf> =>
    recordOf({ ...parts, title: String(of), revision });
  return (revision) =>
    draftOf(
      PAIRS.map((parts) =>
        changeOf(
          title === 0 ? undefined : record(parts, title - 1, revision - 1),
          record(parts, title, revision),
        ),
      ),
    );
}

/** What is wrong with a view: titles that differ, or servers that are missing. */
function wrongWith(view: NodeView, reader: typeof APP_VIEW | UserView): string | undefined {
  const list = view.list(reader);
  const expected = reader.kind === 'app' ? 2 : Number(reader.user.slice(1)) <= 4 ? 5 : 3;
  const titles = new Set(list.map(({ spec: { title } }) => title));
  if (list.length === expected && titles.size === 1) return undefined;
  return `${JSON.stringify(reader)} has ${list.map(({ id, spec: s }) => `${id}=${s.title}`).join()}`;
}

describe('a node with many users', () => {
  it('never sees half of a commit or of a snapshot, while users come and go [W4, P20, R5, P9]', async () => {
    const random = randomFrom(printedSeed('users come and go'));
    const dataDir = await testFolder();
    const writer = await openCommitWriter(dataDir);
    await writer.append(titled(0));
    const { address } = await startControlPlane({ dataDir });
    const { view, feed, follow, unfollow, steps } = openFollower(address);
    const readers = Array.from({ length: 100 }, (_, index) => userView(`u${String(index + 1)}`));
    const wrong: string[] = [];
    let looks = 0;
    view.onApplied(() => {
      for (const reader of [APP_VIEW, ...readers]) {
        if (!view.isKnown(reader)) continue;
        looks += 1;
        const what = wrongWith(view, reader);
        if (what !== undefined) wrong.push(what);
      }
    });
    await soon(() => expect(feed.status.current.state).toBe('READY'));

    let last = 0;
    const done = new AbortController();
    const writing = (async () => {
      while (!done.signal.aborted)
        await writer.append(titled(++last), titled(++last), titled(++last));
    })();
    await comeAndGo(random, readers, { follow, unfollow });
    done.abort();
    await writing;
    await soon(() =>
      expect(view.list(APP_VIEW).map((server) => server.spec.title)).toEqual([
        String(last),
        String(last),
      ]),
    );
    expect(wrong).toEqual([]);
    expect(looks).toBeGreaterThan(1_000);
    expect(steps.filter(({ replaces }) => replaces)).toHaveLength(1);
    for (const reader of readers)
      if (view.isKnown(reader)) expect(wrongWith(view, reader)).toBeUndefined();
  });
});

/** Adds and drops views at random until each was there several times. */
async function comeAndGo(
  random: Random,
  readers: readonly UserView[],
  feed: {
    readonly follow: (reader: UserView) => Promise<void>;
    readonly unfollow: (reader: UserView) => void;
  },
): Promise<void> {
  const followed = new Map<UserView, Promise<void>>();
  for (let turn = 0; turn < 1_000; turn += 1) {
    const reader = random.pick(readers);
    const known = followed.get(reader);
    if (known === undefined) {
      followed.set(
        reader,
        feed.follow(reader).catch(() => undefined),
      );
    } else {
      // Some are dropped before they were ever known.
      if (random.chance(70)) await known;
      feed.unfollow(reader);
      followed.delete(reader);
    }
  }
  await Promise.all(followed.values());
}
