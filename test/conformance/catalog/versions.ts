import { describe, expect, it } from 'vitest';
import type { AccessStepsQuery, ServerRecord } from '../../../src/domain/server.js';
import {
  appendAtHead,
  changeOf,
  creation,
  draftOf,
  grantsAt,
  recordOf,
} from '../../support/storage/builders.js';
import { openCatalog, TENANT, type CatalogSuite } from './harness.js';

/** What is kept of a server's past, and by what else than its id and name it is found. */
export function describeVersions(suite: CatalogSuite): void {
  describe('versions', () => {
    it('are kept when the log is compacted and the server deleted [P3]', async () => {
      const catalog = await openCatalog(suite);
      const first = recordOf({ id: 'a', owner: 'ana', generation: 1 });
      const second = nextOf(first, 'second');
      const granted = grantsAt(1, 'group:ops', 'user:bob');
      await appendAtHead(
        catalog,
        TENANT,
        draftOf(changeOf(undefined, first, { granted }), { actor: 'zoe', reason: 'new' }),
        draftOf(changeOf(first, second), { actor: 'eve', time: 7 }),
        draftOf(changeOf(second, undefined, { revoked: granted }), { actor: 'max' }),
      );
      await catalog.projections.project(TENANT, 3);
      await catalog.log.compact(TENANT, 3, { answersBefore: 0 });
      const { from, value } = await catalog.projections.versions(TENANT, { id: 'a', limit: 9 });
      expect(from).toBe(3);
      expect(value).toMatchObject([
        { generation: 3, cause: 'DELETE', actor: 'max', revision: 3, etag: '', grants: granted },
        { generation: 2, cause: 'UPDATE', actor: 'eve', time: 7, etag: second.etag, grants: [] },
        { generation: 1, cause: 'CREATE', actor: 'zoe', reason: 'new', etag: first.etag },
      ]);
      expect(value.map(({ declared }) => declared?.spec.title)).toEqual([undefined, 'second', '']);
      expect(value[1]?.declared?.owner).toBe('ana');
      // The deletion tells when the server was made and last changed.
      const times = ({
        createTime,
        lastUpdatedAt,
      }: Pick<ServerRecord, 'createTime' | 'lastUpdatedAt'>) => [createTime, lastUpdatedAt];
      expect(value.map(times)).toEqual([second, second, first].map(times));
    });

    it('are not made by facts and access', async () => {
      const catalog = await openCatalog(suite);
      const record = recordOf({ id: 'a', owner: 'ana' });
      const granted = grantsAt(2, 'user:bob');
      await appendAtHead(catalog, TENANT, draftOf(changeOf(undefined, record)));
      await appendAtHead(catalog, TENANT, draftOf(changeOf(record, record, { granted })));
      const known = { ...record, factsEtag: 'f', revision: 3 };
      await appendAtHead(catalog, TENANT, draftOf(changeOf(record, known)));
      await catalog.projections.project(TENANT, 3);
      const { value } = await catalog.projections.versions(TENANT, { id: 'a', limit: 9 });
      expect(value.map(({ revision }) => revision)).toEqual([1]);
    });

    it('have the changes of access beside them, also of a deleted server [P3]', async () => {
      const catalog = await openCatalog(suite);
      const record = recordOf({ id: 'a', owner: 'ana' });
      const granted = grantsAt(2, 'user:bob', 'group:ops');
      const [bob, ops] = granted;
      const by = { cause: 'ACCESS', actor: 'zoe', reason: 'joined', time: 7 } as const;
      await appendAtHead(catalog, TENANT, draftOf(changeOf(undefined, record)));
      await appendAtHead(catalog, TENANT, draftOf(changeOf(record, record, { granted }), by));
      await appendAtHead(
        catalog,
        TENANT,
        draftOf(changeOf(record, record, { revoked: [bob!] })),
        draftOf(changeOf(record, undefined, { revoked: [ops!] }), { cause: 'DELETE' }),
        creation({ id: 'aa' }),
      );
      await catalog.projections.project(TENANT, 5);
      await catalog.log.compact(TENANT, 5, { answersBefore: 0 });
      const steps = async (query: Partial<AccessStepsQuery>) => {
        const full = { id: 'a', limit: 9, subjects: 99, ...query };
        return (await catalog.projections.accessSteps(TENANT, full)).value;
      };
      const all = await steps({});
      expect(all).toMatchObject([
        { revision: 4, cause: 'DELETE', granted: [], revoked: ['group:ops'] },
        { revision: 3, granted: [], revoked: ['user:bob'] },
        { revision: 2, ...by, granted: ['group:ops', 'user:bob'], revoked: [] },
      ]);
      expect(await steps({ before: 4, limit: 1 })).toEqual([all[1]]);
      expect(await steps({ before: 2 })).toEqual([]);
      expect(await steps({ limit: 0 })).toEqual([]);
      // The one that reaches the number of subjects is the last.
      expect(await steps({ subjects: 2 })).toEqual(all.slice(0, 2));
      expect(await steps({ subjects: 1 })).toEqual(all.slice(0, 1));
      expect(await steps({ id: 'aa' })).toEqual([]);
    });

    it('come page by page, of one server only', async () => {
      const catalog = await openCatalog(suite);
      let record = recordOf({ id: 'a', generation: 1 });
      await appendAtHead(catalog, TENANT, creation({ id: 'aa' }), creation({ id: 'b' }));
      await appendAtHead(catalog, TENANT, draftOf(changeOf(undefined, record)));
      for (let n = 2; n <= 11; n += 1) {
        const next = nextOf(record, String(n));
        await appendAtHead(catalog, TENANT, draftOf(changeOf(record, next)));
        record = next;
      }
      await catalog.projections.project(TENANT, 13);
      const page = async (
        before: number | undefined,
        limit: number,
      ): Promise<readonly number[]> => {
        const query = { id: 'a', limit, ...(before === undefined ? {} : { before }) };
        const { value } = await catalog.projections.versions(TENANT, query);
        return value.map(({ generation }) => generation);
      };
      expect(await page(undefined, 3)).toEqual([11, 10, 9]);
      expect(await page(9, 6)).toEqual([8, 7, 6, 5, 4, 3]);
      expect(await page(3, 6)).toEqual([2, 1]);
      expect(await page(1, 6)).toEqual([]);
      expect(await page(undefined, 0)).toEqual([]);
      expect((await catalog.projections.versions('other', { id: 'a', limit: 9 })).value).toEqual(
        [],
      );
    });

    it('of deleted servers are found by the name: the newest first, and no longer when back', async () => {
      const catalog = await openCatalog(suite);
      const records = ['c', 'a', 'b'].map((id) => recordOf({ id, name: 'n', owner: id }));
      for (const record of records) {
        await appendAtHead(catalog, TENANT, draftOf(changeOf(undefined, record)));
        await appendAtHead(catalog, TENANT, draftOf(changeOf(record, undefined)));
      }
      const found = async (limit: number): Promise<readonly string[]> => {
        await catalog.projections.project(TENANT, (await catalog.log.head(TENANT)).revision);
        const { value } = await catalog.projections.deletedNamed(TENANT, { name: 'n', limit });
        return value.map(({ id }) => id);
      };
      expect(await found(9)).toEqual(['b', 'a', 'c']);
      expect(await found(2)).toEqual(['b', 'a']);
      const back = recordOf({ id: 'a', name: 'n', owner: 'a', generation: 3 });
      await appendAtHead(catalog, TENANT, draftOf(changeOf(undefined, back)));
      expect(await found(9)).toEqual(['b', 'c']);
      const renamed = { ...nextOf(back, ''), name: 'other' };
      await appendAtHead(catalog, TENANT, draftOf(changeOf(back, renamed)));
      await appendAtHead(catalog, TENANT, draftOf(changeOf(renamed, undefined)));
      expect(await found(9)).toEqual(['b', 'c']);
      const [other] = (await catalog.projections.deletedNamed(TENANT, { name: 'other', limit: 1 }))
        .value;
      expect(other).toEqual({ id: 'a', revision: 9, name: 'other', tier: 'PRIVATE', owner: 'a' });
    });

    it('a server is found by its set as long as it has it', async () => {
      const catalog = await openCatalog(suite);
      const mine = recordOf({ id: 'a', set: 'one.yaml' });
      await appendAtHead(catalog, TENANT, draftOf(changeOf(undefined, mine)));
      await appendAtHead(catalog, TENANT, creation({ id: 'b', set: 'one.yaml' }));
      await appendAtHead(catalog, TENANT, creation({ id: 'c', set: 'one.yaml.bak' }));
      await appendAtHead(catalog, TENANT, creation({ id: 'd' }));
      const idsOf = async (set: string): Promise<readonly string[]> => {
        await catalog.projections.project(TENANT, (await catalog.log.head(TENANT)).revision);
        const { value } = await catalog.projections.serversOfSet(TENANT, set);
        return value.map(({ record }) => record.id);
      };
      expect(await idsOf('one.yaml')).toEqual(['a', 'b']);
      expect(await idsOf('')).toEqual([]);
      const taken = { ...nextOf(mine, ''), set: 'two.yaml' };
      await appendAtHead(catalog, TENANT, draftOf(changeOf(mine, taken)));
      expect(await idsOf('one.yaml')).toEqual(['b']);
      expect(await idsOf('two.yaml')).toEqual(['a']);
      await appendAtHead(catalog, TENANT, draftOf(changeOf(taken, undefined)));
      expect(await idsOf('two.yaml')).toEqual([]);
    });
  });
}

/** The next version of a record. */
function nextOf(record: ServerRecord, title: string): ServerRecord {
  const generation = record.generation + 1;
  const spec = { ...record.spec, title };
  return { ...record, spec, generation, etag: `${record.id} ${String(generation)}` };
}
