import { describe, expect, it } from 'vitest';
import { SwitchboardError } from '../../../src/domain/errors.js';
import { userView } from '../../../src/domain/view.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { eventually } from '../../support/eventually.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import type { WatchFrame } from '../../support/services/encoders.js';
import { decodeFrames, RecordingSink } from '../../support/services/sinks.js';
import { withMethods } from '../../support/storage/reads.js';
import {
  create,
  openWorld,
  page,
  requestOf,
  TENANT,
  tokenOf,
  watch,
  type World,
} from '../../support/services/world.js';
import { passFailingSeconds } from '../../support/services/failing-seconds.js';

useFakeIntervals();

const ANA = userView('ana');

/**
 * A catalog that, once broken, cannot read the log of one tenant, in which there is then always
 * something newer.
 */
function breakable(
  { catalog }: World,
  bad: string,
): { readonly catalog: Catalog; breakDown(): void } {
  const { log } = catalog;
  let isBroken = false;
  const isBad = (tenant: string): boolean => isBroken && tenant === bad;
  return {
    breakDown: () => {
      isBroken = true;
    },
    catalog: withMethods(catalog, {
      newer: async (...args) => {
        const all = await log.newer(...args);
        return all.map((news) => (isBad(news.tenant) ? { ...news, hasNewer: true } : news));
      },
      read: (tenant, ...rest) =>
        isBad(tenant)
          ? Promise.reject(new SwitchboardError('CATALOG_UNAVAILABLE', 'unreadable'))
          : log.read(tenant, ...rest),
    }),
  };
}

function statesOf(sink: RecordingSink): readonly string[] {
  const beats = decodeFrames<WatchFrame>(sink).flatMap((frame) =>
    frame.kind === 'heartbeat' ? [frame.upstream] : [],
  );
  return [...new Set(beats)];
}

describe('a tenant whose log cannot be read', () => {
  it('is degraded and loses its own streams only [W11, C7, P29]', async () => {
    await using world = await openWorld();
    const writer = await world.replica();
    await create(writer, { name: 'good' });
    await create(writer, { name: 'bad' }, { tenant: 'bad' });
    const { catalog, breakDown } = breakable(world, 'bad');
    const replica = await world.replica({ catalog });
    const good = watch(replica, ANA);
    await good.live;
    const sink = new RecordingSink();
    const bad = { ...requestOf({ tenant: 'bad' }), sink };
    await replica.services.watchServers(bad, { view: ANA, resumeToken: '', held: new Map() });
    await page(replica, ANA);

    breakDown();
    await passFailingSeconds(replica, 30);
    expect(statesOf(sink)).toEqual(['degraded']);
    expect((await page(replica, ANA)).upstream.state).toBe('following');
    const ofBad = await replica.services.getServer(requestOf({ tenant: 'bad' }), {
      view: ANA,
      atLeast: '',
      key: { name: 'bad' },
    });
    expect(ofBad.upstream.state).toBe('degraded');

    await passFailingSeconds(replica, 40);
    expect(sink.ended?.error).toMatchObject({ reason: 'CATALOG_UNAVAILABLE', retryDelayMs: 5_000 });
    expect(good.sink.ended).toBeUndefined();
    expect(statesOf(good.sink)).toEqual(['following']);
    await create(writer, { name: 'later' }, { tenant: TENANT });
    await passFailingSeconds(replica, 1);
    await eventually(async () => {
      expect((await page(replica, ANA)).value.servers).toHaveLength(2);
    });
  });
});

describe('a resume that the Catalog does not respond to', () => {
  it('is given up when its client goes away', async () => {
    await using world = await openWorld();
    let isAsked = false;
    const catalog = withMethods(world.catalog, {
      positionAt: (...args) => {
        if (args[1] === 0) return world.catalog.log.positionAt(...args);
        isAsked = true;
        return new Promise(() => undefined);
      },
    });
    const replica = await world.replica({ catalog });
    const { position } = await page(replica, ANA);
    await create(replica, { name: 'docs' });
    const token = tokenOf({ ...position, revision: 1 }, ANA);
    const { sink, live } = watch(replica, ANA, { resumeToken: token });
    await eventually(() => expect(isAsked).toBe(true));
    sink.disconnect();
    await expect(live).rejects.toMatchObject({ reason: 'CANCELLED' });
  });
});
