import { describe, expect, it } from 'vitest';
import type { Change } from '../../../../../src/domain/commit.js';
import {
  decideRemoveSource,
  decideRenameSource,
  isRemoved,
} from '../../../../../src/domain/commands/load/change-source.js';
import {
  awaitedName,
  awaitedNamespace,
  mayLoad,
  refusalOf,
  sourceOfLoad,
} from '../../../../../src/domain/commands/load/source.js';
import type { SourceRecord } from '../../../../../src/domain/source-record.js';
import { after, contextOf, rowOf, serverOfRow, SOURCE } from '../../../../support/loads/loads.js';
import { reasonThrown } from '../../../../support/reason-of.js';

const sourceRecord = (parts: Partial<SourceRecord> = {}): SourceRecord => ({
  name: SOURCE,
  namespace: SOURCE,
  state: 'active',
  formerNames: [],
  revision: 3,
  ...parts,
});

/** Was called `old` at first, and is called `crm` now. */
const crm = sourceRecord({ name: 'crm', namespace: 'old', formerNames: ['old'] });
const removing = sourceRecord({ ...crm, state: 'removing' });
const removed = sourceRecord({ ...crm, state: 'removed' });

describe('what a replica may load from [P36]', () => {
  it.each([
    ['nothing loaded yet, configured', undefined, 'crm', 'crm', 'crm', undefined],
    ['nothing loaded yet, not configured', undefined, undefined, undefined, undefined, undefined],
    ['the same name', crm, 'crm', 'crm', 'old', undefined],
    ['another name', crm, 'hub', 'crm', 'old', 'SOURCE_DIFFERS'],
    ['its first name', crm, 'old', 'crm', 'old', 'SOURCE_DIFFERS'],
    ['not configured', crm, undefined, 'crm', 'old', 'SOURCE_DIFFERS'],
    ['being removed', removing, 'crm', undefined, undefined, 'SOURCE_REMOVED'],
    ['being removed, another name', removing, 'hub', 'hub', 'hub', 'SOURCE_DIFFERS'],
    ['being removed, not configured', removing, undefined, undefined, undefined, undefined],
    ['removed', removed, 'crm', undefined, undefined, 'SOURCE_REMOVED'],
    ['removed, under a former name', removed, 'old', undefined, undefined, 'SOURCE_REMOVED'],
    ['removed, another name', removed, 'hub', 'hub', 'hub', undefined],
    ['removed, not configured', removed, undefined, undefined, undefined, undefined],
  ] as const)('%s', (_case, record, configured, name, namespace, refusal) => {
    expect(awaitedName(record, configured)).toBe(name);
    expect(awaitedNamespace(record, configured)).toBe(namespace);
    if (record === undefined) return;
    expect(mayLoad(record, configured)).toBe(refusal === undefined);
    if (refusal !== undefined) expect(refusalOf(record, configured).reason).toBe(refusal);
  });
});

describe('the source that a load comes from [P36]', () => {
  it('is made by the first load, and not touched by others', () => {
    const rights = { source: 'crm', namespace: 'crm' };
    const made = sourceOfLoad(undefined, rights, 7);
    const first = { name: 'crm', namespace: 'crm', state: 'active', formerNames: [], revision: 7 };
    expect(made).toEqual({ after: first });
    expect(sourceOfLoad(made?.after, rights, 8)).toBeUndefined();
    expect(sourceOfLoad(crm, { source: 'crm', namespace: 'old' }, 8)).toBeUndefined();
  });

  it('is another one after a removal, under a name that is new to the tenant', () => {
    expect(sourceOfLoad(removed, { source: 'hub', namespace: 'hub' }, 8)).toEqual({
      before: removed,
      after: sourceRecord({
        name: 'hub',
        namespace: 'hub',
        formerNames: ['old', 'crm'],
        revision: 8,
      }),
    });
    for (const source of ['old', 'crm']) {
      const again = (): unknown => sourceOfLoad(removed, { source, namespace: source }, 8);
      expect(reasonThrown(again)).toBe('SOURCE_REMOVED');
    }
  });

  it('is read again if the rows have ids of another namespace', () => {
    const stale = (): unknown => sourceOfLoad(crm, { source: 'crm', namespace: 'crm' }, 8);
    expect(reasonThrown(stale)).toBe('LOAD_CONFLICT');
  });
});

describe('decideRenameSource [P36]', () => {
  const renamed = (record: SourceRecord | undefined, name: string, newName: string) =>
    decideRenameSource(contextOf([], { ...(record && { source: record }) }), { name, newName });

  it('changes the name alone, and goes back to a former one', () => {
    const hub = sourceRecord({
      name: 'hub',
      namespace: 'old',
      formerNames: ['old', 'crm'],
      revision: 21,
    });
    expect(renamed(crm, 'crm', 'hub')).toEqual({
      cause: 'RENAME_SOURCE',
      changes: [],
      source: { before: crm, after: hub },
    });
    const back = { ...hub, name: 'old', formerNames: ['old', 'crm', 'hub'] };
    expect(renamed(hub, 'hub', 'old')?.source?.after).toEqual(back);
    expect(renamed(crm, 'crm', 'crm')).toBeUndefined();
  });

  it('is refused from another name, without a source, and of a removed one', () => {
    expect(reasonThrown(() => renamed(crm, 'old', 'hub'))).toBe('SOURCE_MISMATCH');
    expect(reasonThrown(() => renamed(undefined, 'crm', 'hub'))).toBe('SOURCE_MISMATCH');
    expect(reasonThrown(() => renamed(removing, 'crm', 'hub'))).toBe('SOURCE_REMOVED');
    expect(reasonThrown(() => renamed(removed, 'crm', 'hub'))).toBe('SOURCE_REMOVED');
  });
});

describe('decideRemoveSource [P36]', () => {
  const servers = [serverOfRow(rowOf('a')), serverOfRow(rowOf('b'))];
  const active = sourceRecord();
  const all = (changes: readonly Change[]): readonly Change[] => changes;
  const intent = { name: SOURCE, servers: 'drop' } as const;
  const page = { servers, revision: 20, isLast: true };

  it('is done in one commit if the page is sure to hold all servers', () => {
    const decision = decideRemoveSource(contextOf(servers, { source: active }), intent, {
      page,
      fits: all,
    });
    expect(decision).toMatchObject({
      cause: 'REMOVE_SOURCE',
      changes: servers.map(({ record }) => ({ before: record })),
      source: { before: active, after: { state: 'removed', formerNames: [], revision: 21 } },
    });
  });

  it.each([
    ['the page was read before the decision', { ...page, revision: 19 }, all],
    ['the page is not the last', { ...page, isLast: false }, all],
    ['not all of it fits', page, (changes: readonly Change[]) => changes.slice(0, 1)],
  ])('goes on if %s', (_case, read, fits) => {
    const context = contextOf(servers, { source: active });
    const first = decideRemoveSource(context, intent, { page: read, fits })!;
    expect(first.source?.after).toMatchObject({ state: 'removing', revision: 21 });
    expect(isRemoved(first)).toBe(false);

    // Loads have ended: a page that was read since then is sure, also of an older head.
    const next = after(after(context, first), { cause: 'UPDATE', changes: [] });
    const rest = { servers: servers.slice(1), revision: 21, isLast: true };
    const second = decideRemoveSource(next, intent, { page: rest, fits: all })!;
    expect(second.changes).toEqual([{ before: servers[1]?.record }]);
    expect(isRemoved(second)).toBe(true);
    const third = after(next, second);
    expect(decideRemoveSource(third, intent, { page, fits: all })).toBeUndefined();
  });

  it('touches the source once for each state that it comes to', () => {
    const context = contextOf(servers, { source: sourceRecord({ state: 'removing' }) });
    const more = { ...page, isLast: false };
    const decision = decideRemoveSource(context, intent, { page: more, fits: all });
    expect(decision?.source).toBeUndefined();
    expect(decision?.changes).toHaveLength(2);
  });

  it('with keep makes ordinary servers of them, with ids and grants', () => {
    const granted = [{ subject: 'user:bob' as const, revision: 4 }];
    const server = serverOfRow(rowOf('a'), { grants: granted });
    const context = contextOf([server], { source: active });
    const keep = { name: SOURCE, servers: 'keep' } as const;
    const decision = decideRemoveSource(context, keep, {
      page: { ...page, servers: [server] },
      fits: all,
    });
    const kept = after(context, decision!).state.byId(server.record.id);
    const { privateSource, ...rest } = server.record;
    expect(privateSource).toBe(SOURCE);
    expect(kept?.grants).toEqual(granted);
    expect(kept?.record.privateSource).toBeUndefined();
    expect(kept?.record).toMatchObject({
      id: rest.id,
      name: rest.name,
      owner: rest.owner,
      externalId: rest.externalId,
      generation: rest.generation + 1,
      revision: 21,
    });
    expect(kept?.record.etag).not.toBe(rest.etag);
  });
});
