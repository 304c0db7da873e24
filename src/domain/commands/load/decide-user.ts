import type { Change } from '../../commit.js';
import { accessEtagOf, deletionOf, type Decision, type DecisionContext } from '../decide.js';
import type { LoadChange, LoadRecord } from '../../load-record.js';
import { grantTo, type StoredServer } from '../../server.js';
import { userSubject } from '../../view.js';

/**
 * Touches the load record of a user, so that a load under way is thrown away and the next
 * read loads (rule 22). Of a purged user nothing is loaded before or after.
 */
export function decideInvalidate({ state, after }: DecisionContext, user: string): Decision {
  const before = state.loadOf(user);
  const next = before?.state === 'purged' ? 'purged' : 'invalidated';
  const load = touched(before, { user, state: next, revision: after.revision + 1 });
  return { cause: 'INVALIDATE', changes: [], loads: [changeOf(before, load)] };
}

/**
 * Takes away what a departed user had, as far as `fits` allows: servers that it owns are
 * deleted, its access to others is revoked. The first commit also says that nothing is
 * loaded any more, the last one that nothing is left to do: a repeated request must not take
 * what the user got since. Undefined if nothing was left before.
 */
export function decidePurge(
  context: DecisionContext,
  user: string,
  fits: (changes: readonly Change[]) => readonly Change[],
): Decision | undefined {
  const { state, after } = context;
  const before = state.loadOf(user);
  const seen = [...state.privateOf(userSubject(user))];
  const changes = fits(seen.map((server) => withoutUser(context, user, server)));
  const isDone = before?.state === 'purged' && before.isPurging !== true;
  if (isDone && seen.length === 0) return undefined;
  const { isPurging: _was, ...load } = touched(before, {
    user,
    state: 'purged',
    revision: after.revision + 1,
  });
  const next = changes.length < seen.length ? ({ ...load, isPurging: true } as const) : load;
  return { cause: 'PURGE', changes, loads: [changeOf(before, next)] };
}

/** Whether a commit of a purge left something for another one. */
export function isPurging({ loads = [] }: Pick<Decision, 'loads'>): boolean {
  return loads.some(({ after }) => after.isPurging === true);
}

function withoutUser({ after }: DecisionContext, user: string, server: StoredServer): Change {
  const { record } = server;
  if (record.owner === user) return deletionOf(server);
  const grant = grantTo(server, userSubject(user));
  const { id } = record;
  return {
    before: record,
    after: { ...record, accessEtag: accessEtagOf(after, id), revision: after.revision + 1 },
    access: { granted: [], revoked: grant === undefined ? [] : [grant] },
  };
}

function touched(
  before: LoadRecord | undefined,
  changed: Pick<LoadRecord, 'user' | 'state' | 'revision'>,
): LoadRecord {
  const none = { source: '', loadTime: 0, serverCount: 0, refused: [], refusedCount: 0 };
  return { ...(before ?? none), ...changed };
}

function changeOf(before: LoadRecord | undefined, after: LoadRecord): LoadChange {
  return before === undefined ? { after } : { before, after };
}
