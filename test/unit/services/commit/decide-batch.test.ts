import { describe, expect, it } from 'vitest';
import {
  follows,
  positionOf,
  type Position,
  type RequestKey,
} from '../../../../src/domain/commit.js';
import {
  declarationOf,
  decideCreate,
  decideDelete,
} from '../../../../src/domain/commands/decide.js';
import { isSwitchboardError } from '../../../../src/domain/errors.js';
import { RecordSet } from '../../../../src/domain/record-set.js';
import {
  decideBatch,
  type BatchDecision,
  type DecidedOn,
  type UndecidedWrite,
} from '../../../../src/services/commit/decide-batch.js';
import { RecentCommits } from '../../../../src/services/replica/recent-commits.js';
import { creation, placeAll, recordOf } from '../../../support/storage/builders.js';
import { OPEN_POLICY } from '../../../support/transport-policy.js';

const START: Position = { epoch: 'e', revision: 4, fingerprint: 'f' };
const EARLIER = placeAll(
  START,
  ['a', 'b', 'c'].map((id) => ({ ...creation({ id }), request: requestOf(`made-${id}`) })),
);

function requestOf(requestId: string, bodyDigest = 'body'): RequestKey {
  return { principal: 'p', requestId, bodyDigest };
}

/** A tenant in which the servers a, b and c were created one after the other. */
function tenant(): DecidedOn {
  const state = new RecordSet();
  const recent = new RecentCommits(10);
  let position = START;
  for (const commit of EARLIER) {
    for (const { after } of commit.changes) if (after) state.put({ record: after, grants: [] });
    recent.push(commit);
    position = { epoch: 'e', revision: commit.revision, fingerprint: commit.fingerprint };
  }
  return { state, position, recent, now: 1_000, transportPolicy: OPEN_POLICY };
}

interface NamedWrite extends UndecidedWrite {
  readonly label: string;
}

function write(
  label: string,
  intent: Partial<UndecidedWrite['intent']>,
  lookedUp?: UndecidedWrite['lookedUp'],
): NamedWrite {
  const common = { actor: 'tester', reason: '', validateOnly: false, decide: () => undefined };
  return { label, intent: { ...common, ...intent }, lookedUp };
}

const creating = (name: string, id = `id-${name}`): Pick<UndecidedWrite['intent'], 'decide'> => ({
  decide: (at) => decideCreate(at, declarationOf(recordOf({ name })), id),
});

/** What became of each write, in words. */
function told({ decided, idle, later }: BatchDecision<NamedWrite>): readonly string[] {
  return [
    ...decided.map(({ write: { label }, commit }) => `${label} at ${String(commit.revision)}`),
    ...idle.map(({ write: { label }, result }) => {
      if ('outcome' in result) return `${label} ${result.outcome.kind}`;
      return `${label} ${isSwitchboardError(result.error) ? result.error.reason : 'failed'}`;
    }),
    ...later.map(({ label }) => `${label} later`),
  ];
}

describe('the decision of a batch', () => {
  it('gives each write the place after the one before, on the state that it leaves [P11]', () => {
    const on = tenant();
    const batch = decideBatch(
      [
        write('x', creating('x')),
        write('again', creating('x', 'another')),
        write('y', creating('y')),
      ],
      on,
    );
    expect(told(batch)).toEqual(['x at 8', 'y at 9', 'again NAME_TAKEN']);
    const [x, y] = batch.decided.map(({ commit }) => commit);
    expect([follows(on.position, x!), follows(positionOf('e', x!), y!)]).toEqual([true, true]);
    expect([x!.time, y!.time]).toEqual([1_000, 1_000]);
    expect(on.state.byId('id-x')).toBeUndefined();
  });

  it('appends nothing for a check or a no-op, which say where they were decided [R4, R6]', () => {
    const { idle, decided } = decideBatch(
      [
        write('x', creating('x')),
        write('check', { ...creating('y'), validateOnly: true }),
        write('no-op', {}),
      ],
      tenant(),
    );
    const place = decided[0]!.commit;
    const results = idle.map(({ result }) => 'outcome' in result && result.outcome);
    expect(results.map((outcome) => outcome && outcome.position.fingerprint)).toEqual([
      place.fingerprint,
      place.fingerprint,
    ]);
    expect(results[0]).toMatchObject({ kind: 'unchanged', decision: { cause: 'CREATE' } });
    expect(results[1]).toMatchObject({ kind: 'unchanged', decision: undefined });
  });

  it('returns the answer of a request that the recent commits know [R3, P13]', () => {
    const on = tenant();
    const lookedUp = { revision: 4, recent: on.recent };
    const { idle, ...rest } = decideBatch(
      [
        write('repeat', { ...creating('x'), request: requestOf('made-b') }, lookedUp),
        write('other body', { ...creating('x'), request: requestOf('made-b', 'z') }, lookedUp),
      ],
      on,
    );
    expect(rest).toEqual({ decided: [], later: [] });
    const [repeat, reused] = idle.map(({ result }) => result);
    expect(repeat).toMatchObject({ outcome: { repeated: true, commit: { revision: 6 } } });
    expect(reused).toMatchObject({ error: { reason: 'REQUEST_ID_REUSED' } });
  });

  it('leaves a second write of one request for later [R3]', () => {
    const on = tenant();
    const lookedUp = { revision: 7, recent: on.recent };
    const twin = (label: string): NamedWrite =>
      write(label, { ...creating(label), request: requestOf('r') }, lookedUp);
    expect(told(decideBatch([twin('x'), twin('y')], on))).toEqual(['x at 8', 'y later']);
  });

  it('decides no request of which nobody can tell whether it was committed [R3, P11]', () => {
    const on = tenant();
    const request = requestOf('r');
    const state = (label: string, lookedUp?: UndecidedWrite['lookedUp']): NamedWrite =>
      write(label, { ...creating(label), request }, lookedUp);
    const anotherHistory = new RecentCommits(10);
    const writes = [
      state('not looked up'),
      state('before the recent commits', { revision: 3, recent: on.recent }),
      state('in another history', { revision: 7, recent: anotherHistory }),
    ];
    expect(told(decideBatch(writes, on))).toEqual(writes.map(({ label }) => `${label} later`));
    const covered = state('covered', { revision: 4, recent: on.recent });
    expect(told(decideBatch([covered], on))).toEqual(['covered at 8']);
  });

  it('decides nothing on a basis that changed since, also in the same batch [P11]', () => {
    const on = tenant();
    const based = (
      label: string,
      basis: ReturnType<NonNullable<UndecidedWrite['intent']['basis']>>,
    ) => write(label, { ...creating(label), basis: () => basis });
    const deletion = write('delete a', {
      decide: (at) => decideDelete(at, { id: 'a', etag: on.state.byId('a')!.record.etag }),
    });
    const batch = decideBatch(
      [
        based('as it is', { revision: 7, ids: ['a'] }),
        based('made since', { revision: 6, ids: ['c'] }),
        based('others made since', { revision: 6, ids: ['a'] }),
        based('of a name made since', { revision: 6, names: new Set(['c']) }),
        based('too long ago', { revision: 3, ids: ['z'] }),
        deletion,
        based('deleted before it', { revision: 7, ids: ['a'] }),
        based('a deletion before it', { revision: 7, deletionsOf: new Set(['a']) }),
        based('no deletion', { revision: 6, deletionsOf: new Set(['c']) }),
      ],
      on,
    );
    expect(told(batch)).toEqual([
      ...['as it is at 8', 'others made since at 9', 'delete a at 10', 'no deletion at 11'],
      ...['made since later', 'of a name made since later', 'too long ago later'],
      ...['deleted before it later', 'a deletion before it later'],
    ]);
  });
});
