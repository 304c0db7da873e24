import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { StoredServer } from '../../../../src/domain/server.js';
import { createSlots } from '../../../../src/services/concurrency/slots.js';
import type { TenantState } from '../../../../src/services/replica/tenant-state.js';
import type { Audience } from '../../../../src/services/watch/audience.js';
import { CHUNK, Snapshots } from '../../../../src/services/watch/snapshots.js';
import { recordOf } from '../../../support/storage/builders.js';

const COUNT = 20_000;
const MODEL = recordOf({ id: 'a' });
const SERVERS: readonly StoredServer[] = Array.from({ length: COUNT }, (_, index) => ({
  record: { ...MODEL, id: String(index) },
  grants: new Map() as unknown as StoredServer['grants'],
}));
const LOG = { position: { epoch: 'e', revision: 1, fingerprint: '' } } as TenantState;

/** An audience of all servers that counts what it encodes. */
function counting(sharedKey: string | undefined, encoded: { count: number }): Audience {
  return {
    sharedKey,
    snapshot: () => SERVERS,
    item: () => {
      encoded.count += 1;
      const frame = new Uint8Array(1);
      return { version: '', heldVersion: '', frame, unchanged: () => frame };
    },
  } as unknown as Audience;
}

describe('snapshots', () => {
  it('are built once for all who see the same, and a turn encodes a chunk at most [P21]', async () => {
    const encoded = { count: 0 };
    const snapshots = new Snapshots(LOG, createSlots(16));
    const build = () => snapshots.build(counting('view', encoded), () => undefined);
    const builds = Promise.all(Array.from({ length: 16 }, build));
    const state = { isOver: false, most: 0 };
    void builds.finally(() => (state.isOver = true));
    let before = 0;
    while (!state.isOver) {
      await nextTurn();
      state.most = Math.max(state.most, encoded.count - before);
      before = encoded.count;
    }
    const [first, ...others] = await builds;
    for (const other of others) expect(other).toBe(first);
    expect(encoded.count).toBe(COUNT);
    // Two turns of the builder may lie between two looks.
    expect(state.most).toBeLessThanOrEqual(2 * CHUNK);
  });

  it('are not shared with who missed a commit since', async () => {
    const log = { position: { epoch: 'e', revision: 1, fingerprint: '' } } as { position: object };
    const snapshots = new Snapshots(log as TenantState, createSlots(2));
    const audience = counting('view', { count: 0 });
    const first = snapshots.build(audience, () => undefined);
    log.position = { epoch: 'e', revision: 2, fingerprint: '' };
    const second = snapshots.build(audience, () => undefined);
    expect([(await first).place.revision, (await second).place.revision]).toEqual([1, 2]);
  });
});
