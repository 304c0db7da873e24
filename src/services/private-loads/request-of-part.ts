import type { RequestKey } from '../../domain/commit.js';
import { digestText } from '../../domain/digest.js';

/**
 * The request of one of the commits that a call of `kind` makes, made from that of the call
 * (rule 13): repeating the call finds what was done, and goes on after it.
 */
export function requestOfPart(
  kind: 'purge' | 'remove-source',
  request: RequestKey | undefined,
  part: number,
): { readonly request?: RequestKey } {
  if (request === undefined) return {};
  const id = digestText(kind, request.requestId, String(part));
  return { request: { ...request, requestId: `${kind}-${id}` } };
}
