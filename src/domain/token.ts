import type { Position } from './commit.js';
import { digestBytes } from './digest.js';
import { SwitchboardError } from './errors.js';
import { viewKey, type View } from './view.js';

/**
 * Tokens: one opaque string for a place in a tenant's log. It names the tenant, the
 * epoch, the revision, the fingerprint and, where it can be resumed from for one view
 * only, that view. Layout: version (1), tenant (4), epoch (8), revision (8),
 * fingerprint (8), view (8), check (4), as base64url.
 */
const VERSION = 1;
const LENGTH = 41;
const ANY_VIEW = Buffer.alloc(8);

/** What a token says. The digests are to be compared for equality only. */
export interface Token {
  readonly revision: number;
  readonly epoch: string;
  readonly fingerprint: string;
  /** Undefined for a token that belongs to no particular view. */
  readonly view: string | undefined;
}

/** Positions are immutable, and every answer tells the same one until the next commit. */
const made = new WeakMap<Position, Map<string, string>>();
/** Tokens kept of one position: of so many views, and tenants with it. */
const MAX_KEPT = 1_000;

/** The token of a place; with `view`, one from which that view can be resumed. */
export function encodeToken(tenant: string, position: Position, view?: View): string {
  const key = `${view === undefined ? '' : viewKey(view)}\0${tenant}`;
  const kept = made.get(position) ?? new Map<string, string>();
  const known = kept.get(key);
  if (known !== undefined) return known;
  const token = makeToken(tenant, position, view);
  if (kept.size >= MAX_KEPT) kept.clear();
  made.set(position, kept.set(key, token));
  return token;
}

function makeToken(tenant: string, position: Position, view: View | undefined): string {
  const bytes = Buffer.alloc(LENGTH);
  bytes.writeUInt8(VERSION, 0);
  digestBytes('tenant', tenant).copy(bytes, 1, 0, 4);
  shortDigest('epoch', position.epoch).copy(bytes, 5);
  bytes.writeBigUInt64BE(BigInt(position.revision), 13);
  shortDigest('fingerprint', position.fingerprint).copy(bytes, 21);
  (view === undefined ? ANY_VIEW : shortDigest('view', viewKey(view))).copy(bytes, 29);
  checkOf(bytes).copy(bytes, 37);
  return bytes.toString('base64url');
}

/** Reads a token of `tenant`. Throws TOKEN_INVALID with the name of the `field`. */
export function decodeToken(tenant: string, token: string, field: string): Token {
  const bytes = Buffer.from(token, 'base64url');
  const whole =
    bytes.byteLength === LENGTH &&
    bytes.toString('base64url') === token &&
    bytes.readUInt8(0) === VERSION &&
    checkOf(bytes).equals(bytes.subarray(37));
  if (!whole) throw tokenInvalid(field, 'not a Switchboard token, or damaged');
  if (!digestBytes('tenant', tenant).subarray(0, 4).equals(bytes.subarray(1, 5))) {
    throw tokenInvalid(field, 'a token of another tenant');
  }
  const view = bytes.subarray(29, 37);
  return {
    revision: Number(bytes.readBigUInt64BE(13)),
    epoch: bytes.toString('hex', 5, 13),
    fingerprint: bytes.toString('hex', 21, 29),
    view: view.equals(ANY_VIEW) ? undefined : view.toString('hex'),
  };
}

/** Whether the token is of the epoch of `position`. */
export function sameEpoch(token: Token, position: Position): boolean {
  return token.epoch === shortDigest('epoch', position.epoch).toString('hex');
}

/** Whether the token names exactly `position`. */
export function namesPosition(token: Token, position: Position): boolean {
  return (
    sameEpoch(token, position) &&
    token.revision === position.revision &&
    token.fingerprint === shortDigest('fingerprint', position.fingerprint).toString('hex')
  );
}

/** The digest of a view as it stands in tokens. */
export function viewDigest(view: View): string {
  return shortDigest('view', viewKey(view)).toString('hex');
}

function shortDigest(kind: string, text: string): Buffer {
  return digestBytes(kind, text).subarray(0, 8);
}

function checkOf(bytes: Buffer): Buffer {
  return digestBytes('check', bytes.subarray(0, 37)).subarray(0, 4);
}

function tokenInvalid(field: string, description: string): SwitchboardError {
  return new SwitchboardError('TOKEN_INVALID', `${field}: ${description}`, {
    violations: [{ field, description }],
  });
}
