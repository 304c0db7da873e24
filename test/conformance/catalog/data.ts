import { describe, expect, it } from 'vitest';
import type { Catalog } from '../../../src/storage/catalog.js';
import type { Projections } from '../../../src/storage/projections.js';
import { isTombstone } from '../../../src/storage/projections.js';
import type { StoredServer } from '../../../src/domain/server.js';
import {
  appendAtHead,
  changeOf,
  creation,
  draftOf,
  grantsAt,
  readLog,
  recordOf,
} from '../../support/storage/builders.js';
import { ODD_TEXTS } from '../../support/storage/history.js';
import { wholeInventory } from '../../support/storage/model.js';
import { openCatalog, TENANT, type CatalogSuite } from './harness.js';
import { findAnswer, findServer, projectedAt } from '../../support/storage/reads.js';

/** What is stored comes back as it was, whatever it is called and whoever touches it. */
export function describeData(suite: CatalogSuite): void {
  describe('data', () => {
    it('answers for a tenant that was never written to, and writes nothing by that', async () => {
      const catalog = await openCatalog(suite);
      const head = await catalog.log.head('unknown');
      expect(head).toMatchObject({ revision: 0, fingerprint: '' });
      expect(head.epoch).not.toBe('');
      expect(await catalog.log.head('unknown')).toEqual(head);
      expect((await catalog.log.head('other')).epoch).not.toBe(head.epoch);
      expect(await catalog.log.read('unknown', 0)).toEqual({ commits: [], head, mark: 0 });
      expect(await catalog.log.positionAt('unknown', 0)).toEqual(head);
      expect(await catalog.log.positionAt('unknown', 1)).toBeUndefined();
      expect(await catalog.log.compact('unknown', 9, { answersBefore: 9 })).toBe(0);
      expect(await catalog.projections.project('unknown', 9)).toBe(0);
      expect(await findServer(catalog, 'unknown', 'a')).toEqual(projectedAt(0, undefined));
      expect(await catalog.projections.sharedServers('unknown')).toEqual(projectedAt(0, []));
      expect(await catalog.projections.loadRecords('unknown', ['ana'])).toEqual(projectedAt(0, []));
      expect(await catalog.log.tenants()).toEqual([]);
    });

    it('the epoch of a tenant is the same before and after its first commit', async () => {
      const catalog = await openCatalog(suite);
      const { epoch } = await catalog.log.head(TENANT);
      await appendAtHead(catalog, TENANT, creation());
      expect((await catalog.log.head(TENANT)).epoch).toBe(epoch);
    });

    it('gives back what was appended [R1]', async () => {
      const catalog = await openCatalog(suite);
      const draft = draftOf(
        changeOf(undefined, recordOf({ id: 'a', owner: 'ana' }), {
          granted: grantsAt(1, 'group:ops', 'user:bob'),
        }),
        { request: { principal: 'p', requestId: 'r', bodyDigest: 'd' }, reason: 'why', time: 5 },
      );
      const { batch } = await appendAtHead(catalog, TENANT, draft);
      expect(await readLog(catalog, TENANT)).toEqual(batch.commits);
      const server: StoredServer = {
        record: draft.changes[0]!.after!,
        grants: grantsAt(1, 'group:ops', 'user:bob'),
      };
      await catalog.projections.project(TENANT, 1);
      expect(await findServer(catalog, TENANT, 'a')).toEqual(projectedAt(1, server));
      const recorded = await findAnswer(catalog, TENANT, { principal: 'p', requestId: 'r' });
      expect(recorded).toEqual(projectedAt(1, { revision: 1, bodyDigest: 'd', time: 5 }));
    });

    it('keeps ids and names apart that engines mix up [D5, D31]', async () => {
      const catalog = await openCatalog(suite);
      const records = ODD_TEXTS.map((text) => recordOf({ id: text, name: text, owner: text }));
      await appendAtHead(catalog, TENANT, draftOf(records.map((r) => changeOf(undefined, r))));
      await catalog.projections.project(TENANT, 1);
      for (const record of records) {
        const server = { record, grants: [] };
        expect((await findServer(catalog, TENANT, record.id)).value).toEqual(server);
        const { name } = record;
        expect((await catalog.projections.serversNamed(TENANT, { name, limit: 9 })).value).toEqual([
          server,
        ]);
        const owned = await catalog.projections.privateServers(TENANT, [`user:${record.name}`]);
        expect(owned.value).toEqual([{ ...server, isPartial: false }]);
      }
      const { value } = await wholeInventory(catalog, TENANT);
      expect(value.map((server) => server.record.id).sort()).toEqual([...ODD_TEXTS].sort());
    });

    it('keeps tenants, principals and request ids apart that engines mix up', async () => {
      const catalog = await openCatalog(suite);
      for (const [at, text] of ODD_TEXTS.entries()) {
        const request = { principal: text, requestId: text, bodyDigest: `body ${String(at)}` };
        await appendAtHead(catalog, text, draftOf(changeOf(undefined, recordOf()), { request }));
      }
      expect([...(await catalog.log.tenants())].sort()).toEqual([...ODD_TEXTS].sort());
      for (const [at, text] of ODD_TEXTS.entries()) {
        await catalog.projections.project(text, 1);
        const { value } = await findAnswer(catalog, text, { principal: text, requestId: text });
        expect(value?.bodyDigest).toBe(`body ${String(at)}`);
        expect((await catalog.log.head(text)).revision).toBe(1);
      }
    });

    it('does not take the join of two parts for other two parts', async () => {
      const catalog = await openCatalog(suite);
      const request = { principal: 'a:b', requestId: 'c', bodyDigest: 'd' };
      await appendAtHead(catalog, TENANT, draftOf(changeOf(undefined, recordOf()), { request }));
      await catalog.projections.project(TENANT, 1);
      const other = await findAnswer(catalog, TENANT, { principal: 'a', requestId: 'b:c' });
      expect(other.value).toBeUndefined();
    });

    it('answers for texts that are far too long to be there', async () => {
      const catalog = await openCatalog(suite);
      const long = 'x'.repeat(20_000);
      await appendAtHead(catalog, TENANT, creation({ id: 'x'.repeat(256) }));
      await catalog.projections.project(TENANT, 1);
      expect((await findServer(catalog, TENANT, long)).value).toBeUndefined();
      expect(
        (await catalog.projections.serversNamed(TENANT, { name: long, limit: 9 })).value,
      ).toEqual([]);
      expect((await catalog.projections.privateServers(TENANT, [`user:${long}`])).value).toEqual(
        [],
      );
      expect((await catalog.projections.loadRecords(TENANT, [long])).value).toEqual([]);
      expect((await catalog.log.head(long)).revision).toBe(0);
    });

    it('same ids and names in two tenants are two servers', async () => {
      const catalog = await openCatalog(suite);
      await appendAtHead(catalog, 'one', creation({ id: 'a', name: 'n', title: 'of one' }));
      await appendAtHead(catalog, 'two', creation({ id: 'a', name: 'n', title: 'of two' }));
      await catalog.projections.project('one', 1);
      await catalog.projections.project('two', 1);
      expect(await titlesOf(catalog, 'one')).toEqual(['of one']);
      expect(await titlesOf(catalog, 'two')).toEqual(['of two']);
    });

    it('keeps a large record and maps with the keys of Object', async () => {
      const catalog = await openCatalog(suite);
      const labels = JSON.parse(
        '{"__proto__":"p","constructor":"c","toString":"t","2":"b","1":"a"}',
      ) as Record<string, string>;
      const spec = { description: 'ä'.repeat(1_000_000), labels };
      const { batch } = await appendAtHead(catalog, TENANT, creation({ id: 'big', spec }));
      await catalog.projections.project(TENANT, 1);
      const { value } = await findServer(catalog, TENANT, 'big');
      const stored = (value as StoredServer).record.spec;
      expect(stored.description).toBe(spec.description);
      expect(JSON.stringify(stored.labels)).toBe(JSON.stringify(labels));
      expect(Object.getPrototypeOf(stored.labels)).toBe(Object.prototype);
      expect(await readLog(catalog, TENANT)).toEqual(batch.commits);
    });

    it('what it was given and what it gave are copies', async () => {
      const catalog = await openCatalog(suite);
      const { batch } = await appendAtHead(catalog, TENANT, creation({ id: 'a', name: 'n' }));
      const expected = structuredClone(batch.commits);
      const spoil = (server: unknown): void => {
        const { record } = server as { record: { name: string; spec: { title: string } } };
        record.name = 'spoilt';
        record.spec.title = 'spoilt';
      };
      spoil({ record: batch.commits[0]!.changes[0]!.after });
      await catalog.projections.project(TENANT, 1);
      spoil((await findServer(catalog, TENANT, 'a')).value);
      spoil((await catalog.projections.sharedServers(TENANT)).value[0]);
      spoil({ record: (await catalog.log.read(TENANT, 0)).commits[0]!.changes[0]!.after });
      expect((await catalog.log.read(TENANT, 0)).commits).toEqual(expected);
      expect(await catalog.projections.serversNamed(TENANT, { name: 'n', limit: 9 })).toMatchObject(
        {
          value: [{ record: { name: 'n', spec: { title: '' } } }],
        },
      );
    });

    it('a deleted server leaves its tombstone, and can be made anew [P2, D33]', async () => {
      const catalog = await openCatalog(suite);
      const record = recordOf({ id: 'a', name: 'n', owner: 'ana' });
      const grants = grantsAt(1, 'group:ops');
      await appendAtHead(
        catalog,
        TENANT,
        draftOf(changeOf(undefined, record, { granted: grants })),
        draftOf(changeOf(record, undefined, { revoked: grants })),
      );
      await catalog.projections.project(TENANT, 2);
      const gone = await findServer(catalog, TENANT, 'a');
      expect(gone).toEqual(
        projectedAt(2, { id: 'a', revision: 2, name: 'n', tier: 'PRIVATE', owner: 'ana' }),
      );
      expect(gone.value !== undefined && isTombstone(gone.value)).toBe(true);
      expect(
        (await catalog.projections.serversNamed(TENANT, { name: 'n', limit: 9 })).value,
      ).toEqual([]);
      expect(
        (await catalog.projections.privateServers(TENANT, ['user:ana', 'group:ops'])).value,
      ).toEqual([]);
      expect(
        (await catalog.projections.inventory(TENANT, { afterId: '', limit: 9 })).value,
      ).toEqual([]);

      const anew = { ...record, revision: 3 };
      await appendAtHead(catalog, TENANT, draftOf(changeOf(undefined, anew)));
      await catalog.projections.project(TENANT, 3);
      const back = await findServer(catalog, TENANT, 'a');
      expect(back).toEqual(projectedAt(3, { record: anew, grants: [] }));
      expect((await catalog.projections.privateServers(TENANT, ['group:ops'])).value).toEqual([]);
    });

    it('the inventory goes by id, without gaps and doubles, past tombstones', async () => {
      const catalog = await openCatalog(suite);
      const records = Array.from({ length: 25 }, (_, at) => recordOf({ id: `s${String(at)}` }));
      await appendAtHead(catalog, TENANT, draftOf(records.map((r) => changeOf(undefined, r))));
      const dead = records.filter((_, at) => at % 5 === 0);
      await appendAtHead(catalog, TENANT, draftOf(dead.map((r) => changeOf(r, undefined))));
      await catalog.projections.project(TENANT, 2);
      const alive = records.filter((r) => !dead.includes(r)).map((r) => r.id);
      for (const limit of [1, 7, 100]) {
        const { value } = await wholeInventory(catalog, TENANT, limit);
        expect(value.map((server) => server.record.id)).toEqual(alive.sort());
      }
      expect(
        (await catalog.projections.inventory(TENANT, { afterId: 's0', limit: 0 })).value,
      ).toEqual([]);
    });

    it('a private server seen by several subjects comes once, and goes with the last', async () => {
      const catalog = await openCatalog(suite);
      const record = recordOf({ id: 'a', owner: 'ana' });
      const granted = grantsAt(1, 'group:ops', 'user:ana');
      await appendAtHead(catalog, TENANT, draftOf(changeOf(undefined, record, { granted })));
      const seen = async (...subjects: Parameters<Projections['privateServers']>[1]) => {
        const { revision } = await catalog.log.head(TENANT);
        await catalog.projections.project(TENANT, revision);
        const { value } = await catalog.projections.privateServers(TENANT, subjects);
        return value.map((server) => server.record.id);
      };
      expect(await seen('user:ana', 'group:ops', 'group:other')).toEqual(['a']);

      const revoked = grantsAt(1, 'user:ana');
      await appendAtHead(catalog, TENANT, draftOf(changeOf(record, record, { revoked })));
      expect(await seen('user:ana')).toEqual(['a']);

      const ofBob = recordOf({ id: 'a', owner: 'bob', revision: 3 });
      await appendAtHead(catalog, TENANT, draftOf(changeOf(record, ofBob)));
      expect(await seen('user:ana')).toEqual([]);
      expect(await seen('user:ana', 'group:ops')).toEqual(['a']);
    });
  });
}

async function titlesOf(catalog: Catalog, tenant: string): Promise<readonly string[]> {
  const { value } = await catalog.projections.serversNamed(tenant, { name: 'n', limit: 9 });
  return value.map((server) => server.record.spec.title);
}
