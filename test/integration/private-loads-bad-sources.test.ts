import { describe, expect, it, onTestFinished } from 'vitest';
import { PrivateLoad_State as State } from '../../generated/switchboard/v1/private_load.js';
import { soon } from '../support/control-plane/node.js';
import { refusalOf, tokenOf, userView } from '../support/grpc-admin/grpc-admin.js';
import {
  httpRow,
  loadOf,
  loads,
  startLoadingServer,
  type LoadingServer,
  type SourceFields,
} from '../support/loads/server.js';
import { type ScriptedRow, startSourceServer } from '../support/loads/source-server.js';

/** A server with a source of its own, which goes away with the test. */
async function start(fields: SourceFields = {}): Promise<LoadingServer> {
  const local = await startLoadingServer(fields);
  onTestFinished(async () => {
    expect(local.defects()).toEqual([]);
    await local[Symbol.asyncDispose]();
  });
  return local;
}

const namesOf = async ({ admin }: LoadingServer, user = 'ana'): Promise<readonly string[]> =>
  (await admin.list({ view: userView(user) })).servers.map(({ name }) => name);

const statusOf = async ({ admin }: LoadingServer, user = 'ana') =>
  loadOf(await loads.status(admin, { user }));

const refusedOf = async ({ admin }: LoadingServer, user = 'ana') => {
  const { load } = await loads.load(admin, { user, force: true });
  return load?.refused.map(({ rowId, name, error }) => [rowId, name, error?.message]);
};

describe('a source that is slow', () => {
  it('is waited for until the deadline of each caller; the load goes on for the others [L4]', async () => {
    const local = await start();
    const { admin, source } = local;
    source.setRows('ana', [httpRow('notes')]);
    let open = (): void => undefined;
    source.setBehaviour('ana', { until: new Promise<void>((resolve) => (open = resolve)) });
    const patient = namesOf(local);
    await soon(() => expect(source.running('ana')).toBe(1));
    const impatient = await refusalOf(loads.load(admin, { user: 'ana' }, 300));
    expect(impatient.code).toBe('DEADLINE_EXCEEDED');
    open();
    expect(await patient).toEqual(['notes']);
    expect(source.calls('ana')).toBe(1);
    expect(await namesOf(local)).toEqual(['notes']);
  });

  it('is given up after its timeout, typed, and holds nobody else up [C7]', async () => {
    const local = await start({ timeout: '1s', concurrency: 2 });
    const { admin, source } = local;
    source.setBehaviour('ana', { end: 'hang' });
    source.setRows('bob', [httpRow('notes')]);
    const hung = refusalOf(loads.load(admin, { user: 'ana' }));
    await soon(() => expect(source.running('ana')).toBe(1));
    expect(await namesOf(local, 'bob')).toEqual(['notes']);
    expect(source.running('ana')).toBe(1);
    const refused = await hung;
    expect(refused).toMatchObject({
      code: 'UNAVAILABLE',
      reason: 'SOURCE_UNAVAILABLE',
      metadata: { source: 'app-db', code: 'DEADLINE_EXCEEDED' },
    });
    expect(refused.retryDelayMs).toBeGreaterThan(0);
    const status = await statusOf(local);
    expect(status).toMatchObject({ state: State.STATE_COLD, loading: false, serverCount: 0 });
    expect(status.failure?.message).toContain('did not respond within 1000 ms');
    expect(status.nextAttemptTime).toBeInstanceOf(Date);
  });
});

describe('a source that fails', () => {
  it('is not asked again before the time that it names, and recovers by itself [P26]', async () => {
    const local = await start();
    const { admin, source } = local;
    source.setRows('ana', [httpRow('notes')]);
    source.setBehaviour('ana', { end: { code: 'UNAVAILABLE', retryDelayMs: 1_500 } });
    const first = await refusalOf(namesOf(local));
    expect(first).toMatchObject({ code: 'UNAVAILABLE', reason: 'SOURCE_UNAVAILABLE' });
    // Of 1.5 s, so that those who were refused together do not come back together.
    expect(first.retryDelayMs).toBeGreaterThan(700);
    expect(first.retryDelayMs).toBeLessThan(2_300);
    source.setBehaviour('ana', {});
    const second = await refusalOf(loads.load(admin, { user: 'ana' }));
    expect(second).toMatchObject({ reason: 'SOURCE_UNAVAILABLE', message: first.message });
    expect(source.calls('ana')).toBe(1);
    await soon(async () => expect(await namesOf(local)).toEqual(['notes']));
    expect(source.calls('ana')).toBe(2);
    expect((await statusOf(local)).failure).toBeUndefined();
  });

  it('takes nothing from who was loaded before, whatever way it fails [L2]', async () => {
    const local = await start({ timeout: '1s' });
    const { admin, source } = local;
    source.setRows('ana', [httpRow('one'), httpRow('two')]);
    expect(await namesOf(local)).toEqual(['one', 'two']);
    source.setRows('ana', [httpRow('three'), httpRow('four')]);
    const { token } = (await loads.status(admin, { user: 'ana' })).header ?? {};
    for (const behaviour of [
      { end: { code: 'INTERNAL' } },
      { rowsPerMessage: 1, onlyRows: 1, end: { code: 'ABORTED' } },
      { rowsPerMessage: 1, onlyRows: 1, end: 'hang' },
      { garbage: Uint8Array.of(0xff, 0xff, 0xff) },
      { rowsPerMessage: 1, onlyRows: 1, end: 'die' },
    ] as const) {
      source.setBehaviour('ana', behaviour);
      const refused = await refusalOf(loads.load(admin, { user: 'ana', force: true }));
      expect([refused.code, refused.reason]).toEqual(['UNAVAILABLE', 'SOURCE_UNAVAILABLE']);
      expect(await namesOf(local)).toEqual(['one', 'two']);
    }
    const now = await loads.status(admin, { user: 'ana' });
    expect(tokenOf(now)).toBe(token);
    // Killed in the middle of an answer, and back at its place.
    await using again = await startSourceServer({ address: source.address });
    again.setRows('ana', [httpRow('three'), httpRow('four')]);
    await soon(() => loads.load(admin, { user: 'ana', force: true }));
    expect(await namesOf(local)).toEqual(['four', 'three']);
  });

  it('may be absent at the start, and come later', async () => {
    const local = await start();
    const { admin, source } = local;
    await source.stop();
    const refused = await refusalOf(namesOf(local));
    expect(refused).toMatchObject({
      code: 'UNAVAILABLE',
      reason: 'SOURCE_UNAVAILABLE',
      metadata: { source: 'app-db', code: 'UNAVAILABLE' },
    });
    expect(refused.message).toContain('check its target');
    // The application itself needs no source.
    expect((await admin.list({ view: { kind: { $case: 'app', value: {} } } })).servers).toEqual([]);
    await using late = await startSourceServer({ address: source.address });
    late.setRows('ana', [httpRow('notes')]);
    await soon(async () => expect(await namesOf(local)).toEqual(['notes']));
  });

  it('whose answer has 100,000 rows is too large, and nothing is changed', async () => {
    const local = await start({ max_bytes: '6MiB', max_rows: 10_000 });
    const { admin, source } = local;
    source.setRows('ana', [httpRow('notes')]);
    expect(await namesOf(local)).toEqual(['notes']);
    const { header } = await loads.status(admin, { user: 'ana' });
    const rows = Array.from({ length: 100_000 }, (_, at) => httpRow(`row-${String(at)}`));
    source.setRows('ana', rows);
    source.setBehaviour('ana', { rowsPerMessage: 1_000 });
    const refused = await refusalOf(loads.load(admin, { user: 'ana', force: true }));
    expect(refused).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'SOURCE_TOO_LARGE',
      metadata: { source: 'app-db' },
    });
    expect(refused.message).toContain('max_');
    const now = await loads.status(admin, { user: 'ana' });
    expect([tokenOf(now), now.load?.failure?.message]).toEqual([header?.token, refused.message]);
    expect(await namesOf(local)).toEqual(['notes']);
  });
});

describe('rows that cannot be', () => {
  const rows = (...of: readonly ScriptedRow[]): readonly ScriptedRow[] => of;

  it('are left out one by one, and told [L2]', async () => {
    const local = await start();
    const { source } = local;
    source.setRows(
      'ana',
      rows(
        ...[httpRow('good'), httpRow('good'), httpRow('broken', { spec: undefined })],
        ...[httpRow('1', { name: 'double' }), httpRow('2', { name: 'double' })],
        ...[httpRow('two', { title: 'this' }), httpRow('two', { title: 'that' })],
        httpRow('foreign', { owner: 'bob' }),
        ...[httpRow('name', { name: 'a/b' }), httpRow('', { name: 'no-id' })],
        httpRow('told', { spec: undefined, broken: 'its key is lost' }),
      ),
    );
    const refused = await refusedOf(local);
    expect(refused?.map(([rowId, name]) => `${rowId ?? ''} ${name ?? ''}`).sort()).toEqual(
      [
        ...[' no-id', '1 double', '2 double', 'broken broken', 'foreign foreign'],
        ...['name a/b', 'told told', 'two two', 'two two'],
      ].sort(),
    );
    const textOf = (id: string) => refused?.find(([rowId]) => rowId === id)?.[2];
    expect(textOf('1')).toContain('several rows of this name');
    expect(textOf('two')).toContain('rows of one id differ');
    expect(textOf('foreign')).toContain('belongs to "bob"');
    expect(textOf('told')).toContain('its key is lost');
    expect(await statusOf(local)).toMatchObject({ serverCount: 1, refusedCount: 9 });
    expect(await namesOf(local)).toEqual(['good']);
    expect(await namesOf(local, 'bob')).toEqual([]);
  });

  it('leave the servers that they are about as they were', async () => {
    const local = await start();
    const { source } = local;
    source.setRows('ana', rows(httpRow('one'), httpRow('two'), httpRow('three')));
    expect(await namesOf(local)).toEqual(['one', 'three', 'two']);
    source.setRows('ana', rows(httpRow('one', { name: 'a/b' }), httpRow('two', { name: 'new' })));
    expect(await refusedOf(local)).toHaveLength(1);
    expect(await namesOf(local)).toEqual(['new', 'one']);
    expect(await statusOf(local)).toMatchObject({ serverCount: 2, refusedCount: 1 });
  });

  it('may belong to others where the source speaks for them', async () => {
    const local = await start({ foreign_owners: true });
    const { source } = local;
    source.setRows('ana', rows(httpRow('shared', { owner: 'bob' })));
    expect(await refusedOf(local)).toEqual([]);
    expect(await namesOf(local)).toEqual(['shared']);
  });

  it('are counted beyond the hundred that are told', async () => {
    const local = await start();
    const { source } = local;
    const many = Array.from({ length: 150 }, (_, at) => httpRow(String(at), { name: 'a/b' }));
    source.setRows('ana', many);
    expect(await refusedOf(local)).toHaveLength(100);
    expect(await statusOf(local)).toMatchObject({ serverCount: 0, refusedCount: 150 });
  });
});
