import { describe, expect, it } from 'vitest';
import { declarationOf } from '../../../../src/domain/commands/decide.js';
import { applyPatch, type DeclarationPatch } from '../../../../src/domain/commands/patch.js';
import { recordOf } from '../../../support/storage/builders.js';

const nothing: DeclarationPatch = { fields: {}, specFields: {}, cleared: [] };
const before = declarationOf(recordOf({ id: 'x', name: 'files', owner: 'ana', title: 'Files' }));

describe('applyPatch', () => {
  it('changes nothing that it does not name [R4]', () => {
    expect(applyPatch(before, nothing)).toEqual(before);
  });

  it('replaces what it names', () => {
    const patch = { ...nothing, fields: { name: 'mail' }, specFields: { title: 'Mail' } };
    expect(applyPatch(before, patch)).toEqual({
      ...before,
      name: 'mail',
      spec: { ...before.spec, title: 'Mail' },
    });
  });

  it('gives another owner, or with an empty one none', () => {
    expect(applyPatch(before, { ...nothing, owner: 'bob' }).owner).toBe('bob');
    expect(applyPatch(before, { ...nothing, owner: '' })).not.toHaveProperty('owner');
  });

  it('takes optional fields away', () => {
    const has = { ...before, spec: { ...before.spec, requiresOAuth: true } };
    expect(applyPatch(has, { ...nothing, cleared: ['requiresOAuth'] })).toEqual(before);
  });

  it('replaces fields of the transport, if it is of the kind', () => {
    const kind = 'streamable_http' as const;
    const url = 'https://y.example';
    const patched = applyPatch(before, { ...nothing, transport: { kind, fields: { url } } });
    expect(patched.spec.transport).toEqual({ ...before.spec.transport, url });
    const other = { ...nothing, transport: { kind: 'sse' as const, fields: { url } } };
    expect(() => applyPatch(before, other)).toThrow(/streamable_http/);
  });
});
