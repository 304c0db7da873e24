import { describe, expect, it, vi } from 'vitest';
import { userView } from '../../../src/domain/view.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import {
  create,
  listed,
  openWorld,
  passTime,
  TENANT,
  watch,
} from '../../support/services/world.js';

useFakeIntervals();

describe('a replica whose tenant was compacted beyond its view', () => {
  it('ends its streams, opens it anew, and goes on with the others [F1, W8, C7]', async () => {
    await using world = await openWorld();
    const [near, far] = [await world.replica(), await world.replica()];
    await create(near, { name: 'first' });
    const { sink, live } = watch(far, userView('ana'));
    await live;
    await create(far, { name: 'of another tenant' }, { tenant: 'globex' });
    for (const name of ['second', 'third']) await create(near, { name });
    await create(near, { name: 'of another replica' }, { tenant: 'globex' });
    await world.catalog.log.compact(TENANT, 3, { answersBefore: 0 });

    passTime(far, 1_000);
    await vi.waitFor(() => {
      expect(sink.ended?.error?.reason).toBe('CATALOG_UNAVAILABLE');
    });
    expect((await listed(far, userView('ana'))).size).toBe(3);
    const again = watch(far, userView('ana'));
    await again.live;
    await create(near, { name: 'fourth' });
    passTime(far, 1_000);
    await vi.waitFor(async () => {
      expect((await listed(far, userView('ana'))).size).toBe(4);
    });
    expect(again.sink.ended).toBeUndefined();
  });
});
