import { describe, expect, it } from 'vitest';
import type { CommitDraft } from '../../../src/domain/commit.js';
import type { LoadChange, LoadRecord } from '../../../src/domain/load-record.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { loadOf } from '../../support/loads/loads.js';
import {
  appendAtHead,
  batchOf,
  changeOf,
  creation,
  draftOf,
  readLog,
  recordOf,
} from '../../support/storage/builders.js';
import { ODD_TEXTS } from '../../support/storage/history.js';
import { openCatalog, openHarness, TENANT, type CatalogSuite } from './harness.js';

/** Users that engines mix up: with NULs and separators, and one the beginning of another. */
const USERS = [
  ...ODD_TEXTS,
  '',
  '\0',
  'a',
  'a\0',
  'a\0b',
  'a\0\0b',
  'ab',
  'a:',
  'loads',
  'x'.repeat(255),
];

/** What was loaded for users, as the log says it. */
export function describeLoadRecords(suite: CatalogSuite): void {
  describe('load records', () => {
    it('are written with the log, also without a change of servers [R1, L5]', async () => {
      const catalog = await openCatalog(suite);
      const refused = { rowId: 'r', name: 'n', reason: 'ROW_BROKEN', message: 'no key' } as const;
      const ana = loadOf('ana', { refused: [refused], refusedCount: 250, serverCount: 3 });
      const bob = loadOf('bob', { state: 'purged', source: '', loadTime: 0 });
      const { batch } = await appendAtHead(
        catalog,
        TENANT,
        touching({ after: ana }, { after: bob }),
      );
      expect(await readLog(catalog, TENANT)).toEqual(batch.commits);
      expect(await loadsOf(catalog, ['ana', 'bob'])).toEqual([ana, bob]);
      const { from } = await catalog.projections.loadRecords(TENANT, ['ana']);
      expect(from).toBe(1);
    });

    it('are written beside the servers of their commit, or not at all [L2, D24, D32]', async () => {
      const catalog = await openCatalog(suite);
      const stale = await catalog.log.head(TENANT);
      const draft = draftOf(changeOf(undefined, recordOf({ id: 'a', owner: 'ana' })), {
        loads: [{ after: loadOf('ana', { serverCount: 1 }) }],
      });
      await appendAtHead(catalog, TENANT, draft);
      const late = touching({ after: loadOf('ana') }, { after: loadOf('bob') });
      expect(await catalog.log.append(TENANT, batchOf(stale, [late]))).toMatchObject({
        appended: false,
      });
      const [loads, { value }] = [
        await loadsOf(catalog, ['ana', 'bob']),
        await catalog.projections.privateServers(TENANT, ['user:ana']),
      ];
      expect(loads).toEqual([loadOf('ana', { serverCount: 1 })]);
      expect(value.map(({ record }) => record.id)).toEqual(['a']);
    });

    it('are the newest of each user, also of one batch, and stay while others move', async () => {
      const catalog = await openCatalog(suite);
      const [first, second] = [loadOf('ana'), loadOf('ana', { state: 'invalidated', revision: 2 })];
      const third = loadOf('ana', { revision: 3, serverCount: 2 });
      await appendAtHead(
        catalog,
        TENANT,
        touching({ after: first }, { after: loadOf('bob') }),
        touching({ before: first, after: second }),
      );
      expect(await loadsOf(catalog, ['ana', 'bob'])).toEqual([second, loadOf('bob')]);
      await appendAtHead(catalog, TENANT, touching({ before: second, after: third }), creation());
      expect(await loadsOf(catalog, ['ana', 'bob'])).toEqual([third, loadOf('bob')]);
      expect((await catalog.projections.loadRecords(TENANT, ['bob'])).from).toBe(4);
    });

    it('are answered for those who were asked for, each once; the unknown are left out', async () => {
      const catalog = await openCatalog(suite);
      const loads = ['ana', 'bob', 'zoe'].map((user) => loadOf(user));
      await appendAtHead(catalog, TENANT, touching(...loads.map((after) => ({ after }))));
      expect(await loadsOf(catalog, [])).toEqual([]);
      expect(await loadsOf(catalog, ['stranger'])).toEqual([]);
      expect(await loadsOf(catalog, ['zoe', 'stranger', 'ana'])).toEqual([loads[0], loads[2]]);
      expect(await loadsOf(catalog, ['ana', 'ana', 'bob', 'ana'])).toEqual(loads.slice(0, 2));
    });

    it('are kept apart by users and tenants that engines mix up', async () => {
      const catalog = await openCatalog(suite);
      const tenants = ['one', 'one\0', 'on', 'one/a'];
      const loadAt = (tenant: string, user: string): LoadRecord =>
        loadOf(user, { source: JSON.stringify([tenant, user]) });
      for (const tenant of tenants) {
        // Not all of them: what one tenant has, another does not have by that.
        const users = USERS.filter((_, at) => (at + tenants.indexOf(tenant)) % 3 !== 0);
        const changes = users.map((user): LoadChange => ({ after: loadAt(tenant, user) }));
        await appendAtHead(catalog, tenant, touching(...changes));
      }
      for (const [place, tenant] of tenants.entries()) {
        for (const [at, user] of USERS.entries()) {
          const due = (at + place) % 3 === 0 ? [] : [loadAt(tenant, user)];
          expect(await loadsOf(catalog, [user], tenant)).toEqual(due);
        }
      }
    });

    it('outlive the compaction of the commits that made them [P3]', async () => {
      const catalog = await openCatalog(suite);
      const [first, second] = [loadOf('ana'), loadOf('ana', { revision: 2 })];
      await appendAtHead(catalog, TENANT, touching({ after: first }, { after: loadOf('bob') }));
      await appendAtHead(catalog, TENANT, touching({ before: first, after: second }));
      await catalog.projections.project(TENANT, 2);
      const future = Number.MAX_SAFE_INTEGER;
      expect(await catalog.log.compact(TENANT, 2, { answersBefore: future })).toBe(2);
      expect(await readLog(catalog, TENANT)).toEqual([]);
      expect(await loadsOf(catalog, ['ana', 'bob'])).toEqual([second, loadOf('bob')]);
    });

    if (suite.capabilities.durable) {
      it('are found again after reopening [R1, F1]', async () => {
        const harness = await openHarness(suite);
        const loads = USERS.map((user) => loadOf(user, { source: user }));
        const draft = touching(...loads.map((after) => ({ after })));
        await appendAtHead(harness.catalog, TENANT, draft);
        const found = await loadsOf(await harness.reopen(), USERS);
        expect(found).toEqual(loads.toSorted(byUser));
      });
    }

    it('what it was given and what it gave are copies', async () => {
      const catalog = await openCatalog(suite);
      const { batch } = await appendAtHead(catalog, TENANT, touching({ after: loadOf('ana') }));
      const spoil = (load: LoadRecord | undefined): void => {
        (load as { source: string }).source = 'spoilt';
      };
      spoil(batch.commits[0]?.loads?.[0]?.after);
      spoil((await loadsOf(catalog, ['ana']))[0]);
      spoil((await catalog.log.read(TENANT, 0)).commits[0]?.loads?.[0]?.after);
      expect(await loadsOf(catalog, ['ana'])).toEqual([loadOf('ana')]);
      const [commit] = (await catalog.log.read(TENANT, 0)).commits;
      expect(commit?.loads).toEqual([{ after: loadOf('ana') }]);
    });
  });
}

/** A draft that touches load records and nothing else. */
function touching(...loads: readonly LoadChange[]): CommitDraft {
  return draftOf([], { cause: 'LOAD', loads });
}

/** The load records of users as of the end of the log, by user. */
async function loadsOf(
  catalog: Catalog,
  users: readonly string[],
  tenant = TENANT,
): Promise<readonly LoadRecord[]> {
  await catalog.projections.project(tenant, (await catalog.log.head(tenant)).revision);
  return [...(await catalog.projections.loadRecords(tenant, users)).value].sort(byUser);
}

function byUser(a: LoadRecord, b: LoadRecord): number {
  return a.user < b.user ? -1 : 1;
}
