import { describe, expect, it } from 'vitest';
import type { CallOptions } from '../../../src/storage/call-options.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import type { CommitLog } from '../../../src/storage/log.js';
import type { Projections } from '../../../src/storage/projections.js';
import { appendAtHead, batchOf, creation, readLog } from '../../support/storage/builders.js';
import { openCatalog, openHarness, TENANT, type CatalogSuite } from './harness.js';
import { reasonOf } from '../../support/reason-of.js';

type Method = keyof CommitLog | keyof Projections;

/** Every method, called in a way that would work on an open catalog. */
const CALLS: Record<Method, (catalog: Catalog, options: CallOptions) => Promise<unknown>> = {
  head: (catalog, options) => catalog.log.head(TENANT, options),
  newer: (catalog, options) => catalog.log.newer([], options),
  append: (catalog, options) => {
    const after = { epoch: 'e', revision: 0, fingerprint: '' };
    return catalog.log.append(TENANT, batchOf(after, [creation()]), options);
  },
  read: (catalog, options) => catalog.log.read(TENANT, 0, options),
  positionAt: (catalog, options) => catalog.log.positionAt(TENANT, 0, options),
  compact: (catalog, options) => catalog.log.compact(TENANT, 1, { ...options, answersBefore: 1 }),
  project: (catalog, options) => catalog.projections.project(TENANT, 1, options),
  serversById: (catalog, options) => catalog.projections.serversById(TENANT, ['a'], options),
  sharedServers: (catalog, options) => catalog.projections.sharedServers(TENANT, options),
  privateServers: (catalog, options) =>
    catalog.projections.privateServers(TENANT, ['user:a'], options),
  serversNamed: (catalog, options) =>
    catalog.projections.serversNamed(TENANT, { name: 'a', limit: 1 }, options),
  deletedNamed: (catalog, options) =>
    catalog.projections.deletedNamed(TENANT, { name: 'a', limit: 1 }, options),
  serversOfSet: (catalog, options) => catalog.projections.serversOfSet(TENANT, 'a', options),
  versions: (catalog, options) =>
    catalog.projections.versions(TENANT, { id: 'a', limit: 1 }, options),
  accessSteps: (catalog, options) =>
    catalog.projections.accessSteps(TENANT, { id: 'a', limit: 1, subjects: 1 }, options),
  inventory: (catalog, options) =>
    catalog.projections.inventory(TENANT, { afterId: '', limit: 1 }, options),
  loadRecords: (catalog, options) => catalog.projections.loadRecords(TENANT, ['a'], options),
  privateSource: (catalog, options) => catalog.projections.privateSource(TENANT, options),
  serversOfPrivateSource: (catalog, options) =>
    catalog.projections.serversOfPrivateSource(
      TENANT,
      { namespace: 'a', afterId: '', limit: 1 },
      options,
    ),
  answers: (catalog, options) =>
    catalog.projections.answers(TENANT, [{ principal: 'p', requestId: 'r' }], options),
  tenants: (catalog, options) => catalog.log.tenants(options),
};

/** Traits that every method has, and closing. */
export function describeLifecycle(suite: CatalogSuite): void {
  describe('lifecycle', () => {
    describe.each(Object.entries(CALLS))('%s', (_method, call) => {
      it('answers on an open catalog', async () => {
        const catalog = await openCatalog(suite);
        await expect(call(catalog, {})).resolves.not.toThrow();
      });

      it('fails with CLOSED after close', async () => {
        const catalog = await openCatalog(suite);
        await catalog.close();
        expect(await reasonOf(call(catalog, {}))).toBe('CLOSED');
      });

      it('fails with CLOSED while closing', async () => {
        const catalog = await openCatalog(suite);
        const closing = catalog.close();
        expect(await reasonOf(call(catalog, {}))).toBe('CLOSED');
        await closing;
      });

      it('fails with CANCELLED when the signal is already aborted', async () => {
        const catalog = await openCatalog(suite);
        expect(await reasonOf(call(catalog, { signal: AbortSignal.abort() }))).toBe('CANCELLED');
      });

      it('fails with DEADLINE_EXCEEDED when the deadline has passed', async () => {
        const catalog = await openCatalog(suite);
        const deadline = performance.now();
        expect(await reasonOf(call(catalog, { deadline }))).toBe('DEADLINE_EXCEEDED');
      });

      it('works with a signal that does not abort', async () => {
        const catalog = await openCatalog(suite);
        const { signal } = new AbortController();
        await expect(call(catalog, { signal })).resolves.not.toThrow();
      });
    });

    it('closes twice, also at once', async () => {
      const catalog = await openCatalog(suite);
      await Promise.all([catalog.close(), catalog.close()]);
      await expect(catalog.close()).resolves.toBeUndefined();
    });

    it('finishes what is under way before it is closed [R1]', async () => {
      const harness = await openHarness(suite);
      const { catalog } = harness;
      const batch = batchOf(await catalog.log.head(TENANT), [creation({ id: 'late' })]);
      const append = catalog.log.append(TENANT, batch);
      await catalog.close();
      const { appended, head } = await append;
      expect([appended, head.revision]).toEqual([true, 1]);
      if (!suite.capabilities.durable) return;
      expect(await (await harness.reopen()).log.head(TENANT)).toEqual(head);
    });

    it('an append with an aborted signal has no effect', async () => {
      const catalog = await openCatalog(suite);
      const batch = batchOf(await catalog.log.head(TENANT), [creation()]);
      const given = catalog.log.append(TENANT, batch, { signal: AbortSignal.abort() });
      expect(await reasonOf(given)).toBe('CANCELLED');
      expect(await readLog(catalog, TENANT)).toEqual([]);
      expect(await catalog.log.tenants()).toEqual([]);
    });

    it('an append whose signal aborts before the store has it is taken back', async () => {
      const controller = new AbortController();
      const failpoint = (name: string): void => {
        if (name === 'append.before') controller.abort();
      };
      const { catalog } = await openHarness(suite, { failpoint });
      const batch = batchOf(await catalog.log.head(TENANT), [creation()]);
      const given = catalog.log.append(TENANT, batch, { signal: controller.signal });
      expect(await reasonOf(given)).toBe('CANCELLED');
      expect(await readLog(catalog, TENANT)).toEqual([]);
    });

    it('an append whose signal aborts once the store has it finishes [R1]', async () => {
      const controller = new AbortController();
      const failpoint = (name: string): void => {
        if (name === 'append.beforeFlush') controller.abort();
      };
      const { catalog } = await openHarness(suite, { failpoint });
      const batch = batchOf(await catalog.log.head(TENANT), [creation()]);
      const outcome = await catalog.log.append(TENANT, batch, { signal: controller.signal });
      expect(controller.signal.aborted).toBe(true);
      expect(outcome).toEqual({ appended: true, head: await catalog.log.head(TENANT) });
      expect(await readLog(catalog, TENANT)).toEqual(batch.commits);
    });

    it('an append whose deadline passes once the store has it is OUTCOME_UNKNOWN [R3]', async () => {
      let release = (): void => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      const { catalog } = await openHarness(suite, {
        failpoint: (name) => (name === 'append.beforeFlush' ? held : undefined),
      });
      const batch = batchOf(await catalog.log.head(TENANT), [creation()]);
      const deadline = performance.now() + 50;
      const reason = await reasonOf(catalog.log.append(TENANT, batch, { deadline }));
      expect(reason).toBe('OUTCOME_UNKNOWN');
      release();
      expect((await catalog.log.append(TENANT, batch)).appended).toBe(true);
      expect(await readLog(catalog, TENANT)).toEqual(batch.commits);
    });

    it('one catalog that is closed leaves another one alone', async () => {
      const one = await openCatalog(suite);
      const other = await openCatalog(suite);
      await appendAtHead(other, TENANT, creation());
      await one.close();
      expect((await other.log.head(TENANT)).revision).toBe(1);
    });
  });
}
