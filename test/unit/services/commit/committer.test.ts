import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { declarationOf, decideCreate } from '../../../../src/domain/commands/decide.js';
import { SwitchboardError } from '../../../../src/domain/errors.js';
import { NO_FAILPOINT } from '../../../../src/domain/failpoint.js';
import { Committer } from '../../../../src/services/commit/committer.js';
import type { WriteIntent } from '../../../../src/services/commit/intent.js';
import { TenantState } from '../../../../src/services/replica/tenant-state.js';
import type { CallOptions } from '../../../../src/storage/call-options.js';
import { openMemoryCatalog } from '../../../../src/storage/catalog/memory/open-memory-catalog.js';
import { openMemoryRelay } from '../../../../src/storage/relay/memory/memory-relay.js';
import { recordOf } from '../../../support/storage/builders.js';
import { OPEN_POLICY } from '../../../support/transport-policy.js';

/** A committer of an empty tenant. */
async function openCommitter(): Promise<Committer> {
  const catalog = await openMemoryCatalog();
  const log = await TenantState.open('acme', catalog);
  const relay = await openMemoryRelay();
  return new Committer({
    log,
    catalog,
    relay,
    failpoint: NO_FAILPOINT,
    now: () => 1_000,
    transportPolicy: OPEN_POLICY,
  });
}

function creating(name: string, more: Partial<WriteIntent>): WriteIntent {
  return {
    actor: 'tester',
    reason: '',
    validateOnly: false,
    prepare: () => Promise.resolve(() => undefined),
    decide: (at) => decideCreate(at, declarationOf(recordOf({ name })), `id-${name}`),
    ...more,
  };
}

describe('a committer', () => {
  it('listens once for each write to the signal that many have, and not when they are done', async () => {
    const committer = await openCommitter();
    const caller = new AbortController();
    const listeners: number[] = [];
    const prepare = ({ signal }: CallOptions): Promise<() => void> => {
      // What is prepared may wait for many things.
      for (let n = 0; n < 5; n += 1) signal!.addEventListener('abort', () => undefined);
      listeners.push(getEventListeners(caller.signal, 'abort').length);
      return Promise.resolve(() => undefined);
    };
    const names = ['a', 'b', 'c'];
    const { signal } = caller;
    await Promise.all(names.map((name) => committer.submit(creating(name, { signal, prepare }))));
    expect(listeners).toEqual([1, 2, 3]);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('tells what prepares a write that its caller gave up, and why [R3, P12]', async () => {
    const committer = await openCommitter();
    const caller = new AbortController();
    let told: unknown;
    const prepare = ({ signal }: CallOptions): Promise<() => void> =>
      new Promise((_resolve, reject) => {
        signal!.addEventListener('abort', () => {
          told = signal!.reason;
          reject(new Error('given up'));
        });
      });
    const write = committer.submit(creating('a', { signal: caller.signal, prepare }));
    const late = new SwitchboardError('DEADLINE_EXCEEDED');
    caller.abort(late);
    await expect(write).rejects.toMatchObject({ reason: 'NOT_WRITTEN' });
    expect(told).toBe(late);
  });
});
