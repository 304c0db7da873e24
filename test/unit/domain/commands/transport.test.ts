import { describe, expect, it } from 'vitest';
import { decideItem } from '../../../../src/domain/commands/apply.js';
import {
  decideCreate,
  decideUpdate,
  declarationOf,
} from '../../../../src/domain/commands/decide.js';
import { decideLoad } from '../../../../src/domain/commands/load/decide-load.js';
import { decideDemote, decidePromote } from '../../../../src/domain/commands/move.js';
import { decideRollback, decideUndelete } from '../../../../src/domain/commands/restore.js';
import { SPEC_DEFAULTS, type ServerSpec } from '../../../../src/domain/config/spec.js';
import type { Declaration, ServerVersion } from '../../../../src/domain/server.js';
import { SAFE_POLICY } from '../../../../src/domain/transport-policy.js';
import { decisionLog, refusalOf } from '../../../support/commits/decisions.js';
import { contextOf, intentOf, rowOf } from '../../../support/loads/loads.js';
import { recordOf, type RecordParts } from '../../../support/storage/builders.js';

const at = (url: string, more: Partial<ServerSpec> = {}): ServerSpec => ({
  ...SPEC_DEFAULTS,
  transport: { kind: 'streamable_http', url, headers: {} },
  ...more,
});
const PUBLIC = at('https://mcp.example/');
const INSIDE = at('http://10.0.0.1/');
const OTHER_INSIDE = at('http://10.0.0.2/');
const stdio = (env: Record<string, string> = {}): ServerSpec => ({
  ...SPEC_DEFAULTS,
  transport: { kind: 'stdio', command: '/bin/sh', args: [], env, cwd: '', stderr: 'ignore' },
});

function withServer(spec: ServerSpec, parts: RecordParts = { owner: 'ana' }) {
  const log = decisionLog({ now: 1_000 }, SAFE_POLICY);
  log.put(recordOf({ id: 'x', name: 'files', spec, ...parts }));
  const etag = (): string => log.server('x').record.etag;
  const update = (spec: ServerSpec) =>
    decideUpdate(log.context(), {
      id: 'x',
      etag: etag(),
      apply: (before) => ({ ...before, spec }),
    });
  const demote = (spec?: ServerSpec) =>
    decideDemote(log.context(), {
      id: 'x',
      etag: etag(),
      owner: 'ana',
      subjects: [],
      ...(spec && { spec }),
    });
  return { log, update, demote };
}

const declared = (spec: ServerSpec, tier: 'PRIVATE' | 'USER' = 'PRIVATE'): Declaration => ({
  name: 'files',
  externalId: '',
  tier,
  ...(tier === 'PRIVATE' ? { owner: 'ana' } : {}),
  spec,
  set: '',
});

const versionOf = (spec: ServerSpec): ServerVersion => ({
  generation: 1,
  cause: 'CREATE',
  actor: 'a',
  reason: '',
  time: 1,
  revision: 1,
  declared: declared(spec),
  etag: 'e',
  createTime: 1,
  lastUpdatedAt: 1,
  grants: [],
});

describe('a PRIVATE server at a place that the policy refuses', () => {
  it.each([
    ['a process', stdio({ LD_PRELOAD: '/tmp/x.so' }), 'stdio'],
    ['a metadata service', at('http://169.254.169.254/'), 'metadata'],
    ['a private address', INSIDE, 'private'],
  ])('is not created: %s', (_title, spec, rule) => {
    const { context } = decisionLog({ now: 1_000 }, SAFE_POLICY);
    const create = (): unknown => decideCreate(context(), declared(spec), 'x');
    expect(refusalOf(create)).toBe('TRANSPORT_NOT_ALLOWED');
    expect(create).toThrow(`(rule ${rule})`);
    expect(refusalOf(() => decideCreate(context(), declared(spec, 'USER'), 'x'))).toBeUndefined();
  });

  it('is not made of one by an update or a rollback', () => {
    const { log, update } = withServer(PUBLIC);
    expect(refusalOf(() => update(INSIDE))).toBe('TRANSPORT_NOT_ALLOWED');
    expect(refusalOf(() => update(at('https://other.example/')))).toBeUndefined();
    const { etag } = log.server('x').record;
    const rollback = (): unknown =>
      decideRollback(log.context(), { id: 'x', etag, version: versionOf(INSIDE) });
    expect(refusalOf(rollback)).toBe('TRANSPORT_NOT_ALLOWED');
  });

  it('is not brought back', () => {
    const { context } = decisionLog({ now: 1_000 }, SAFE_POLICY);
    const { declared: _, ...rest } = versionOf(INSIDE);
    const versions = [{ ...rest, generation: 2 }, versionOf(INSIDE)];
    expect(refusalOf(() => decideUndelete(context(), { id: 'x', versions }))).toBe(
      'TRANSPORT_NOT_ALLOWED',
    );
  });

  it('is refused as one item of a set', () => {
    const { context } = decisionLog({ now: 1_000 }, SAFE_POLICY);
    const item = { at: { name: 'files', owner: 'ana' }, etag: '', declared: declared(INSIDE) };
    const rule = {
      id: 'x',
      aboutId: undefined,
      takeOver: false,
      policy: 'fail',
      named: () => [],
    } as const;
    expect(decideItem(context(), item, rule)).toMatchObject({
      kind: 'refused',
      refusal: { reason: 'TRANSPORT_NOT_ALLOWED' },
    });
  });

  it('is refused as one row of a load, and the others are loaded', () => {
    const rows = [
      { ...rowOf('good'), content: PUBLIC },
      { ...rowOf('bad'), content: INSIDE },
    ];
    const { changes, loads } = decideLoad(
      contextOf([], { transportPolicy: SAFE_POLICY }),
      intentOf(rows),
    );
    expect(changes.map(({ after }) => after?.externalId)).toEqual(['good']);
    expect(loads?.[0]?.after).toMatchObject({
      serverCount: 1,
      refused: [{ rowId: 'bad', reason: 'TRANSPORT_NOT_ALLOWED' }],
    });
  });

  it('can be changed, disabled and deleted where it is already', () => {
    const { update } = withServer(INSIDE);
    expect(update({ ...INSIDE, enabled: false, title: 'Files' })?.changes).toHaveLength(1);
    expect(refusalOf(() => update(OTHER_INSIDE))).toBe('TRANSPORT_NOT_ALLOWED');
  });
});

describe('a server that an administrator demotes', () => {
  const demoted = (spec: ServerSpec) => {
    const { log, demote, update } = withServer(spec, { tier: 'USER' });
    log.apply(demote());
    return { log, demote, update, record: () => log.server('x').record };
  };

  it('keeps its place, until it is moved', () => {
    for (const spec of [INSIDE, stdio()]) {
      const { log, update, record } = demoted(spec);
      expect(record()).toMatchObject({ tier: 'PRIVATE', transportExempt: true });
      log.apply(update({ ...spec, title: 'Files' }));
      expect(record().transportExempt).toBe(true);
      expect(refusalOf(() => update(OTHER_INSIDE))).toBe('TRANSPORT_NOT_ALLOWED');
      log.apply(update(PUBLIC));
      expect(record().transportExempt).toBeUndefined();
      expect(refusalOf(() => update(spec))).toBe('TRANSPORT_NOT_ALLOWED');
    }
  });

  it('is not moved to another place by that', () => {
    const { demote } = withServer(INSIDE, { tier: 'USER' });
    expect(refusalOf(() => demote(OTHER_INSIDE))).toBe('TRANSPORT_NOT_ALLOWED');
    expect(demote(PUBLIC).changes[0]?.after?.transportExempt).toBeUndefined();
  });

  it('is not exempt once it is shared again', () => {
    const { log, record } = demoted(INSIDE);
    const { etag } = record();
    const intent = { id: 'x', etag, tier: 'USER', policy: 'fail', named: [], copyId: 'c' } as const;
    log.apply(decidePromote(log.context(), intent));
    expect(record()).not.toHaveProperty('transportExempt');
    expect(declarationOf(record())).not.toHaveProperty('owner');
  });
});
