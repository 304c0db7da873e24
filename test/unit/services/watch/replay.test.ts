import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { Commit } from '../../../../src/domain/commit.js';
import { Overlay, RecordSet } from '../../../../src/domain/record-set.js';
import { rewind } from '../../../../src/services/watch/replay.js';
import { CHUNK } from '../../../../src/services/watch/snapshots.js';
import { loadOf } from '../../../support/loads/loads.js';
import { mostPerTurn } from '../../../support/most-per-turn.js';
import { changeOf, draftOf, placeAll, recordOf } from '../../../support/storage/builders.js';

const IDS = Array.from({ length: 5 * CHUNK }, (_, index) => `id-${String(index)}`);
const START = { epoch: 'e', revision: 1, fingerprint: '' };

/** A state of many servers and load records, frozen after the one commit that made them so. */
function manyChanged() {
  const base = new RecordSet();
  const put = (id: string, generation: number): void => {
    base.put({ record: recordOf({ id, generation }), grants: [] });
  };
  const loads = IDS.map((user) => ({ after: loadOf(user) }));
  for (const id of IDS) put(id, 2);
  for (const { after } of loads) base.putLoad(after);
  const changes = IDS.map((id) =>
    changeOf(recordOf({ id, generation: 1 }), recordOf({ id, generation: 2 })),
  );
  const commits = placeAll(START, [draftOf(changes, { cause: 'LOAD', loads })]);
  return { put, commits, state: new Overlay(base) };
}

async function* read(commits: readonly Commit[]): AsyncIterable<Commit> {
  yield* commits;
}

function expectFirst(state: Overlay): void {
  for (const id of IDS) {
    expect(state.byId(id)?.record.generation).toBe(1);
    expect(state.loadOf(id)).toBeUndefined();
  }
}

describe('a rewind', () => {
  it('takes back a bounded number of changes and loads in a turn [P21]', async () => {
    const { state, commits } = manyChanged();
    const spies = [vi.spyOn(state, 'set'), vi.spyOn(state, 'setLoad')];
    const count = (): number => spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
    const progress = { isOver: false };
    const rewinding = rewind(state, read(commits)).finally(() => (progress.isOver = true));
    const most = await mostPerTurn(count, () => progress.isOver);
    await rewinding;
    expectFirst(state);
    // Two turns of it may lie between two looks.
    expect(most).toBeLessThanOrEqual(2 * CHUNK);
  });

  it('takes back what led to the frozen state, whatever is committed meanwhile [P17]', async () => {
    const { put, state, commits } = manyChanged();
    const rewinding = rewind(state, read(commits));
    await nextTurn();
    for (const id of IDS) {
      state.pin(id);
      put(id, 3);
    }
    await rewinding;
    expectFirst(state);
  });
});
