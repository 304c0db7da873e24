import { describe, expect, it } from 'vitest';
import { StepAssembly } from '../../../src/client/reflector/step-assembly.js';
import type { KnownServer } from '../../../src/client/server-view.js';
import type { RecordChange } from '../../../src/domain/node-stream.js';
import { recordOf } from '../../support/storage/builders.js';

const DOCS = recordOf({ id: 'docs', name: 'docs', owner: 'ana' });
const HELD: ReadonlyMap<string, KnownServer> = new Map([['docs', DOCS]]);
const ids: Readonly<Record<string, string>> = { '1': 'app', '2': 'ana' };

function assembly(held = new Map<string, KnownServer>() as ReadonlyMap<string, KnownServer>) {
  return new StepAssembly(held, (wireId) => ids[wireId]);
}

const upsert: RecordChange<KnownServer> = {
  kind: 'upsert',
  server: DOCS,
  sights: [
    { subscriptionId: '2', owned: true, grantRevision: 0 },
    { subscriptionId: '7', owned: true, grantRevision: 0 },
  ],
};
const unchanged: RecordChange<KnownServer> = {
  kind: 'unchanged',
  id: 'docs',
  sights: [{ subscriptionId: '2', owned: true, grantRevision: 0 }],
};
const removed: RecordChange<KnownServer> = { kind: 'removed', id: 'docs' };

describe('the steps of a stream', () => {
  it('begin with a snapshot that replaces, then go on one by one [W5, W4]', () => {
    const steps = assembly();
    steps.add([upsert]);
    steps.add([removed]);
    expect(steps.synced(['app'])).toMatchObject({
      replaces: true,
      changes: [{ kind: 'upsert' }, { kind: 'removed', id: 'docs' }],
      synced: ['app'],
    });
    steps.add([removed]);
    expect(steps.commit()).toEqual({
      replaces: false,
      changes: [{ kind: 'removed', id: 'docs' }],
      synced: [],
    });
    expect(steps.synced(['ana'])).toEqual({
      replaces: false,
      changes: [],
      synced: ['ana'],
      begun: ['ana'],
    });
  });

  it('go on where a resumed stream was [W7]', () => {
    const steps = assembly();
    steps.resume();
    expect(steps.synced(['app'])).toMatchObject({ replaces: false, begun: [] });
  });

  it('say which subscriptions begin on a resumed stream, and that only once [W9, P16]', () => {
    const steps = assembly();
    steps.resume();
    steps.synced(['app']);
    steps.add([upsert]);
    expect(steps.synced(['ana'])).toMatchObject({ synced: ['ana'], begun: ['ana'] });
    // Named again on the same stream: a view was replaced, which comes as a difference.
    expect(steps.synced(['ana', 'app'])).toMatchObject({ begun: [] });
    steps.reset();
    expect(steps.synced(['app', 'ana'])).toMatchObject({ replaces: true, begun: [] });
  });

  it('begin anew after a reset, without what was not closed [W8]', () => {
    const steps = assembly();
    steps.resume();
    steps.add([removed]);
    steps.reset();
    steps.add([upsert]);
    expect(steps.synced(['app'])).toMatchObject({ replaces: true, changes: [{ kind: 'upsert' }] });
  });

  it('name the subscriptions as the node does, and no others', () => {
    const steps = assembly();
    steps.add([upsert]);
    expect(steps.commit().changes).toMatchObject([
      { sights: [{ subscriptionId: 'ana', owned: true, grantRevision: 0 }] },
    ]);
  });

  it('take what is unchanged from what was held when the stream opened', () => {
    const steps = assembly(HELD);
    steps.add([unchanged]);
    const [change] = steps.synced(['app']).changes;
    expect(change).toMatchObject({ kind: 'upsert', sights: [{ subscriptionId: 'ana' }] });
    expect(change?.kind === 'upsert' && change.server).toBe(DOCS);
  });

  it('refuse what is unchanged but was not held', () => {
    expect(() => assembly().add([unchanged])).toThrow('not named as held');
  });
});
