import type { Position } from '../../domain/commit.js';
import { invalidField, SwitchboardError } from '../../domain/errors.js';
import {
  decodeToken,
  encodeToken,
  namesPosition,
  sameEpoch,
  type Token,
} from '../../domain/token.js';
import type { ExactSource } from '../replica/exact-read.js';

/** Where a list goes on: after `last`, at the place of the first page. */
export interface Cursor {
  readonly token: Token;
  readonly last: string;
}

/** The page token of what comes after `last`; `digest` is that of all else in the request. */
export function writeCursor(
  tenant: string,
  next: { readonly position: Position; readonly last: string; readonly digest: string },
): string {
  const { position, last, digest } = next;
  return encodeParts([encodeToken(tenant, position), last, digest]);
}

/**
 * The cursor in a page token; undefined without one. Throws INVALID_FIELD for what is none of
 * this list, and TOKEN_INVALID for what another tenant gave.
 */
export function readCursor(tenant: string, pageToken: string, due: string): Cursor | undefined {
  if (pageToken === '') return undefined;
  const [at, last, digest] = decodeParts(pageToken);
  if (typeof at !== 'string' || typeof last !== 'string' || digest !== due) throw notOfThisList();
  return { token: decodeToken(tenant, at, 'page_token'), last };
}

/** Before what the history of a server goes on; undefined: from the newest. */
export interface HistoryCursor {
  /** For its versions. */
  readonly generation: number | undefined;
  /** For its changes of access. */
  readonly revision: number | undefined;
}

/** The page token of what comes before in the history of a server, which is at no place. */
export function writeHistoryCursor(id: string, { generation, revision }: HistoryCursor): string {
  return encodeParts([id, generation ?? 0, revision ?? 0]);
}

/** The cursor in such a page token; undefined without one. Throws INVALID_FIELD. */
export function readHistoryCursor(id: string, pageToken: string): HistoryCursor | undefined {
  if (pageToken === '') return undefined;
  const [of, generation, revision] = decodeParts(pageToken);
  if (of !== id || !isCount(generation) || !isCount(revision)) throw notOfThisList();
  return { generation: generation || undefined, revision: revision || undefined };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function encodeParts(parts: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

function decodeParts(pageToken: string): readonly unknown[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(pageToken, 'base64url').toString());
  } catch {
    throw notOfThisList();
  }
  if (!Array.isArray(parsed)) throw notOfThisList();
  return parsed;
}

function notOfThisList(): SwitchboardError {
  return invalidField('page_token', 'not a page token of this list');
}

/** The place of the first page. Throws PAGE_EXPIRED if it is no place of this log any more. */
export async function placeOf(
  { log, catalog, ...call }: ExactSource,
  { token }: Cursor,
): Promise<Position> {
  if (!sameEpoch(token, log.position)) throw new SwitchboardError('PAGE_EXPIRED');
  if (token.revision > log.position.revision) await log.catchUp(undefined, call);
  if (token.revision > log.position.revision) throw new SwitchboardError('PAGE_EXPIRED');
  const position = await catalog.log.positionAt(log.tenant, token.revision, call);
  if (position === undefined || !namesPosition(token, position))
    throw new SwitchboardError('PAGE_EXPIRED');
  return position;
}
