import {
  UpstreamState,
  type HeldServer,
  type ResponseHeader,
  type View as ViewMessage,
} from '../../generated/switchboard/v1/common.js';
import type { Position } from '../domain/commit.js';
import { invalidField } from '../domain/errors.js';
import { contentVersion } from '../domain/server.js';
import { encodeToken } from '../domain/token.js';
import { APP_VIEW, INVENTORY_VIEW, userView, type ReaderView, type View } from '../domain/view.js';
import { toDuration } from './spec-codec.js';

/** The view in a request. Throws INVALID_FIELD if none was set. */
export function fromViewMessage(view: ViewMessage | undefined, path: string): View {
  const kind = view?.kind;
  if (kind === undefined) throw invalidField(path, 'is required: one of app, user, inventory');
  if (kind.$case === 'app') return APP_VIEW;
  if (kind.$case === 'inventory') return INVENTORY_VIEW;
  return userView(kind.value.user, kind.value.groups);
}

/** The view in a request for something that names resolve in. Throws INVALID_FIELD for others. */
export function fromReaderViewMessage(view: ViewMessage | undefined, path: string): ReaderView {
  const known = fromViewMessage(view, path);
  if (known.kind === 'inventory') throw invalidField(path, 'must be app or user');
  return known;
}

/** A view as a message. */
export function toViewMessage(view: View): ViewMessage {
  if (view.kind === 'app') return { kind: { $case: 'app', value: {} } };
  if (view.kind === 'inventory') return { kind: { $case: 'inventory', value: {} } };
  return { kind: { $case: 'user', value: { user: view.user, groups: [...view.groups] } } };
}

/** The copies that a client holds: by id, the version of their content. */
export function fromHeldMessages(held: readonly HeldServer[]): ReadonlyMap<string, string> {
  return new Map(held.map((copy) => [copy.id, contentVersion(copy)]));
}

/** Upstream states by their names in services. */
export const UPSTREAM_STATES = {
  following: UpstreamState.UPSTREAM_STATE_FOLLOWING,
  degraded: UpstreamState.UPSTREAM_STATE_DEGRADED,
} as const;

/** What every answer tells of the state that it reflects. */
export interface HeaderFacts {
  readonly tenant: string;
  readonly position: Position;
  readonly servedBy: string;
  readonly upstream: { readonly state: keyof typeof UPSTREAM_STATES; readonly ageMs: number };
  /** The view that can be resumed from the token. */
  readonly view?: View | undefined;
}

/** The header of an answer. */
export function toHeaderMessage({
  tenant,
  position,
  servedBy,
  upstream,
  view,
}: HeaderFacts): ResponseHeader {
  return {
    token: encodeToken(tenant, position, view),
    servedBy,
    upstreamState: UPSTREAM_STATES[upstream.state],
    viewAge: toDuration(Math.round(upstream.ageMs)),
  };
}
