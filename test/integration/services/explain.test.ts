import { describe, expect, it } from 'vitest';
import type { ServerRecord } from '../../../src/domain/server.js';
import { APP_VIEW, INVENTORY_VIEW, userView } from '../../../src/domain/view.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { changeAccess } from '../../support/commits/commits.js';
import { explainName } from '../../support/services/apply.js';
import {
  create,
  openWorld,
  project,
  remove,
  TENANT,
  tokenOf,
  update,
} from '../../support/services/world.js';
import { withMethods } from '../../support/storage/reads.js';
import { reasonOf } from '../../support/reason-of.js';

useFakeIntervals();

const ana = userView('ana', ['dev']);

describe('an explanation', () => {
  it('tells every server that has or had the name, of a cold subject too', async () => {
    await using world = await openWorld();
    const near = await world.replica();
    const own = await create(near, { name: 'files', owner: 'ana' });
    const bobs = await create(near, { name: 'files', owner: 'bob' });
    const zoes = await create(near, { name: 'files', owner: 'zoe' });
    const gone = await create(near, { name: 'files', tier: 'APP' });
    const { id } = bobs.value;
    await changeAccess(world.catalog, { tenant: TENANT, id }, { grant: ['group:dev'] });
    await remove(near, gone.value);
    const { value, position } = await explainName(await world.replica(), ana, 'files');
    expect(position.revision).toBe(6);
    expect(value.winner?.record.id).toBe(own.value.id);
    expect(value).toMatchObject({ moreUnseen: false, moreDeleted: false });
    expect(value.candidates).toMatchObject([
      {
        id: own.value.id,
        verdict: 'wins',
        owner: 'ana',
        revision: 1,
        sights: [{ subject: 'user:ana', owner: true }],
      },
      {
        id,
        verdict: 'shadowed_by_owned',
        owner: 'bob',
        revision: 5,
        sights: [{ subject: 'group:dev', owner: false, revision: 5 }],
      },
      { id: zoes.value.id, verdict: 'not_granted', sights: [] },
      { id: gone.value.id, verdict: 'deleted', tier: 'APP', revision: 6 },
    ]);
    const app = (await explainName(near, APP_VIEW, 'files')).value;
    expect(app.winner).toBeUndefined();
    expect(app.candidates.map(({ verdict }) => verdict)).toEqual([
      ...['not_for_app', 'not_for_app', 'not_for_app', 'deleted'],
    ]);
    const all = (await explainName(near, INVENTORY_VIEW, 'files')).value;
    expect(all.winner).toBeUndefined();
    expect(all.candidates.map(({ verdict }) => verdict)).toEqual([
      ...['untold', 'untold', 'untold', 'deleted'],
    ]);
  });

  it('of a name that nobody has or had tells nothing', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value: renamed } = await create(replica, { name: 'old' });
    await update(replica, renamed, { fields: { name: 'new' } });
    for (const name of ['old', 'other']) {
      const { value } = await explainName(replica, ana, name);
      expect(value).toMatchObject({ winner: undefined, candidates: [] });
    }
  });

  it('tells at most 100 of those not seen and of those deleted, besides all that are seen', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const name = 'files';
    const owned = (owner: string) => create(replica, { name, owner });
    const users = Array.from({ length: 101 }, (_, index) => `u${String(index)}`);
    const others = await Promise.all(users.map(owned));
    const { value: anas } = await owned('ana');
    const { value: granted } = await owned('bob');
    await changeAccess(world.catalog, { tenant: TENANT, id: granted.id }, { grant: ['user:ana'] });
    const counts = async () => {
      const { value } = await explainName(replica, ana, name);
      const of = (...verdicts: string[]) =>
        value.candidates.filter(({ verdict }) => verdicts.includes(verdict)).length;
      const seen = of('wins', 'shadowed_by_owned');
      const { moreUnseen, moreDeleted } = value;
      return [seen, of('not_granted'), moreUnseen, of('deleted'), moreDeleted];
    };
    expect(await counts()).toEqual([2, 100, true, 0, false]);
    await remove(replica, others[0]!.value);
    expect(await counts()).toEqual([2, 100, false, 1, false]);
    await Promise.all(others.slice(1).map(({ value }) => remove(replica, value)));
    expect(await counts()).toEqual([2, 0, false, 100, true]);
    expect((await explainName(replica, ana, name)).value.winner?.record.id).toBe(anas.id);
  });

  it('is of one revision, whatever is committed while it is put together [P9]', async () => {
    await using world = await openWorld();
    const near = await world.replica();
    const { value: shared } = await create(near, { name: 'files' });
    const { value: own } = await create(near, { name: 'files', owner: 'ana' });
    await project(world);
    const told: string[] = [];
    const removeProjected = async (record: ServerRecord): Promise<void> => {
      await remove(near, record);
      await project(world);
    };
    const steps = [
      // Between the two questions, so that they are asked again; then after both.
      { before: 'deletedNamed', run: () => removeProjected(shared) },
      { before: 'catchUp', run: () => removeProjected(own) },
    ];
    const { projections } = world.catalog;
    let named: Promise<unknown> = Promise.resolve();
    const catalog: Catalog = withMethods(world.catalog, {
      serversNamed: (...args) => {
        const asked = projections.serversNamed(...args);
        named = asked;
        return asked;
      },
      deletedNamed: async (...args) => {
        const step = steps.shift();
        if (step?.before === 'deletedNamed') await step.run();
        const answer = await projections.deletedNamed(...args);
        await named;
        if (step?.before === 'catchUp') await step.run();
        told.push(String(answer.from));
        return answer;
      },
    });
    const racing = await world.replica({ catalog });
    const { value, position } = await explainName(racing, ana, 'files');
    expect(told).toEqual(['3', '3']);
    expect(position.revision).toBe(3);
    expect(value.candidates.map(({ id, verdict }) => [id, verdict])).toEqual([
      [own.id, 'wins'],
      [shared.id, 'deleted'],
    ]);
    // The view itself is further.
    const { value: later } = await explainName(racing, ana, 'files');
    expect(later.candidates.map(({ verdict }) => verdict)).toEqual(['deleted', 'deleted']);
  });

  it('gives up, worth a retry, when servers of the name never stop changing', async () => {
    await using world = await openWorld();
    const near = await world.replica();
    let count = 0;
    const catalog: Catalog = withMethods(world.catalog, {
      deletedNamed: async (...args) => {
        count += 1;
        await create(near, { name: 'files', owner: `u${String(count)}` });
        await project(world);
        return world.catalog.projections.deletedNamed(...args);
      },
    });
    const racing = await world.replica({ catalog });
    expect(await reasonOf(explainName(racing, ana, 'files'))).toBe('CATALOG_UNAVAILABLE');
  });

  it('reflects what at_least demands [R1]', async () => {
    await using world = await openWorld();
    const [near, far] = [await world.replica(), await world.replica()];
    await explainName(far, ana, 'files');
    const { value, position } = await create(near, { name: 'files' });
    const explained = await explainName(far, ana, 'files', tokenOf(position));
    expect(explained.value.winner?.record.id).toBe(value.id);
  });

  it('is of names that may be', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    for (const name of ['', 'a/b', 'x'.repeat(201)]) {
      expect(await reasonOf(explainName(replica, ana, name))).toBe('INVALID_FIELD');
    }
    expect(await reasonOf(explainName(replica, userView(' '), 'files'))).toBe('INVALID_FIELD');
  });
});
