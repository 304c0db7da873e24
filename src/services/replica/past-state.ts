import { changedId, undoChange } from '../../domain/commit.js';
import { Overlay } from '../../domain/record-set.js';
import type { StateIndex } from '../../domain/resolve.js';
import type { TenantState } from './tenant-state.js';

/** The state at a recent revision; undefined if it is no longer held (rule 10). */
export function pastState(log: TenantState, revision: number): StateIndex | undefined {
  const now = log.position.revision;
  if (revision === now) return log;
  const since = log.recent.after(revision);
  if (since === undefined || revision > now) return undefined;
  const past = new Overlay(log);
  for (const commit of since.toReversed()) {
    for (const change of commit.changes.toReversed()) {
      const id = changedId(change);
      past.set(id, undoChange(past.byId(id), change));
    }
    for (const { before, after } of commit.loads ?? []) past.setLoad(after.user, before);
    if (commit.source !== undefined) past.setSource(commit.source.before);
  }
  return past;
}
