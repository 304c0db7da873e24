import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { isSwitchboardError } from '../../src/domain/errors.js';
import type { PrivateSource } from '../../src/services/private-loads/private-source.js';
import { eventually } from '../support/eventually.js';
import type { ScriptedRow, ScriptedSource } from '../support/loads/source-server.js';
import { reasonOf } from '../support/reason-of.js';

export interface PrivateSourceLimits {
  readonly timeoutMs: number;
  readonly maxRows: number;
  readonly maxBytes: number;
}

export interface PrivateSourceHarness {
  /** What the suite tests; called `of-the-suite`. */
  readonly source: PrivateSource;
  /** What stands behind it. */
  readonly origin: ScriptedSource;
  dispose(): Promise<void>;
}

export interface PrivateSourceSuite {
  /** Fresh, isolated and opened. */
  readonly create: (limits: PrivateSourceLimits) => Promise<PrivateSourceHarness>;
}

const LIMITS: PrivateSourceLimits = { timeoutMs: 10_000, maxRows: 1_000, maxBytes: 4_194_304 };
const ANA = { tenant: 'acme', user: 'ana' };

/** Registers the conformance suite of the PrivateSource contract. */
export function describePrivateSource(name: string, suite: PrivateSourceSuite): void {
  describe(`private source: ${name}`, () => {
    describeAnswers(suite);
    describeBrokenRows(suite);
    describeFailures(suite);
    describeSizes(suite);
    describeGivingUp(suite);
    describeSourceLifecycle(suite);
  });
}

/** A row that is right in everything. */
export function sourceRow(rowId: string, more: Exclude<ScriptedRow, Uint8Array> = {}) {
  const stdio = { command: `run-${rowId}` };
  return {
    ...{
      rowId,
      name: `name-${rowId}`,
      spec: { transport: { $case: 'stdio' as const, value: stdio } },
    },
    ...more,
  };
}

function describeAnswers(suite: PrivateSourceSuite): void {
  it('has the name that it was given', async () => {
    const { source } = await openSource(suite);
    expect(source.name).toBe('of-the-suite');
  });

  it('answers the rows of the user, in the order of the source', async () => {
    const { source, origin } = await openSource(suite);
    origin.setRows('ana', [sourceRow('2'), sourceRow('1', { owner: 'ben' })]);
    origin.setRows('ben', [sourceRow('3')]);
    expect(await source.load(ANA)).toMatchObject([
      { rowId: '2', name: 'name-2', owner: 'ana', content: { transport: { command: 'run-2' } } },
      { rowId: '1', name: 'name-1', owner: 'ben', content: { transport: { command: 'run-1' } } },
    ]);
    expect(origin.calls('ana')).toBe(1);
  });

  it('answers no rows for a user without servers', async () => {
    const { source } = await openSource(suite);
    expect(await source.load(ANA)).toEqual([]);
  });

  it('puts an answer in many parts together', async () => {
    const { source, origin } = await openSource(suite);
    const ids = Array.from({ length: 100 }, (_, at) => String(at));
    origin.setRows(
      'ana',
      ids.map((id) => sourceRow(id)),
    );
    origin.setBehaviour('ana', { rowsPerMessage: 7 });
    expect((await source.load(ANA)).map(({ rowId }) => rowId)).toEqual(ids);
  });

  it('asks anew each time', async () => {
    const { source, origin } = await openSource(suite);
    origin.setRows('ana', [sourceRow('1')]);
    expect(await source.load(ANA)).toHaveLength(1);
    origin.setRows('ana', []);
    expect(await source.load(ANA)).toEqual([]);
  });

  it('loads for many users at once, each its own rows', async () => {
    const { source, origin } = await openSource(suite);
    const users = Array.from({ length: 20 }, (_, at) => `user-${String(at)}`);
    for (const user of users) origin.setRows(user, [sourceRow(user)]);
    const answers = await Promise.all(users.map((user) => source.load({ tenant: 'acme', user })));
    expect(answers.map(([row]) => row?.rowId)).toEqual(users);
    expect(answers.map(([row]) => row?.owner)).toEqual(users);
  });
}

function describeBrokenRows(suite: PrivateSourceSuite): void {
  it('tells a row that the source cannot tell, and all others', async () => {
    const { source, origin } = await openSource(suite);
    const broken = { rowId: '2', name: 'odd', owner: 'ben', broken: 'the key is lost' };
    origin.setRows('ana', [sourceRow('1'), broken, sourceRow('3')]);
    const [first, second, third] = await source.load(ANA);
    expect([first?.rowId, third?.rowId]).toEqual(['1', '3']);
    expect(second).toMatchObject({ rowId: '2', name: 'odd', owner: 'ana' });
    expect(second?.content).toMatchObject({ reason: 'ROW_BROKEN', message: 'the key is lost' });
  });

  it('tells for each row by itself what is missing', async () => {
    const { source, origin } = await openSource(suite);
    origin.setRows('ana', [
      sourceRow('1'),
      sourceRow('', { name: 'anonymous' }),
      sourceRow('3', { name: '' }),
      { rowId: '4', name: 'bare' },
      sourceRow('5', { spec: {} }),
    ]);
    // The index counts over the whole answer.
    origin.setBehaviour('ana', { rowsPerMessage: 2 });
    const rows = await source.load(ANA);
    expect(rows.map(({ content }) => fieldsOf(content))).toEqual([
      [],
      ['servers[1].row_id'],
      ['servers[2].name'],
      ['servers[3].spec'],
      ['servers[4].spec.transport'],
    ]);
    expect(rows.map(({ rowId, name }) => `${rowId} ${name}`)).toEqual([
      '1 name-1',
      ' anonymous',
      '3 ',
      '4 bare',
      '5 name-5',
    ]);
  });
}

function describeFailures(suite: PrivateSourceSuite): void {
  it('fails with SOURCE_UNAVAILABLE when the source answers an error, at once or after rows', async () => {
    const { source, origin } = await openSource(suite);
    origin.setRows('ana', [sourceRow('1'), sourceRow('2')]);
    for (const onlyRows of [0, 1, 2]) {
      origin.setBehaviour('ana', {
        rowsPerMessage: 1,
        onlyRows,
        end: { code: 'INTERNAL', details: 'the database is gone' },
      });
      await expectUnavailable(source.load(ANA));
    }
    origin.setBehaviour('ana', {});
    expect(await source.load(ANA)).toHaveLength(2);
  });

  it('fails with SOURCE_UNAVAILABLE when nothing comes in time', async () => {
    const { source, origin } = await openSource(suite, { timeoutMs: 300 });
    origin.setBehaviour('ana', { end: 'hang' });
    await expectUnavailable(source.load(ANA));
    origin.setBehaviour('ana', { delayMs: 60_000 });
    await expectUnavailable(source.load(ANA));
    // Nothing goes on behind.
    await eventually(() => expect(origin.running('ana')).toBe(0));
  });

  it('fails with SOURCE_UNAVAILABLE when an answer begins and never ends', async () => {
    const { source, origin } = await openSource(suite, { timeoutMs: 500 });
    origin.setRows('ana', [sourceRow('1')]);
    origin.setBehaviour('ana', { end: 'hang' });
    await expectUnavailable(source.load(ANA));
  });

  it('waits for a source that is slow', async () => {
    const { source, origin } = await openSource(suite);
    origin.setRows('ana', [sourceRow('1')]);
    let open = (): void => undefined;
    const until = new Promise<void>((resolve) => (open = resolve));
    origin.setBehaviour('ana', { until });
    const load = source.load(ANA);
    await eventually(() => expect(origin.running('ana')).toBe(1));
    open();
    expect(await load).toHaveLength(1);
  });

  it('fails with SOURCE_UNAVAILABLE when there is no source', async () => {
    const { source, origin } = await openSource(suite);
    await origin.stop();
    await expectUnavailable(source.load(ANA));
    await expectUnavailable(source.load(ANA));
  });

  it('fails with SOURCE_UNAVAILABLE when the source dies within an answer', async () => {
    const { source, origin } = await openSource(suite);
    origin.setRows('ana', [sourceRow('1'), sourceRow('2')]);
    origin.setBehaviour('ana', { rowsPerMessage: 1, onlyRows: 1, end: 'die' });
    await expectUnavailable(source.load(ANA));
  });

  it('fails with SOURCE_UNAVAILABLE when what comes is no answer', async () => {
    const { source, origin } = await openSource(suite);
    origin.setRows('ana', [sourceRow('1')]);
    for (const garbage of ['<html>', '\u0000', '\n\u00ff', 'x\u0001', '\n\u0003abc<']) {
      origin.setBehaviour('ana', { garbage: Buffer.from(garbage, 'latin1') });
      await expectUnavailable(source.load(ANA));
    }
  });

  it('one load that fails disturbs no other', async () => {
    const { source, origin } = await openSource(suite, { timeoutMs: 1_000 });
    for (const user of ['ana', 'ben', 'cem', 'dan']) origin.setRows(user, [sourceRow(user)]);
    origin.setBehaviour('ana', { end: { code: 'ABORTED' } });
    origin.setBehaviour('ben', { end: 'hang' });
    origin.setBehaviour('cem', { garbage: Buffer.from('<html>') });
    const load = (user: string) => source.load({ tenant: 'acme', user });
    const failing = ['ana', 'ben', 'cem'].map((user) => reasonOf(load(user)));
    expect(await load('dan')).toHaveLength(1);
    expect(await Promise.all(failing)).toEqual(Array(3).fill('SOURCE_UNAVAILABLE'));
  });
}

function describeSizes(suite: PrivateSourceSuite): void {
  it('answers as many rows as it may, and fails with SOURCE_TOO_LARGE at one more', async () => {
    const { source, origin } = await openSource(suite, { maxRows: 10 });
    const rows = Array.from({ length: 11 }, (_, at) => sourceRow(String(at)));
    for (const rowsPerMessage of [1, 100]) {
      origin.setBehaviour('ana', { rowsPerMessage });
      origin.setRows('ana', rows.slice(1));
      expect(await source.load(ANA)).toHaveLength(10);
      origin.setRows('ana', rows);
      const failure = await failureOf(source.load(ANA));
      expect(failure).toMatchObject({ reason: 'SOURCE_TOO_LARGE' });
      expect(failure.message).toMatch(/max_rows, 10$/);
    }
  });

  it('fails with SOURCE_TOO_LARGE when it answers too many bytes, in one part or many', async () => {
    const { source, origin } = await openSource(suite, { maxBytes: 10_000 });
    const rows = Array.from({ length: 12 }, (_, at) =>
      sourceRow(String(at), { spec: { description: 'x'.repeat(1_000) } }),
    );
    for (const rowsPerMessage of [1, 100]) {
      origin.setBehaviour('ana', { rowsPerMessage });
      origin.setRows('ana', rows.slice(0, 9));
      expect(await source.load(ANA)).toHaveLength(9);
      origin.setRows('ana', rows);
      const failure = await failureOf(source.load(ANA));
      expect(failure).toMatchObject({ reason: 'SOURCE_TOO_LARGE' });
      expect(failure.message).toMatch(/max_bytes, 10000$/);
    }
  });

  it('stops listening as soon as a limit is passed', async () => {
    const { source, origin } = await openSource(suite, { maxRows: 3 });
    origin.setRows(
      'ana',
      Array.from({ length: 5 }, (_, at) => sourceRow(String(at))),
    );
    origin.setBehaviour('ana', { rowsPerMessage: 1, end: 'hang' });
    expect(await reasonOf(source.load(ANA))).toBe('SOURCE_TOO_LARGE');
    await eventually(() => expect(origin.running('ana')).toBe(0));
  });
}

function describeGivingUp(suite: PrivateSourceSuite): void {
  it('asks nobody when the signal is already aborted', async () => {
    const { source, origin } = await openSource(suite);
    expect(await reasonOf(source.load(ANA, { signal: AbortSignal.abort() }))).toBe('CANCELLED');
    expect(origin.calls('ana')).toBe(0);
  });

  it('fails with CANCELLED when the signal aborts, and the source hears of it', async () => {
    const { source, origin } = await openSource(suite);
    origin.setRows('ana', [sourceRow('1')]);
    for (const behaviour of [{ onlyRows: 0 }, { onlyRows: 1 }]) {
      origin.setBehaviour('ana', { ...behaviour, end: 'hang' });
      const controller = new AbortController();
      const load = reasonOf(source.load(ANA, { signal: controller.signal }));
      await eventually(() => expect(origin.running('ana')).toBe(1));
      controller.abort();
      expect(await load).toBe('CANCELLED');
      await eventually(() => expect(origin.running('ana')).toBe(0));
    }
  });

  it('an abort in the same tick as the call cancels it too', async () => {
    const { source } = await openSource(suite);
    const controller = new AbortController();
    const load = reasonOf(source.load(ANA, { signal: controller.signal }));
    controller.abort();
    expect(await load).toBe('CANCELLED');
  });

  it('an abort after the end changes nothing, and leaves no listener behind', async () => {
    const { source, origin } = await openSource(suite);
    origin.setRows('ana', [sourceRow('1')]);
    const controller = new AbortController();
    const add = vi.spyOn(controller.signal, 'addEventListener');
    const remove = vi.spyOn(controller.signal, 'removeEventListener');
    const rows = await source.load(ANA, { signal: controller.signal });
    controller.abort();
    expect(rows).toHaveLength(1);
    expect(remove.mock.calls.length).toBeGreaterThanOrEqual(add.mock.calls.length);
    expect(await source.load(ANA)).toHaveLength(1);
  });
}

function describeSourceLifecycle(suite: PrivateSourceSuite): void {
  it('close ends what runs with CLOSED', async () => {
    const { source, origin } = await openSource(suite);
    origin.setBehaviour('*', { end: 'hang' });
    const loads = ['ana', 'ben'].map((user) => reasonOf(source.load({ tenant: 'acme', user })));
    await eventually(() => expect(origin.running('*')).toBe(2));
    await source.close();
    expect(await Promise.all(loads)).toEqual(['CLOSED', 'CLOSED']);
    await eventually(() => expect(origin.running('*')).toBe(0));
  });

  it('fails with CLOSED after close, which may come twice', async () => {
    const { source, origin } = await openSource(suite);
    await source.close();
    expect(await reasonOf(source.load(ANA))).toBe('CLOSED');
    await expect(source.close()).resolves.toBeUndefined();
    expect(origin.calls('ana')).toBe(0);
  });
}

async function openSource(
  suite: PrivateSourceSuite,
  limits: Partial<PrivateSourceLimits> = {},
): Promise<PrivateSourceHarness> {
  const harness = await suite.create({ ...LIMITS, ...limits });
  onTestFinished(() => harness.dispose());
  return harness;
}

function fieldsOf(content: unknown): readonly string[] {
  return isSwitchboardError(content, 'INVALID_FIELD')
    ? content.violations.map(({ field }) => field)
    : [];
}

/** The error of ours with which `attempt` fails. */
export async function failureOf(attempt: Promise<unknown>) {
  const failure = await attempt.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!isSwitchboardError(failure)) throw new Error('it did not fail as told', { cause: failure });
  return failure;
}

async function expectUnavailable(attempt: Promise<unknown>): Promise<void> {
  const failure = await failureOf(attempt);
  expect(failure.reason).toBe('SOURCE_UNAVAILABLE');
  // It is worth trying again, but not at once.
  expect(failure.retryDelayMs).toBeGreaterThan(0);
}
