import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedId, type Change } from '../../../../../src/domain/commit.js';
import {
  creationOf,
  declarationOf,
  holderOf,
  nameOf,
} from '../../../../../src/domain/commands/decide.js';
import type { Decision, DecisionContext } from '../../../../../src/domain/commands/decide.js';
import { decideLoad, type Deletion } from '../../../../../src/domain/commands/load/decide-load.js';
import { decideRenameSource } from '../../../../../src/domain/commands/load/change-source.js';
import {
  decideInvalidate,
  decidePurge,
} from '../../../../../src/domain/commands/load/decide-user.js';
import {
  checkRows,
  type LoadedRow,
  type SourceRights,
} from '../../../../../src/domain/commands/load/rows.js';
import { grantsOf } from '../../../../../src/domain/commands/load/sight.js';
import { Overlay, RecordSet } from '../../../../../src/domain/record-set.js';
import { audienceOf, type StoredServer } from '../../../../../src/domain/server.js';
import type { Subject } from '../../../../../src/domain/view.js';
import {
  brokenRow,
  idOfRow,
  intentOf,
  OWN_ONLY,
  RIGHTS,
  rowOf,
  SOURCE,
} from '../../../../support/loads/loads.js';
import { recordOf } from '../../../../support/storage/builders.js';
import { OPEN_POLICY } from '../../../../support/transport-policy.js';

// Few of each, so that rows and servers meet: same names, same owners, same ids.
const ROWS = ['r0', 'r1', 'r2', 'r3', 'r4'];
const NAMES = ['files', 'mail', 'search'];
const USERS = ['ana', 'bob', 'zoe'];

interface Load {
  readonly kind: 'load';
  readonly user: string;
  readonly rights: SourceRights;
  readonly rows: readonly LoadedRow[];
}
interface Own {
  readonly kind: 'own';
  readonly name: string;
  readonly owner: string;
}
interface Grant {
  readonly kind: 'grant';
  readonly pick: number;
  readonly subject: Subject;
}
interface OfUser {
  readonly kind: 'purge' | 'invalidate';
  readonly user: string;
}
interface Rename {
  readonly kind: 'rename';
  readonly newName: string;
}
type Step = Load | Own | Grant | OfUser | Rename;

const arbitraryRow: fc.Arbitrary<LoadedRow> = fc
  .record({
    rowId: fc.constantFrom(...ROWS),
    name: fc.constantFrom(...NAMES),
    owner: fc.constantFrom(...USERS),
    title: fc.constantFrom('', 'new'),
    isBroken: fc.integer({ min: 0, max: 7 }).map((odds) => odds === 0),
  })
  .map(({ rowId, isBroken, ...parts }) => (isBroken ? brokenRow : rowOf)(rowId, parts));

const arbitraryLoad: fc.Arbitrary<Load> = fc.record({
  kind: fc.constant('load' as const),
  user: fc.constantFrom(...USERS),
  rights: fc.constantFrom(RIGHTS, RIGHTS, OWN_ONLY),
  rows: fc.oneof(
    fc.array(arbitraryRow, { maxLength: 6 }),
    fc.uniqueArray(arbitraryRow, { selector: ({ rowId }) => rowId, maxLength: 5 }),
  ),
});

const arbitraryOther: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('own' as const),
    name: fc.constantFrom(...NAMES),
    owner: fc.constantFrom(...USERS),
  }),
  fc.record({
    kind: fc.constant('grant' as const),
    pick: fc.nat(20),
    subject: fc.constantFrom<Subject>('user:ana', 'user:bob', 'user:zoe', 'group:dev'),
  }),
  fc.record({
    kind: fc.constantFrom('purge' as const, 'invalidate' as const),
    user: fc.constantFrom(...USERS),
  }),
  fc.record({ kind: fc.constant('rename' as const), newName: fc.constantFrom(SOURCE, 'b', 'c') }),
);

const arbitrarySteps = fc.array(
  fc.oneof({ arbitrary: arbitraryLoad, weight: 3 }, { arbitrary: arbitraryOther, weight: 1 }),
  { minLength: 1, maxLength: 12 },
);

/** A log of decisions, with what is left of what was deleted. */
class History {
  readonly records = new RecordSet();
  readonly deletions = new Map<string, Deletion>();
  revision = 0;

  get context(): DecisionContext {
    const { records: state, revision } = this;
    const after = { epoch: 'e', revision, fingerprint: String(revision) };
    return { state, after, actor: 'root', now: 1_000, transportPolicy: OPEN_POLICY };
  }

  load({ user, rights, rows }: Load): Decision {
    const { deletions, revision: since } = this;
    const grants = grantsOf(this.records, user);
    const named = { ...rights, source: this.sourceName };
    const intent = { user, rights: named, grants, deletions, since, isForced: true };
    return decideLoad(this.context, intentOf(rows, intent));
  }

  /** What the source is called now; every replica is configured with it. */
  get sourceName(): string {
    return this.records.privateSource()?.name ?? SOURCE;
  }

  decide(step: Step): Decision | undefined {
    switch (step.kind) {
      case 'rename':
        if (this.records.privateSource() === undefined) return undefined;
        return decideRenameSource(this.context, { name: this.sourceName, newName: step.newName });
      case 'load':
        return this.load(step);
      case 'invalidate':
        return decideInvalidate(this.context, step.user);
      case 'purge':
        return decidePurge(this.context, step.user, (changes) => changes);
      case 'own': {
        const record = recordOf({ id: `own ${String(this.revision)}`, ...step });
        if (holderOf(this.records, nameOf(record)) !== undefined) return undefined;
        return {
          cause: 'CREATE',
          changes: [creationOf(this.context, declarationOf(record), record.id)],
        };
      }
      case 'grant': {
        const all = [...this.records.all()];
        const server = all[step.pick % Math.max(1, all.length)];
        if (server === undefined || audienceOf(server).includes(step.subject)) return undefined;
        return { cause: 'ACCESS', changes: [this.granting(server, step.subject)] };
      }
    }
  }

  apply({ changes, loads, source }: Decision): void {
    const next = new Overlay(this.records);
    next.apply({ changes, ...(loads && { loads }) });
    this.revision += 1;
    for (const change of changes) {
      const id = changedId(change);
      const server = next.byId(id);
      this.records.remove(id);
      if (server !== undefined) this.records.put(server);
      if (server === undefined && change.before !== undefined) {
        const { generation, createTime, lastUpdatedAt } = change.before;
        const last = { generation: generation + 1, createTime, lastUpdatedAt };
        this.deletions.set(id, { ...last, revision: this.revision });
      }
    }
    for (const { after } of loads ?? []) this.records.putLoad(after);
    if (source !== undefined) this.records.putSource(source.after);
  }

  copy(): History {
    const copy = new History();
    for (const server of this.records.all()) copy.records.put(server);
    for (const user of this.records.loadedUsers()) copy.records.putLoad(this.records.loadOf(user)!);
    const source = this.records.privateSource();
    if (source !== undefined) copy.records.putSource(source);
    for (const [id, deletion] of this.deletions) copy.deletions.set(id, deletion);
    copy.revision = this.revision;
    return copy;
  }

  /** What a user sees of the source. */
  seenBy(user: string): ReadonlyMap<string, StoredServer> {
    const seen = [...this.records.privateOf(`user:${user}`)];
    return new Map(
      seen
        .filter(({ record }) => record.privateSource === SOURCE)
        .map((server) => [server.record.id, server]),
    );
  }

  private granting({ record }: StoredServer, subject: Subject): Change {
    const revision = this.revision + 1;
    const access = { granted: [{ subject, revision }], revoked: [] };
    return { before: record, after: { ...record, revision }, access };
  }
}

/** Checks `check` for each load of random histories, with the history before and after it. */
function forEachLoad(
  check: (load: Load, states: { before: History; after: History; decision: Decision }) => void,
): void {
  fc.assert(
    fc.property(arbitrarySteps, (steps) => {
      const history = new History();
      for (const step of steps) {
        const decision = history.decide(step);
        if (decision === undefined) continue;
        const before = history.copy();
        history.apply(decision);
        if (step.kind === 'load') check(step, { before, after: history, decision });
      }
    }),
    { numRuns: 100 },
  );
}

describe('loads in random histories', () => {
  it('leave the user exactly the accepted rows and what was kept of the others [L2]', () => {
    forEachLoad(({ user, rights, rows }, { before, after, decision }) => {
      const record = decision.loads![0]!.after;
      const refused = new Set(record.refused.map(({ rowId }) => idOfRow(rowId)));
      const [had, has] = [before.seenBy(user), after.seenBy(user)];
      const answered = new Set(rows.map(({ rowId }) => idOfRow(rowId)));
      const due = [...answered].filter((id) => !refused.has(id) || had.has(id));
      expect([...has.keys()].sort()).toEqual(due.sort());
      expect(record.serverCount).toBe(due.length);
      const { accepted } = checkRows(rows, { user, rights, transportPolicy: OPEN_POLICY });
      for (const [id, { record: server }] of has) {
        if (refused.has(id)) expect(server).toBe(had.get(id)?.record);
        else expect(declarationOf(server)).toEqual(accepted.get(id));
      }
    });
  });

  it('change nothing that they do not bring or take, and delete only what the user owned [P24]', () => {
    forEachLoad(({ user, rows }, { before, after, decision }) => {
      const answered = new Set(rows.map(({ rowId }) => idOfRow(rowId)));
      const had = before.seenBy(user);
      const changed = new Set(decision.changes.map(changedId));
      expect(changed.size).toBe(decision.changes.length);
      for (const change of decision.changes) {
        const id = changedId(change);
        expect(answered.has(id) || had.has(id)).toBe(true);
        if (change.after !== undefined) continue;
        expect(change.before).toMatchObject({ owner: user, privateSource: SOURCE });
      }
      for (const server of before.records.all()) {
        const { id } = server.record;
        if (!changed.has(id)) expect(after.records.byId(id)).toBe(server);
      }
    });
  });

  it('end nobody else’s sight of what stays, and give it only to whom a row names as owner [P24]', () => {
    forEachLoad(({ user }, { before, after, decision }) => {
      for (const change of decision.changes) {
        const id = changedId(change);
        const [had, has] = [before.records.byId(id), after.records.byId(id)];
        if (has === undefined) continue;
        const audience = (server: StoredServer | undefined): readonly Subject[] =>
          (server === undefined ? [] : audienceOf(server)).filter(
            (each) => each !== `user:${user}`,
          );
        const owner: Subject = `user:${has.record.owner!}`;
        const isNew = had?.record.owner !== has.record.owner && owner !== `user:${user}`;
        const due = new Set([...audience(had), ...(isNew ? [owner] : [])]);
        expect(new Set(audience(has))).toEqual(due);
        for (const grant of had?.grants ?? []) {
          const stays = grant.subject !== owner && grant.subject !== `user:${user}`;
          if (stays) expect(has.grants).toContainEqual(grant);
        }
      }
    });
  });

  it('leave every name to one server of its owner', () => {
    forEachLoad((_load, { after }) => {
      const names = [...after.records.all()].map(({ record: { owner, name } }) => [owner, name]);
      expect(new Set(names.map((name) => JSON.stringify(name))).size).toBe(names.length);
    });
  });

  it('change nothing but their record when they find the same again [P23]', () => {
    forEachLoad((load, { after, decision }) => {
      const again = after.load(load);
      expect(again.changes).toEqual([]);
      const [first, second] = [decision.loads![0]!.after, again.loads![0]!.after];
      expect(second).toEqual({ ...first, revision: first.revision + 1 });
    });
  });

  it('move generation, times and etags forward, also over a deletion [P6]', () => {
    forEachLoad((_load, { before, decision }) => {
      for (const { before: old, after: next } of decision.changes) {
        if (next === undefined) continue;
        const former = old ?? before.deletions.get(next.id);
        if (former === undefined || (old !== undefined && old.etag === next.etag)) continue;
        expect(next.generation).toBe(former.generation + 1);
        expect(next.lastUpdatedAt).toBeGreaterThan(former.lastUpdatedAt);
        expect(next.createTime).toBe(former.createTime);
      }
    });
  });

  it('never follow a newer load of their user, whatever either found [L1, P22]', () => {
    forEachLoad((load, { before, after, decision }) => {
      const stale = (): unknown =>
        decideLoad(
          after.context,
          intentOf(load.rows, {
            user: load.user,
            isForced: true,
            rights: { ...load.rights, source: after.sourceName },
            grants: grantsOf(after.records, load.user),
            deletions: after.deletions,
            since: before.revision,
          }),
        );
      expect(stale).toThrow(expect.objectContaining({ reason: 'LOAD_CONFLICT' }));
      expect(decision.loads![0]!.after.revision).toBe(before.revision + 1);
    });
  });

  it('are refused under any other name than the source has [P36]', () => {
    forEachLoad((load, { after }) => {
      for (const source of [SOURCE, 'b', 'c', 'never heard of']) {
        if (source === after.sourceName) continue;
        const rights = { ...load.rights, source };
        const wrong = (): unknown =>
          decideLoad(after.context, intentOf(load.rows, { user: load.user, rights }));
        expect(wrong).toThrow(expect.objectContaining({ reason: 'SOURCE_DIFFERS' }));
      }
    });
  });
});
