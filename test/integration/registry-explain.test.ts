import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AccessCandidate_Verdict as Verdict } from '../../generated/switchboard/v1/registry_service.js';
import { Tier } from '../../generated/switchboard/v1/server.js';
import {
  APP,
  byName,
  declare,
  declarePrivate,
  INVENTORY,
  newTenant,
  refusalOf,
  serverOf,
  tokenOf,
  userView,
  type Admin,
} from '../support/grpc-admin/grpc-admin.js';
import { explainAccess } from '../support/grpc-admin/history.js';
import { startLocalServer, type LocalServer } from '../support/grpc-admin/server.js';

let local: LocalServer;
let admin: Admin;

beforeAll(async () => {
  local = await startLocalServer();
  ({ admin } = local);
});
afterAll(() => local[Symbol.asyncDispose]());
afterEach(() => expect(local.defects()).toEqual([]));

describe('ExplainAccess', () => {
  it('answers why Ana does not see a server, and what she sees in its place', async () => {
    const tenant = newTenant();
    const name = 'files';
    const own = await declarePrivate(admin, tenant, { owner: 'ana', name });
    const bobs = await declarePrivate(admin, tenant, { owner: 'bob', name });
    const shared = await declare(admin, tenant, { name, tier: Tier.TIER_USER });
    const view = userView('ana', ['dev']);
    const answer = await explainAccess(admin, {
      tenant,
      view,
      name,
      atLeast: tokenOf(await admin.list({ tenant, view })),
    });
    const found = await admin.get({ tenant, view, key: byName(name) });
    expect(answer.winnerId).toBe(serverOf(found).id);
    expect(answer.explanation).toBe(
      `"files" is the USER server ${shared.id} for user:ana, group:dev: ` +
        'A shared server takes precedence over all others of its name.',
    );
    expect(answer.candidates).toMatchObject([
      { id: shared.id, tier: Tier.TIER_USER, owner: '', verdict: Verdict.VERDICT_WINS },
      {
        id: own.id,
        tier: Tier.TIER_PRIVATE,
        owner: 'ana',
        verdict: Verdict.VERDICT_SHADOWED_BY_SHARED,
        explanation: `The shared server ${shared.id} takes precedence.`,
        sights: [{ subject: 'user:ana', owner: true, revision: 0 }],
      },
      { id: bobs.id, owner: 'bob', verdict: Verdict.VERDICT_NOT_GRANTED, sights: [] },
    ]);
    expect(answer.candidates.every(({ revision }) => revision > 0)).toBe(true);
    await admin.remove({ tenant, id: shared.id, etag: shared.etag });
    const later = await explainAccess(admin, { tenant, view, name });
    expect(later.winnerId).toBe(own.id);
    expect(later.candidates.at(-1)).toMatchObject({
      id: shared.id,
      tier: Tier.TIER_USER,
      verdict: Verdict.VERDICT_DELETED,
    });
    const app = await explainAccess(admin, { tenant, view: APP, name });
    expect(app).toMatchObject({ winnerId: '', moreUnseen: false, moreDeleted: false });
    expect(app.candidates.map(({ verdict }) => verdict)).toEqual([
      ...[Verdict.VERDICT_NOT_FOR_APP, Verdict.VERDICT_NOT_FOR_APP, Verdict.VERDICT_DELETED],
    ]);
    const all = await explainAccess(admin, { tenant, view: INVENTORY, name });
    expect(all.winnerId).toBe('');
    expect(all.candidates.map(({ verdict }) => verdict)).toEqual([
      ...[Verdict.VERDICT_UNSPECIFIED, Verdict.VERDICT_UNSPECIFIED, Verdict.VERDICT_DELETED],
    ]);
  });

  it.each<readonly [string, string, () => Promise<unknown>]>([
    ['no view', 'view', () => explainAccess(admin, { name: 'a' })],
    ['no name', 'name', () => explainAccess(admin, { view: APP })],
    ['a name with a slash', 'name', () => explainAccess(admin, { view: APP, name: 'a/b' })],
    [
      'a name of 10 KB',
      'name',
      () => explainAccess(admin, { view: APP, name: 'x'.repeat(10_000) }),
    ],
    [
      'a blank user',
      'view.user.user',
      () => explainAccess(admin, { view: userView(' '), name: 'a' }),
    ],
    ['a blank tenant', 'tenant', () => explainAccess(admin, { view: APP, name: 'a', tenant: ' ' })],
  ])('refuses %s: INVALID_FIELD at %s', async (_, field, ask) => {
    const { code, reason, fields } = await refusalOf(ask());
    expect({ code, reason, fields }).toEqual({
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_FIELD',
      fields: [field],
    });
  });

  it('refuses a token that is none, or of another tenant', async () => {
    const foreign = tokenOf(await admin.list({ tenant: newTenant(), view: APP }));
    for (const atLeast of ['x', foreign]) {
      const refused = await refusalOf(explainAccess(admin, { view: APP, name: 'a', atLeast }));
      expect(refused).toMatchObject({ reason: 'TOKEN_INVALID', fields: ['at_least'] });
    }
  });
});
