import { demandRole, type Caller } from '../domain/caller.js';
import type { Position } from '../domain/commit.js';
import { invalidField } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import { checkId, checkIdentity, demandCount } from '../domain/validate.js';
import { collectViolations } from '../domain/violations.js';
import type { View } from '../domain/view.js';
import type { UpstreamStatus } from './replica/upstream.js';

/** For whom a use case runs, and in which tenant. */
export interface CallerContext {
  readonly caller: Caller;
  readonly tenant: string;
}

/** For whom and until when a use case runs. */
export interface RequestContext extends CallerContext {
  /** Aborts when the caller has gone or its deadline has passed. */
  readonly signal: AbortSignal;
  /** How long an answer may wait for a demanded state. Milliseconds. */
  readonly waitMs: number;
}

/** An answer and the state that it reflects. */
export interface Answer<T> {
  readonly value: T;
  readonly position: Position;
  readonly upstream: UpstreamStatus;
}

/** Throws unless the caller may look with this view. That it may read at all is known by then. */
export function authorizeView({ caller }: Pick<CallerContext, 'caller'>, view: View): void {
  if (view.kind === 'inventory') demandRole(caller, 'admin');
}

/** Throws INVALID_FIELD unless the ids in the view are well-formed. */
export function validateView(view: View, path: string): void {
  if (view.kind !== 'user') return;
  demandCount(view.groups, `${path}.user.groups`, { most: LIMITS.groups });
  const { report, throwIfAny } = collectViolations();
  checkIdentity(view.user, `${path}.user.user`, report);
  // Without an index: they are in another order than they were sent.
  for (const group of view.groups) checkIdentity(group, `${path}.user.groups`, report);
  throwIfAny();
}

/** How many items a page has: `usual` if `pageSize` is 0, at most `most`. Throws INVALID_FIELD. */
export function pageLimitOf(
  pageSize: number,
  { usual, most } = { usual: 100, most: 1_000 },
): number {
  if (pageSize < 0) throw invalidField('page_size', 'must not be negative');
  return pageSize === 0 ? usual : Math.min(pageSize, most);
}

/** Throws INVALID_FIELD unless `id` is well-formed. */
export function validateId(id: string, field: string): void {
  checkId(id, field, (path, description) => {
    throw invalidField(path, description);
  });
}
