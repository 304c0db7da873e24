import { describe, expect, it } from 'vitest';
import type { CommitDraft } from '../../../src/domain/commit.js';
import { compareText } from '../../../src/domain/resolve.js';
import type { ServerRecord } from '../../../src/domain/server.js';
import type { SourceChange, SourceRecord } from '../../../src/domain/source-record.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import {
  appendAtHead,
  batchOf,
  changeOf,
  creation,
  draftOf,
  grantsAt,
  readLog,
  recordOf,
} from '../../support/storage/builders.js';
import { ODD_TEXTS } from '../../support/storage/history.js';
import { openCatalog, openHarness, TENANT, type CatalogSuite } from './harness.js';

const FIRST: SourceRecord = {
  ...{ name: 'crm', namespace: 'crm', state: 'active', formerNames: [], revision: 1 },
};
const SECOND: SourceRecord = { ...FIRST, name: 'hub', formerNames: ['crm'], revision: 2 };

/** The private source of a tenant, as the log says it, and the servers that are loaded from it. */
export function describePrivateSource(suite: CatalogSuite): void {
  describe('the private source of a tenant', () => {
    it('is written with the log, also without a change of servers [R1, P36]', async () => {
      const catalog = await openCatalog(suite);
      expect(await sourceOf(catalog)).toBeUndefined();
      const { batch } = await appendAtHead(catalog, TENANT, touching({ after: FIRST }));
      expect(await readLog(catalog, TENANT)).toEqual(batch.commits);
      expect(await sourceOf(catalog)).toEqual(FIRST);
      expect((await catalog.projections.privateSource(TENANT)).from).toBe(1);
    });

    it('is the newest, also of one batch, and stays while others move', async () => {
      const catalog = await openCatalog(suite);
      const change = { before: FIRST, after: SECOND };
      await appendAtHead(catalog, TENANT, touching({ after: FIRST }), touching(change), creation());
      expect(await sourceOf(catalog)).toEqual(SECOND);
      await appendAtHead(catalog, TENANT, creation());
      expect(await sourceOf(catalog)).toEqual(SECOND);
    });

    it('is not written by a batch that came too late', async () => {
      const catalog = await openCatalog(suite);
      const stale = await catalog.log.head(TENANT);
      await appendAtHead(catalog, TENANT, touching({ after: FIRST }));
      const late = batchOf(stale, [touching({ after: SECOND })]);
      expect(await catalog.log.append(TENANT, late)).toMatchObject({ appended: false });
      expect(await sourceOf(catalog)).toEqual(FIRST);
    });

    it('is of one tenant, and of none that looks like it', async () => {
      const catalog = await openCatalog(suite);
      const tenants = ['one', 'one\0', 'on', 'one/a', ''];
      for (const [at, tenant] of tenants.entries()) {
        if (at % 2 === 0)
          await appendAtHead(
            catalog,
            tenant,
            touching({ after: { ...FIRST, name: `s-${tenant}` } }),
          );
      }
      for (const [at, tenant] of tenants.entries()) {
        const due = at % 2 === 0 ? `s-${tenant}` : undefined;
        expect((await sourceOf(catalog, tenant))?.name).toBe(due);
      }
    });

    it('outlives the compaction of the commits that made it [P3, P36]', async () => {
      const catalog = await openCatalog(suite);
      await appendAtHead(catalog, TENANT, touching({ after: FIRST }));
      await appendAtHead(catalog, TENANT, touching({ before: FIRST, after: SECOND }));
      await catalog.projections.project(TENANT, 2);
      const answersBefore = Number.MAX_SAFE_INTEGER;
      expect(await catalog.log.compact(TENANT, 2, { answersBefore })).toBe(2);
      expect(await sourceOf(catalog)).toEqual(SECOND);
    });

    if (suite.capabilities.durable) {
      it('is found again after reopening [R1, F1]', async () => {
        const harness = await openHarness(suite);
        await appendAtHead(harness.catalog, TENANT, touching({ after: FIRST }));
        expect(await sourceOf(await harness.reopen())).toEqual(FIRST);
      });
    }
  });

  describe('the servers of a private source', () => {
    it('are found page by page, each once, with their grants [P36]', async () => {
      const catalog = await openCatalog(suite);
      const ids = ODD_TEXTS.filter((id) => id !== '');
      const granted = grantsAt(1, 'user:bob');
      const changes = ids.map((id) => changeOf(undefined, loaded(id, 'crm'), { granted }));
      await appendAtHead(catalog, TENANT, draftOf(changes));
      const due = ids.toSorted(compareText);
      for (const limit of [1, 3, ids.length, 100]) {
        expect((await idsOf(catalog, 'crm', limit)).toSorted(compareText)).toEqual(due);
      }
      const { value } = await pageOf(catalog, 'crm', { limit: 1 });
      const first = (await idsOf(catalog, 'crm'))[0]!;
      expect(value).toEqual([{ record: loaded(first, 'crm'), grants: granted }]);
      expect((await pageOf(catalog, 'crm', { limit: 0 })).value).toEqual([]);
    });

    it('are those that are of it now: neither deleted nor released ones, nor those of others', async () => {
      const catalog = await openCatalog(suite);
      const all = ['a', 'b', 'c', 'd'].map((id) => loaded(id, 'crm'));
      const others = [loaded('e', 'crm2'), loaded('f', 'cr'), recordOf({ id: 'g', owner: 'ana' })];
      const set = recordOf({ id: 'h', owner: 'ana', set: 'crm' });
      const made = [...all, ...others, set].map((record) => changeOf(undefined, record));
      await appendAtHead(catalog, TENANT, draftOf(made));
      const { privateSource: _released, ...kept } = all[2]!;
      await appendAtHead(
        catalog,
        TENANT,
        draftOf(changeOf(all[1], undefined)),
        draftOf(changeOf(all[2], { ...kept, revision: 3 })),
        draftOf(changeOf(all[3], { ...all[3]!, owner: 'bob', revision: 4 })),
      );
      expect(await idsOf(catalog, 'crm')).toEqual(['a', 'd']);
      expect(await idsOf(catalog, 'crm2')).toEqual(['e']);
      expect(await idsOf(catalog, 'never')).toEqual([]);
      await appendAtHead(catalog, 'other', draftOf(changeOf(undefined, loaded('z', 'crm'))));
      expect(await idsOf(catalog, 'crm')).toEqual(['a', 'd']);
    });
  });
}

/** A draft that changes the source and nothing else. */
function touching(source: SourceChange): CommitDraft {
  return draftOf([], { cause: 'LOAD', source });
}

function loaded(id: string, privateSource: string): ServerRecord {
  return recordOf({ id, owner: 'ana', privateSource });
}

/** As of the end of the log. */
async function sourceOf(catalog: Catalog, tenant = TENANT): Promise<SourceRecord | undefined> {
  await catalog.projections.project(tenant, (await catalog.log.head(tenant)).revision);
  return (await catalog.projections.privateSource(tenant)).value;
}

async function pageOf(
  catalog: Catalog,
  namespace: string,
  { afterId = '', limit = 2 }: { readonly afterId?: string; readonly limit?: number },
) {
  await catalog.projections.project(TENANT, (await catalog.log.head(TENANT)).revision);
  return catalog.projections.serversOfPrivateSource(TENANT, { namespace, afterId, limit });
}

/** The ids on all pages of this size. */
async function idsOf(catalog: Catalog, namespace: string, limit = 2): Promise<readonly string[]> {
  const ids: string[] = [];
  for (;;) {
    const { value } = await pageOf(catalog, namespace, { afterId: ids.at(-1) ?? '', limit });
    expect(value.length).toBeLessThanOrEqual(limit);
    if (value.length === 0) return ids;
    ids.push(...value.map(({ record }) => record.id));
  }
}
