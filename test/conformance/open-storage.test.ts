import { describe, expect, it, onTestFinished } from 'vitest';
import { closeInOrder, openStorage, type Storage } from '../../src/storage/open-storage.js';
import { shardsOf, type RelayMessage } from '../../src/storage/relay.js';
import { eventually } from '../support/eventually.js';
import { appendAtHead, creation, readLog } from '../support/storage/builders.js';
import { temporaryFolder } from '../support/storage/lmdb.js';
import { TENANT } from './catalog/harness.js';
import { reasonOf } from '../support/reason-of.js';

describe('openStorage', () => {
  it('opens durable data and lets its parts work together', async () => {
    const { path } = await folder();
    const first = await open(path);
    const heard: RelayMessage[] = [];
    await first.relay.subscribe(shardsOf(first.relay), (message) => heard.push(message));
    await first.leases.withLease('commit/acme', { ttlMs: 1_000 }, async () => {
      const { batch } = await appendAtHead(first.catalog, TENANT, creation(), creation());
      const { epoch, fingerprint } = batch.after;
      const { commits } = batch;
      first.relay.publish({
        kind: 'commits',
        tenant: TENANT,
        epoch,
        previousFingerprint: fingerprint,
        commits,
      });
    });
    await eventually(() => expect(heard).toMatchObject([{ commits: [{}, {}] }]));
    await first.close();
    expect(await readLog((await open(path)).catalog, TENANT)).toHaveLength(2);
  });

  it('closes everything, also when called twice', async () => {
    const storage = await open((await folder()).path);
    await Promise.all([storage.close(), storage.close()]);
    expect(await reasonOf(storage.catalog.log.head(TENANT))).toBe('CLOSED');
    expect(await reasonOf(storage.relay.subscribe([0], () => {}))).toBe('CLOSED');
    const asked = storage.leases.withLease('k', { ttlMs: 1 }, () => Promise.resolve());
    expect(await reasonOf(asked)).toBe('CLOSED');
  });

  it('hands the failpoint to the catalog', async () => {
    const { path } = await folder();
    const passed: string[] = [];
    const storage = await openStorage({
      kind: 'embedded',
      dataDir: path,
      failpoint: (name) => void passed.push(name),
    });
    onTestFinished(() => storage.close());
    await appendAtHead(storage.catalog, TENANT, creation());
    expect(passed).toEqual(['append.before', 'append.beforeFlush', 'append.afterFlush']);
  });
});

describe('closeInOrder', () => {
  it('closes all, in order, and throws all that failed', async () => {
    const closed: string[] = [];
    const part = (name: string, error?: Error) => ({
      close: async () => {
        closed.push(name);
        if (error !== undefined) throw error;
      },
    });
    const [one, two] = [new Error('one'), new Error('two')];
    const closing = closeInOrder([part('a', one), part('b'), part('c', two), part('d')]);
    const failure = await closing.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(AggregateError);
    expect((failure as AggregateError).errors).toEqual([one, two]);
    expect(closed).toEqual(['a', 'b', 'c', 'd']);
    await expect(closeInOrder([part('e')])).resolves.toBeUndefined();
  });
});

async function folder(): Promise<{ readonly path: string }> {
  const made = await temporaryFolder();
  onTestFinished(() => made.remove());
  return made;
}

async function open(dataDir: string): Promise<Storage> {
  const storage = await openStorage({ kind: 'embedded', dataDir });
  onTestFinished(() => storage.close());
  return storage;
}
