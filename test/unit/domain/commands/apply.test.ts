import { describe, expect, it } from 'vitest';
import {
  checkSet,
  decideItem,
  decidePrune,
  namesOf,
  surplusOf,
  type CheckedItem,
  type DeclaredServer,
  type ItemOutcome,
  type ItemRule,
  type SetItem,
} from '../../../../src/domain/commands/apply.js';
import {
  declarationOf,
  nameOf,
  type DecisionContext,
} from '../../../../src/domain/commands/decide.js';
import { SwitchboardError } from '../../../../src/domain/errors.js';
import { RecordSet } from '../../../../src/domain/record-set.js';
import type { Declaration, ServerRecord } from '../../../../src/domain/server.js';
import { grantsAt, recordOf, type RecordParts } from '../../../support/storage/builders.js';
import { OPEN_POLICY } from '../../../support/transport-policy.js';

const SET = 'servers.yaml';
const USER_VALUE = {
  transport: { kind: 'streamable_http', url: 'https://mcp.example/${user:id}', headers: {} },
} as const;

/** An item as it comes; `tier: undefined` leaves it out. */
function item(
  parts: Omit<RecordParts, 'tier'> & { tier?: Declaration['tier'] | undefined; etag?: string },
): SetItem {
  const { tier, etag = '', ...rest } = parts;
  const declared = declarationOf(recordOf(rest));
  const { set: _set, tier: implied, ...content } = declared;
  const isTold = 'tier' in parts ? tier : implied;
  return {
    at: nameOf(declared),
    etag,
    content: isTold === undefined ? content : { ...content, tier: isTold },
  };
}

const wrong = (name: string, owner?: string): SetItem => ({
  at: owner === undefined ? { name } : { name, owner },
  etag: '',
  content: new SwitchboardError('INVALID_FIELD', 'broken'),
});

const checked = (one: SetItem): CheckedItem => checkSet([one], SET)[0]!;

function context(...records: readonly ServerRecord[]): DecisionContext {
  const state = new RecordSet();
  for (const record of records) state.put({ record, grants: [] });
  return {
    state,
    after: { epoch: 'e', revision: 7, fingerprint: 'f' },
    actor: 'root',
    now: 5_000,
    transportPolicy: OPEN_POLICY,
  };
}

const RULE: ItemRule = {
  id: 'new',
  aboutId: undefined,
  takeOver: false,
  policy: 'fail',
  named: () => [],
};

function decide(
  one: SetItem,
  existing: readonly ServerRecord[],
  rule: Partial<ItemRule> = {},
): ItemOutcome {
  return decideItem(context(...existing), checked(one), { ...RULE, ...rule });
}

const refusalOf = (outcome: ItemOutcome): SwitchboardError | undefined =>
  outcome.kind === 'refused' ? outcome.refusal : undefined;

describe('checkSet', () => {
  it('makes what has no tier APP if everybody can share it, else USER', () => {
    const tiers = checkSet(
      [
        item({ name: 'a', tier: undefined }),
        item({ name: 'b', tier: undefined, spec: USER_VALUE }),
        item({ name: 'c', tier: 'USER' }),
      ],
      SET,
    ).map((each) => ('declared' in each ? [each.declared.tier, each.declared.set] : each));
    expect(tiers).toEqual([
      ['APP', SET],
      ['USER', SET],
      ['USER', SET],
    ]);
  });

  it('names the field of each wrong item by its place, and lets the others be [C7]', () => {
    const plain = item({ name: 'untold', tier: undefined });
    const { spec } = plain.content as DeclaredServer;
    const malformed = { kind: 'streamable_http', url: 'https://${nope', headers: {} } as const;
    const untold: SetItem = {
      ...plain,
      content: { ...(plain.content as DeclaredServer), spec: { ...spec, transport: malformed } },
    };
    const set = checkSet(
      [
        item({ name: 'fine' }),
        item({ name: 'a/b' }),
        item({ name: 'own', owner: ' ' }),
        item({ name: 'app', tier: 'APP', spec: USER_VALUE }),
        untold,
        wrong('broken'),
        item({ name: 'last' }),
      ],
      SET,
    );
    const fields = set.map((each) =>
      'refusal' in each ? each.refusal.violations.map(({ field }) => field) : 'ready',
    );
    expect(fields).toEqual([
      'ready',
      ['servers[1].name'],
      ['servers[2].owner'],
      ['servers[3].tier'],
      ['servers[4].spec.streamable_http.url'],
      [],
      'ready',
    ]);
  });

  it('refuses the second of two items of one name, also where the first is broken', () => {
    const set = checkSet(
      [
        item({ name: 'a', tier: 'APP' }),
        item({ name: 'a', tier: 'USER' }),
        item({ name: 'a', owner: 'ana' }),
        item({ name: 'a', owner: 'bob' }),
        wrong('b'),
        item({ name: 'b' }),
      ],
      SET,
    );
    const fields = set.map((each) =>
      'refusal' in each ? each.refusal.violations.map(({ field }) => field) : 'ready',
    );
    expect(fields).toEqual([
      'ready',
      ['servers[1].name'],
      'ready',
      'ready',
      [],
      ['servers[5].name'],
    ]);
  });

  it('knows no owner of a server that is not PRIVATE, told or not', () => {
    const untold = item({ name: 'a', tier: undefined }).content as DeclaredServer;
    const content = { ...untold, owner: 'ana' };
    const [first] = checkSet([{ at: { name: 'a' }, etag: '', content }], SET);
    expect(first).toMatchObject({ refusal: { violations: [{ field: 'servers[0].owner' }] } });
  });
});

describe('decideItem', () => {
  it('creates what is missing, in the set and of the first generation', () => {
    const outcome = decide(item({ name: 'a', tier: 'APP' }), []);
    expect(outcome).toMatchObject({
      kind: 'change',
      change: { after: { id: 'new', name: 'a', set: SET, generation: 1, revision: 8 } },
    });
    expect(outcome.kind === 'change' && outcome.change.before).toBeUndefined();
  });

  it('leaves alone what is as declared [R4]', () => {
    const record = recordOf({ name: 'a', set: SET });
    expect(decide(item({ name: 'a' }), [record])).toEqual({ kind: 'unchanged', record });
  });

  it('changes what differs, and keeps the id', () => {
    const record = recordOf({ id: 'old', name: 'a', set: SET });
    expect(decide(item({ name: 'a', title: 'new' }), [record])).toMatchObject({
      kind: 'change',
      change: { before: record, after: { id: 'old', spec: { title: 'new' }, generation: 2 } },
    });
  });

  it('moves between APP and USER, and matches either by its name', () => {
    const record = recordOf({ name: 'a', tier: 'APP', set: SET });
    expect(decide(item({ name: 'a', tier: 'USER' }), [record])).toMatchObject({
      change: { before: { id: record.id }, after: { id: record.id, tier: 'USER' } },
    });
  });

  it('takes a server of no set as its own; of another only if it may', () => {
    const free = recordOf({ name: 'a' });
    const other = recordOf({ name: 'a', set: 'other.yaml' });
    expect(decide(item({ name: 'a' }), [free])).toMatchObject({
      change: { before: free, after: { set: SET, spec: free.spec } },
    });
    expect(refusalOf(decide(item({ name: 'a' }), [other]))).toMatchObject({
      reason: 'OTHER_SET',
      metadata: { id: other.id, set: 'other.yaml' },
    });
    expect(decide(item({ name: 'a' }), [other], { takeOver: true })).toMatchObject({
      change: { before: other, after: { set: SET } },
    });
  });

  it('demands the etag of an item that has one, also where there is no server [R2]', () => {
    const record = recordOf({ name: 'a' });
    const changed = (etag: string): SetItem => item({ name: 'a', title: 'new', etag });
    expect(refusalOf(decide(changed('old'), [record]))).toMatchObject({
      reason: 'ETAG_MISMATCH',
      metadata: { id: record.id, current_etag: record.etag },
    });
    expect(decide(changed(record.etag), [record]).kind).toBe('change');
    expect(refusalOf(decide(changed(record.etag), []))?.reason).toBe('ETAG_MISMATCH');
    const same = decide(item({ name: 'a', etag: 'old' }), [{ ...record, set: SET }]);
    expect(refusalOf(same)?.reason).toBe('ETAG_MISMATCH');
  });

  it('never moves between PRIVATE and shared: they are different servers', () => {
    const shared = recordOf({ name: 'a', set: SET });
    const own = recordOf({ id: 'own', name: 'a', owner: 'ana', set: SET });
    const bobs = decide(item({ name: 'a', owner: 'bob' }), [shared, own]);
    expect(bobs).toMatchObject({ change: { after: { id: 'new', owner: 'bob' } } });
    const anas = decide(item({ name: 'a', owner: 'ana', title: 'new' }), [shared, own]);
    expect(anas).toMatchObject({ change: { before: { id: 'own' } } });
    expect(decide(item({ name: 'a' }), [own])).toMatchObject({ change: { after: { id: 'new' } } });
  });

  describe('about a server that somebody moved', () => {
    const moved: ServerRecord = {
      ...recordOf({ id: 'old', name: 'a', tier: 'USER', set: SET }),
      moved: { from: { name: 'a', tier: 'APP' }, actor: 'root', time: 86_400_000 },
    };
    const demoted: ServerRecord = { ...moved, ...recordOf({ name: 'b', owner: 'ana', set: SET }) };

    it('refuses to move it back unless it may, and says who moved it and when', () => {
      const declared = item({ name: 'a', tier: 'APP' });
      for (const record of [moved, demoted]) {
        const outcome = decide(declared, [record], { aboutId: record.id });
        expect(outcome).toMatchObject({ kind: 'refused', record: { id: record.id } });
        expect(refusalOf(outcome)).toMatchObject({
          reason: 'MOVED',
          metadata: { id: record.id, actor: 'root', time: '1970-01-02T00:00:00.000Z' },
        });
        const back = decide(declared, [record], { aboutId: record.id, takeOver: true });
        expect(back).toMatchObject({
          kind: 'change',
          change: { before: record, after: { id: record.id, name: 'a', tier: 'APP', set: SET } },
        });
        expect(back.kind === 'change' && back.change.after?.owner).toBeUndefined();
        expect(back.kind === 'change' && back.change.after?.moved).toBeUndefined();
      }
    });

    it('takes the grants away where it moves it back to everyone', () => {
      const grants = grantsAt(3, 'user:bob');
      const state = new RecordSet();
      state.put({ record: demoted, grants });
      const rule = { ...RULE, aboutId: demoted.id, takeOver: true };
      const outcome = decideItem(
        { ...context(), state },
        checked(item({ name: 'a', tier: 'APP' })),
        rule,
      );
      expect(outcome).toMatchObject({ change: { access: { granted: [], revoked: grants } } });
    });

    it('applies what agrees with where it is by now, and forgets the move', () => {
      const outcome = decide(item({ name: 'a', tier: 'USER', title: 'new' }), [moved]);
      expect(outcome).toMatchObject({
        change: { after: { tier: 'USER', spec: { title: 'new' } } },
      });
      expect(outcome.kind === 'change' && outcome.change.after?.moved).toBeUndefined();
    });

    it('does not take another one for it that was moved from another place', () => {
      const other = { ...demoted, moved: { ...demoted.moved!, from: { name: 'c', tier: 'APP' } } };
      const outcome = decide(item({ name: 'a' }), [other as ServerRecord], { aboutId: other.id });
      expect(outcome).toMatchObject({ change: { after: { id: 'new' } } });
    });
  });

  it('refuses a new shared server that would hide private ones unless it may, and counts them', () => {
    const own = ['ana', 'bob'].map((owner) => ({
      record: recordOf({ id: owner, name: 'a', owner }),
      grants: [],
    }));
    const named = (name: string) => (name === 'a' ? own : []);
    const shared = item({ name: 'a', tier: 'APP' });
    expect(refusalOf(decide(shared, [], { named }))).toMatchObject({
      reason: 'WOULD_SHADOW',
      metadata: { id: 'ana', owner: 'ana', count: '2' },
    });
    const allowed = decide(shared, [], { named, policy: 'shadow' });
    expect(allowed).toMatchObject({ kind: 'change', hidden: 2 });
    expect(decide(item({ name: 'a', owner: 'zoe' }), [], { named })).toMatchObject({ hidden: 0 });
    const there = recordOf({ name: 'a', set: SET });
    const edited = decide(item({ name: 'a', title: 'new' }), [there], { named });
    expect(edited).toMatchObject({ kind: 'change', hidden: 0 });
  });

  it('tells with a refusal the server that has the name', () => {
    const record = recordOf({ name: 'a' });
    expect(decide(wrong('a'), [record])).toMatchObject({ kind: 'refused', record });
    expect(decide(wrong('b'), [record])).toMatchObject({ kind: 'refused', record: undefined });
  });
});

describe('what a set does not have', () => {
  const members = [
    recordOf({ id: '4', name: 'd', set: SET }),
    recordOf({ id: '1', name: 'a', set: SET }),
    recordOf({ id: '2', name: 'b', set: SET }),
    recordOf({ id: '3', name: 'b', owner: 'ana', set: SET }),
    recordOf({ id: '5', name: 'c', set: SET }),
  ].map((record) => ({ record, grants: [] }));
  const ids = (records: readonly ServerRecord[]): readonly string[] => records.map(({ id }) => id);

  it('is left or pruned, by name', () => {
    const items = checkSet([item({ name: 'a' }), item({ name: 'b', owner: 'ana' })], SET);
    const left = surplusOf(members, items, () => false);
    expect([ids(left.left), ids(left.pruned)]).toEqual([['2', '5', '4'], []]);
    const pruned = surplusOf(members, items, () => true);
    expect([ids(pruned.left), ids(pruned.pruned)]).toEqual([[], ['2', '5', '4']]);
  });

  it('stays where a broken item has its name: nobody knows what it was about', () => {
    const items = checkSet([wrong('a'), wrong('b'), item({ name: 'c' })], SET);
    const { left, pruned } = surplusOf(members, items, () => true);
    expect([ids(left), ids(pruned)]).toEqual([['3'], ['4']]);
  });

  it('is deleted with its grants, as it is by now', () => {
    const items = checkSet([item({ name: 'a' })], SET);
    const has = namesOf(items);
    const state = new RecordSet();
    const granted = grantsAt(3, 'group:dev');
    const [d, a, b, own] = members.map(({ record }) => record);
    state.put({ record: { ...d!, set: 'taken over' }, grants: [] });
    state.put({ record: { ...b!, name: 'a' }, grants: [] });
    state.put({ record: own!, grants: granted });
    state.put({ record: a!, grants: [] });
    const stillSurplus = (record: ServerRecord): boolean => record.set === SET && !has(record);
    expect(decidePrune(state, ['4', '2', '3', 'gone'], stillSurplus)).toEqual([
      { before: own, access: { granted: [], revoked: granted } },
    ]);
  });
});
