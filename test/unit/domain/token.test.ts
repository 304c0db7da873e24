import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Position } from '../../../src/domain/commit.js';
import { isSwitchboardError } from '../../../src/domain/errors.js';
import {
  decodeToken,
  encodeToken,
  namesPosition,
  sameEpoch,
  viewDigest,
} from '../../../src/domain/token.js';
import { APP_VIEW, INVENTORY_VIEW, userView } from '../../../src/domain/view.js';

const position: Position = { epoch: 'epoch-1', revision: 258, fingerprint: 'print' };

function refusal(tenant: string, token: string): unknown {
  try {
    return decodeToken(tenant, token, 'resume_token');
  } catch (error) {
    return error;
  }
}

describe('a token', () => {
  it('says what was put in: epoch, revision, fingerprint and view [P16]', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        fc.maxSafeNat(),
        fc.string(),
        fc.option(fc.constantFrom(APP_VIEW, INVENTORY_VIEW, userView('ana', ['dev']))),
        (tenant, revision, fingerprint, view) => {
          const at = { epoch: 'e', revision, fingerprint };
          const token = decodeToken(tenant, encodeToken(tenant, at, view ?? undefined), 'token');
          expect(token.revision).toBe(revision);
          expect(sameEpoch(token, at)).toBe(true);
          expect(namesPosition(token, at)).toBe(true);
          expect(token.view).toBe(view === null ? undefined : viewDigest(view));
        },
      ),
    );
  });

  it('names no other position [W8, P16]', () => {
    const token = decodeToken('t', encodeToken('t', position), 'token');
    expect(namesPosition(token, { ...position, epoch: 'epoch-2' })).toBe(false);
    expect(sameEpoch(token, { ...position, epoch: 'epoch-2' })).toBe(false);
    expect(namesPosition(token, { ...position, revision: 259 })).toBe(false);
    expect(namesPosition(token, { ...position, fingerprint: 'forged' })).toBe(false);
  });

  it('shows the damage of every byte, and of a cut or an added one', () => {
    const token = encodeToken('t', position, APP_VIEW);
    const bytes = Buffer.from(token, 'base64url');
    for (let index = 0; index < bytes.length; index += 1) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const damaged = Buffer.from(bytes);
        damaged[index]! ^= flip;
        const error = refusal('t', damaged.toString('base64url'));
        expect(isSwitchboardError(error, 'TOKEN_INVALID'), `byte ${String(index)}`).toBe(true);
      }
    }
    for (const odd of [token.slice(0, -1), `${token}A`, `${token}=`, ` ${token}`, 'x', '💥']) {
      expect(isSwitchboardError(refusal('t', odd), 'TOKEN_INVALID')).toBe(true);
    }
  });

  it('of another tenant is refused, with the name of the field', () => {
    const error = refusal('other', encodeToken('t', position));
    expect(error).toMatchObject({
      reason: 'TOKEN_INVALID',
      violations: [{ field: 'resume_token' }],
    });
  });
});

describe('a view digest', () => {
  it('differs for different views, and not for groups in another order [P16]', () => {
    const views = [
      APP_VIEW,
      INVENTORY_VIEW,
      userView('app'),
      userView('ana'),
      userView('ana', ['dev']),
      userView('ana', ['dev', 'ops']),
      userView('ana,dev'),
      userView('dev', ['ana']),
    ];
    expect(new Set(views.map(viewDigest)).size).toBe(views.length);
    expect(viewDigest(userView('ana', ['ops', 'dev', 'ops']))).toBe(
      viewDigest(userView('ana', ['dev', 'ops'])),
    );
  });
});
