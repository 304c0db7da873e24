import { describe, expect, it } from 'vitest';
import { isSwitchboardError } from '../../src/domain/errors.js';
import type { Catalog } from '../../src/storage/catalog.js';
import type { Projected } from '../../src/storage/projections.js';
import {
  appendAtHead,
  changeOf,
  creation,
  draftOf,
  recordOf,
} from '../support/storage/builders.js';
import { LAGGING_CAPABILITIES, openLaggingCatalog } from '../support/storage/lagging.js';
import { laggingHarnesses } from '../support/storage/memory.js';
import { rangeDifferences } from '../support/storage/ranges.js';
import { withMethods, type CatalogMethods } from '../support/storage/reads.js';
import { printedSeed } from '../support/random.js';
import { describeCatalog } from './catalog.suite.js';
import { TENANT } from './catalog/harness.js';
import { reasonOf } from '../support/reason-of.js';

const seed = printedSeed('the lagging catalog');

describeCatalog('memory, lagging', {
  create: laggingHarnesses(seed),
  capabilities: LAGGING_CAPABILITIES,
});

/** A server that changes with each commit, read by several at once after each. */
async function useUp(catalog: Catalog, commits: number): Promise<readonly string[]> {
  const found: string[] = [];
  let record = recordOf({ id: 'a' });
  await appendAtHead(catalog, TENANT, draftOf(changeOf(undefined, record)));
  for (let revision = 2; revision <= commits; revision += 1) {
    const next = { ...record, revision, etag: String(revision) };
    await appendAtHead(catalog, TENANT, draftOf(changeOf(record, next)));
    record = next;
    const reads = await Promise.all([1, 2, 3].map(() => rangeDifferences(catalog, TENANT)));
    found.push(...reads.flat());
  }
  return found;
}

/** Ways in which an engine could say too much of what it returns. */
const LIES: Record<
  string,
  (read: Projected<unknown>, head: number) => Partial<Projected<unknown>>
> = {
  '`from` is later than it is': ({ to }) => ({ from: to }),
  '`to` is earlier than it is': ({ from }) => ({ to: from }),
  'it reflects the head': (_read, head) => ({ from: head, to: head }),
};

describe('the lagging catalog', () => {
  it('lags in every way that it is meant to, and tells the truth about it', async () => {
    const { catalog, counts } = await openLaggingCatalog({ seed });
    expect(await useUp(catalog, 60)).toEqual([]);
    expect(counts.behind).toBeGreaterThan(0);
    expect(counts.ahead).toBeGreaterThan(0);
    expect(counts.late).toBeGreaterThan(0);
    expect(counts.helped).toBeGreaterThan(0);
    expect(counts.failed).toBe(0);
  });

  it.each(Object.entries(LIES))('would be found out if it said that %s', async (_what, lie) => {
    const { catalog } = await openLaggingCatalog({ seed });
    const lying = (
      name: 'sharedServers' | 'inventory' | 'serversById',
    ): Partial<CatalogMethods> => {
      const call = catalog.projections[name] as (...args: unknown[]) => Promise<Projected<unknown>>;
      return {
        [name]: async (...args: unknown[]) => {
          const read = await call(...args);
          const { revision } = await catalog.log.head(TENANT);
          return { ...read, ...lie(read, revision) };
        },
      };
    };
    const broken = withMethods(catalog, {
      ...lying('sharedServers'),
      ...lying('inventory'),
      ...lying('serversById'),
    });
    expect(await useUp(broken, 60)).not.toEqual([]);
  });

  it('does the same for the same seed', async () => {
    const run = async (): Promise<unknown> => {
      const { catalog, counts } = await openLaggingCatalog({ seed: 7 });
      await useUp(catalog, 10);
      return counts;
    };
    expect(await run()).toEqual(await run());
  });

  it('fails now and then, typed, and works again', async () => {
    const { catalog, counts } = await openLaggingCatalog({ seed, failOneIn: 5 });
    await appendAtHead(catalog, TENANT, creation());
    const reasons: unknown[] = [];
    for (let n = 0; n < 100; n += 1) {
      reasons.push(await reasonOf(catalog.projections.sharedServers(TENANT)));
    }
    expect(reasons.filter((reason) => reason === 'CATALOG_UNAVAILABLE')).toHaveLength(
      counts.failed,
    );
    expect(counts.failed).toBeGreaterThan(0);
    expect(reasons).toContain('done');
    const failure = await catalog.projections
      .sharedServers(TENANT, { atLeast: 2 })
      .catch((error: unknown) => error);
    expect(isSwitchboardError(failure, 'CATALOG_UNAVAILABLE')).toBe(true);
  });
});
