import { describe, expect, it } from 'vitest';
import { Tier } from '../../generated/switchboard/v1/server.js';
import { userView as readerView } from '../../src/domain/view.js';
import { openFollower, soon } from '../support/control-plane/node.js';
import { startControlPlane } from '../support/control-plane/control-plane.js';
import { httpSpec, serverOf } from '../support/grpc-admin/grpc-admin.js';
import {
  actionsOf,
  applyServers,
  rollbackServer,
  undeleteServer,
} from '../support/grpc-admin/history.js';

const spec = (title = '') => httpSpec('https://tools.example/mcp', { title });

describe('a node', () => {
  it('applies a set of several servers in one step, its deletions too [R5, W4]', async () => {
    const { address, admin } = await startControlPlane();
    const follower = openFollower(address);
    const ana = readerView('ana');
    await follower.follow(ana);
    const own = { tier: Tier.TIER_PRIVATE, owner: 'ana' };
    const set = 'servers.yaml';
    await applyServers(admin, {
      set,
      servers: [
        ...['shared', 'changed', 'gone'].map((name) => ({ name, spec: spec() })),
        { name: 'mine', spec: spec(), ...own },
      ],
    });
    await soon(() => expect(follower.view.list(ana)).toHaveLength(4));
    const seen: string[] = [];
    const look = (): void => {
      const names = follower.view.list(ana).map(({ name, spec: { title } }) => name + title);
      seen.push(names.join(' '));
    };
    look();
    follower.view.onApplied(look);
    const applied = await applyServers(admin, {
      ...{ set, prune: true, allOrNothing: true },
      servers: [
        { name: 'shared', spec: spec() },
        { name: 'changed', spec: spec('!') },
        // Of the name that another one of the set leaves.
        { name: 'mine', spec: spec('?') },
        { name: 'new', spec: spec(), ...own },
      ],
    });
    expect(actionsOf(applied)).toEqual([
      ...['UNCHANGED shared', 'UPDATED changed', 'CREATED mine', 'CREATED new'],
      ...['DELETED gone', 'DELETED mine'],
    ]);
    await soon(() => expect(seen.length).toBeGreaterThan(1));
    expect(seen).toEqual(['changed gone mine shared', 'changed! mine? new shared']);
    expect(follower.changes().at(-1)).toHaveLength(5);
  });

  it('follows a rollback and an undelete', async () => {
    const { address, admin } = await startControlPlane();
    const follower = openFollower(address);
    const ana = readerView('ana');
    await follower.follow(ana);
    const server = { name: 'files', tier: Tier.TIER_USER, spec: spec('good') };
    const good = serverOf(await admin.create({ server }));
    const { id } = good;
    const bad = serverOf(
      await admin.update({ server: { id, etag: good.etag, spec: spec('bad') } }),
    );
    const titled = (title: string | undefined) =>
      soon(() => expect(follower.view.resolve('files', ana)?.spec.title).toBe(title));
    await titled('bad');
    const back = serverOf(await rollbackServer(admin, { id, etag: bad.etag, generation: 1 }));
    await titled('good');
    await admin.remove({ id, etag: back.etag });
    await titled(undefined);
    const undeleted = serverOf(await undeleteServer(admin, { id }));
    await titled('good');
    expect(follower.view.resolve('files', ana)).toMatchObject({ id, etag: undeleted.etag });
  });
});
