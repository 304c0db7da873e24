import { describe, expect, it } from 'vitest';
import { userView } from '../../../src/domain/view.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { grant, promote, revoke } from '../../support/services/access.js';
import { withMethods, type CatalogMethods } from '../../support/storage/reads.js';
import { apply, itemOf } from '../../support/services/apply.js';
import { create, get, openWorld, page, type World } from '../../support/services/world.js';

// What is asked of the Catalog, counted: it must not grow with what is not asked for.

useFakeIntervals();

/** A catalog that notes each call, and what it answered with. */
function counted({ catalog }: World): { readonly catalog: Catalog; take(): readonly string[] } {
  const calls: string[] = [];
  const methods = Object.entries({ ...catalog.log, ...catalog.projections });
  const noted = methods.map(([name, call]: [string, unknown]) => [
    name,
    (...args: unknown[]): unknown => {
      calls.push(name);
      return (call as (...args: unknown[]) => unknown)(...args);
    },
  ]);
  return {
    catalog: withMethods(catalog, Object.fromEntries(noted) as CatalogMethods),
    take: () => calls.splice(0).toSorted(),
  };
}

const ana = userView('ana');
const subjects = ['user:zoe'];

/** What lists, lookups and changes of access ask for, with so many servers of others around. */
async function callsAmong(others: number): Promise<Record<string, readonly string[]>> {
  await using world = await openWorld();
  const { catalog, take } = counted(world);
  const replica = await world.replica({ catalog });
  const items = Array.from({ length: others }, (_, at) =>
    itemOf({ name: `n${String(at)}`, owner: `u${String(at)}` }),
  );
  if (others > 0) await apply(replica, items);
  const { value: record } = await create(replica, { name: 'files', owner: 'ana' });
  take();
  const found: Record<string, readonly string[]> = {};
  const step = async (name: string, work: () => Promise<unknown>): Promise<void> => {
    await work();
    found[name] = take();
  };
  await step('cold list', () => page(replica, userView('new')));
  await step('warm list', () => page(replica, ana));
  await step('warm get', () => get(replica, ana, { name: 'files' }));
  await step('grant', () => grant(replica, record, { subjects }));
  await step('revoke', () => revoke(replica, record, { subjects }));
  await step('promotion', () => promote(replica, record));
  return found;
}

describe('what the Catalog is asked for', () => {
  it('is nothing by those who are known, and as much among 2,000 servers as among none [D29]', async () => {
    const few = await callsAmong(0);
    expect(few['warm list']).toEqual([]);
    expect(few['warm get']).toEqual([]);
    expect(few['grant']?.length).toBeLessThanOrEqual(4);
    expect(Object.values(few).flat()).not.toContain('inventory');
    expect(await callsAmong(2_000)).toEqual(few);
  });
});
