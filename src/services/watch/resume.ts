import type { Position } from '../../domain/commit.js';
import { namesPosition, sameEpoch, viewDigest, type Token } from '../../domain/token.js';
import type { View } from '../../domain/view.js';
import type { Catalog } from '../../storage/catalog.js';
import { callInTime } from '../concurrency/deadline.js';
import { READ_MS } from '../replica/tenant-limits.js';
import type { TenantState } from '../replica/tenant-state.js';
import type { ResetReason } from './audience.js';

/**
 * Whether a stream can go on from a token (protocol.md rule 16): the place if it can, the
 * reason if not. Another view, another epoch, a fingerprint that does not match, a
 * revision below the mark or beyond the confirmed head cannot. Without `view`, the token
 * has to be one of no particular view. Throws CANCELLED, and DEADLINE_EXCEEDED if the Catalog
 * does not respond.
 */
export async function checkResume(
  source: { readonly log: TenantState; readonly catalog: Catalog; readonly signal: AbortSignal },
  token: Token,
  view?: View,
): Promise<Position | ResetReason> {
  const { log, catalog, signal } = source;
  if (token.view !== (view && viewDigest(view))) return 'view_differs';
  if (!sameEpoch(token, log.position)) return 'epoch_changed';
  if (token.revision > log.position.revision) await log.catchUp(undefined, { signal });
  if (token.revision > log.position.revision) return 'history_differs';
  const place = await callInTime(
    READ_MS,
    (call) => catalog.log.positionAt(log.tenant, token.revision, call),
    signal,
  );
  if (place === undefined) return 'too_old';
  return namesPosition(token, place) ? place : 'history_differs';
}
