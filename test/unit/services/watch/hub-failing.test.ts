import { describe, expect, it } from 'vitest';
import { placeCommit } from '../../../../src/domain/commit.js';
import { RecordSet } from '../../../../src/domain/record-set.js';
import type { Step } from '../../../../src/services/replica/tenant-state.js';
import { WatchHub } from '../../../../src/services/watch/hub.js';
import type { Watcher } from '../../../../src/services/watch/watcher.js';
import { creation } from '../../../support/storage/builders.js';

describe('a hub that cannot tell whom a commit concerns', () => {
  it('ends all streams: one that went on would miss the commit [W3]', () => {
    let tell: (step: Step) => void = () => undefined;
    const onStep = (listener: (step: Step) => void): (() => void) => {
      tell = listener;
      return () => undefined;
    };
    const hub = new WatchHub({ onStep, onReplaced: () => () => undefined }, () => true);
    const ended: unknown[] = [];
    const stream = {
      audience: { seesInventory: false, subjects: () => [] },
      end: (error?: { readonly reason: string }) => ended.push(error?.reason),
    };
    hub.register(stream as unknown as Watcher);

    const position = { epoch: 'one', revision: 0, fingerprint: '' };
    const broken = new Error('unreadable');
    const after = new RecordSet();
    after.byId = () => {
      throw broken;
    };
    const commit = placeCommit(creation({ id: 'a' }), position);
    const step: Step = { commit, position, before: new RecordSet(), after };
    expect(() => {
      tell(step);
    }).toThrow(broken);
    expect(ended).toEqual(['INTERNAL']);
  });
});
