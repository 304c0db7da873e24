import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  changedId,
  undoChange,
  type AccessChange,
  type Change,
  type Commit,
} from '../../domain/commit.js';
import type { LoadRecord } from '../../domain/load-record.js';
import { Overlay } from '../../domain/record-set.js';
import type { StoredServer } from '../../domain/server.js';
import type { Step } from '../replica/tenant-state.js';
import { CHUNK } from './snapshots.js';

/** What is needed to take one record back by several commits. */
interface Undo {
  readonly first: Change;
  readonly access: AccessChange[];
}

/**
 * Takes `commits` back, which led to a frozen state: makes it the state before the first of
 * them. Keeps one entry per changed record and touched load record. Between chunks of them the
 * event loop runs, and the log may go on: what it changes stays in the frozen state as it was.
 */
export async function rewind(state: Overlay, commits: AsyncIterable<Commit>): Promise<void> {
  const undos = new Map<string, Undo>();
  const loads = new Map<string, LoadRecord | undefined>();
  for await (const commit of commits) {
    for (const change of commit.changes) {
      const id = changedId(change);
      const undo = undos.get(id) ?? { first: change, access: [] };
      if (change.access !== undefined) undo.access.push(change.access);
      undos.set(id, undo);
    }
    for (const { before, after } of commit.loads ?? []) {
      if (!loads.has(after.user)) loads.set(after.user, before);
    }
  }
  let done = 0;
  for (const [user, load] of loads) {
    done += 1;
    if (done % CHUNK === 0) await nextTurn();
    state.setLoad(user, load);
  }
  for (const [id, undo] of undos) {
    done += 1;
    if (done % CHUNK === 0) await nextTurn();
    state.set(id, undone(state.byId(id), undo));
  }
}

function undone(server: StoredServer | undefined, { first, access }: Undo) {
  let before = server;
  for (const step of access.toReversed()) {
    before = undoChange(before, { ...withBefore(first), access: step });
  }
  return undoChange(before, withBefore(first));
}

/** `first` without its own access change: those are undone one by one. */
function withBefore({ before }: Change): Change {
  return before === undefined ? {} : { before };
}

/** One commit on top of a state of the past, which moves on once the step is dealt with. */
export function stepOver(past: Overlay, commit: Commit, epoch: string): Step {
  const after = new Overlay(past);
  after.apply(commit);
  const { revision, fingerprint } = commit;
  return { commit, position: { epoch, revision, fingerprint }, before: past, after };
}
