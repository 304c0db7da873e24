import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  AccessCandidate_Verdict as Verdict,
  Cause,
  type ListServerVersionsResponse,
  ShadowPolicy,
} from '../../generated/switchboard/v1/registry_service.js';
import { type Server, Tier } from '../../generated/switchboard/v1/server.js';
import {
  APP,
  byId,
  byName,
  declare,
  declarePrivate,
  httpSpec,
  INVENTORY,
  newestRevision,
  newTenant,
  refusalOf,
  revisionOf,
  serverOf,
  tokenOf,
  userView,
  type Admin,
} from '../support/grpc-admin/grpc-admin.js';
import {
  demoteServer,
  grantAccess,
  listGrants,
  promoteServer,
  revokeAccess,
  setAccess,
} from '../support/grpc-admin/access.js';
import { explainAccess, listVersions } from '../support/grpc-admin/history.js';
import { startLocalServer, type LocalServer } from '../support/grpc-admin/server.js';
import { temporaryFolder } from '../support/storage/lmdb.js';

let local: LocalServer;
let admin: Admin;

beforeAll(async () => {
  local = await startLocalServer();
  ({ admin } = local);
});
afterAll(() => local[Symbol.asyncDispose]());
afterEach(() => expect(local.defects()).toEqual([]));

const HUGE = 'x'.repeat(10_000);
// A number that a later version may give to a policy or a tier.
const UNKNOWN = JSON.parse('99') as ShadowPolicy & Tier;
const many = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => `user:u${String(10_000 + at)}`);

const namesOf = async (tenant: string, view = userView('ana')): Promise<readonly string[]> =>
  (await admin.list({ tenant, view })).servers.map(({ name }) => name);

describe('an access list', () => {
  it('is set, made longer and shorter, and read [P14, R5]', async () => {
    const tenant = newTenant();
    const made = await declarePrivate(admin, tenant, { owner: 'bob', name: 'files' });
    const { id } = made;
    const set = await setAccess(admin, {
      tenant,
      id,
      accessEtag: made.accessEtag,
      reason: 'team',
      subjects: ['user:zoe', 'group:dev', 'user:zoe', 'user:bob'],
    });
    expect(set).toMatchObject({ addedCount: 2, removedCount: 0, removed: [] });
    expect(set.added).toEqual(['group:dev', 'user:zoe']);
    const { accessEtag, ...rest } = serverOf(set);
    expect(accessEtag).not.toBe(made.accessEtag);
    const { accessEtag: _old, ...before } = made;
    expect(rest).toEqual(before);
    expect(await namesOf(tenant, userView('eve', ['dev']))).toEqual(['files']);

    const granted = await grantAccess(admin, { tenant, id, subjects: ['user:ana', 'user:zoe'] });
    expect(granted.added).toEqual(['user:ana']);
    expect(await namesOf(tenant)).toEqual(['files']);
    const revoked = await revokeAccess(admin, { tenant, id, subjects: ['user:zoe', 'user:eve'] });
    expect(revoked.removed).toEqual(['user:zoe']);
    const all = await listGrants(admin, { tenant, id, atLeast: tokenOf(revoked) });
    expect(all.grants).toEqual([
      { subject: 'group:dev', revision: 2 },
      { subject: 'user:ana', revision: 3 },
    ]);
    expect(all).toMatchObject({ totalCount: 2, nextPageToken: '' });
    expect(serverOf(all).accessEtag).toBe(serverOf(revoked).accessEtag);
    const replaced = await setAccess(admin, {
      tenant,
      id,
      accessEtag: serverOf(all).accessEtag,
    });
    expect(replaced).toMatchObject({ addedCount: 0, removedCount: 2 });
    expect(replaced.removed).toEqual(['group:dev', 'user:ana']);
    expect(await namesOf(tenant)).toEqual([]);
  });

  it('has a history: who was granted and revoked, by whom, when and why, between the versions', async () => {
    const tenant = newTenant();
    const made = await declarePrivate(admin, tenant, { owner: 'bob', name: 'files' });
    const { id } = made;
    const subjects = ['user:ana', 'group:dev'];
    await grantAccess(admin, { tenant, id, subjects, reason: 'on call' });
    const renamed = { id, etag: made.etag, name: 'papers' };
    const { etag } = serverOf(await admin.update({ tenant, server: renamed }));
    await revokeAccess(admin, { tenant, id, subjects: ['user:ana'], reason: 'left' });
    await admin.remove({ tenant, id, etag, reason: 'unused' });
    const { versions, accessChanges } = await listVersions(admin, { tenant, id });
    expect(versions.map(({ revision }) => revision)).toEqual([5, 3, 1]);
    expect(accessChanges).toMatchObject([
      { revision: 5, cause: Cause.CAUSE_DELETE, reason: 'unused', revoked: ['group:dev'] },
      { revision: 4, cause: Cause.CAUSE_ACCESS, reason: 'left', revoked: ['user:ana'] },
      {
        revision: 2,
        cause: Cause.CAUSE_ACCESS,
        actor: 'anonymous',
        reason: 'on call',
        granted: ['group:dev', 'user:ana'],
        revoked: [],
      },
    ]);
    for (const { commitTime } of accessChanges)
      expect(commitTime!.getTime()).toBeGreaterThan(1.7e12);
  });

  it.each([1, 2, 3])(
    'has a history in pages of %i, each entry once, in order',
    async (pageSize) => {
      const tenant = newTenant();
      const made = await declarePrivate(admin, tenant, { owner: 'bob', name: 'files' });
      const { id } = made;
      let { etag } = made;
      for (const [n, user] of ['a', 'b', 'c', 'd', 'e'].entries()) {
        await grantAccess(admin, { tenant, id, subjects: [`user:${user}`] });
        if (n % 2 === 0) continue;
        ({ etag } = serverOf(await admin.update({ tenant, server: { id, etag, name: user } })));
      }
      await admin.remove({ tenant, id, etag });
      const whole = await listVersions(admin, { tenant, id });
      const pages: ListServerVersionsResponse[] = [];
      for (let pageToken = ''; pages.length === 0 || pageToken !== '';) {
        const page = await listVersions(admin, { tenant, id, pageSize, pageToken });
        pages.push(page);
        pageToken = page.nextPageToken;
      }
      expect(pages.length).toBeGreaterThanOrEqual(10 / pageSize / 2);
      expect(pages.flatMap(({ versions }) => versions)).toEqual(whole.versions);
      expect(pages.flatMap(({ accessChanges }) => accessChanges)).toEqual(whole.accessChanges);
      const revisions = pages.map(({ versions, accessChanges }) =>
        [...versions, ...accessChanges].map(({ revision }) => revision),
      );
      expect(revisions.map((page) => page.length <= pageSize + 1)).not.toContain(false);
      // Pages cover parts of the log that follow each other.
      for (const [n, page] of revisions.entries()) {
        const next = revisions[n + 1] ?? [0];
        expect(Math.min(...page)).toBeGreaterThan(Math.max(...next));
      }
    },
  );

  it('has pages of its history that end where they name many subjects', async () => {
    const tenant = newTenant();
    const { id } = await declarePrivate(admin, tenant, { owner: 'bob', name: 'files' });
    const many = Array.from({ length: 6_000 }, (_, n) => `user:u${String(n)}`);
    await grantAccess(admin, { tenant, id, subjects: many });
    await revokeAccess(admin, { tenant, id, subjects: many });
    const first = await listVersions(admin, { tenant, id });
    expect(first.accessChanges.map(({ revoked }) => revoked.length)).toEqual([6_000]);
    expect(first.versions).toEqual([]);
    const { nextPageToken: pageToken } = first;
    const second = await listVersions(admin, { tenant, id, pageToken });
    expect(second.accessChanges.map(({ granted }) => granted.length)).toEqual([6_000]);
    const last = await listVersions(admin, { tenant, id, pageToken: second.nextPageToken });
    expect(last).toMatchObject({ accessChanges: [], versions: [{ generation: 1 }] });
    expect(last.nextPageToken).toBe('');
  });

  it('comes in pages of one revision, ordered by subject [P10]', async () => {
    const tenant = newTenant();
    const { id } = await declarePrivate(admin, tenant, { owner: 'bob', name: 'files' });
    await grantAccess(admin, { tenant, id, subjects: many(2_500) });
    const first = await listGrants(admin, { tenant, id });
    expect([first.grants.length, first.totalCount]).toEqual([1_000, 2_500]);
    await revokeAccess(admin, { tenant, id, subjects: many(2_000) });
    const pageToken = first.nextPageToken;
    const second = await listGrants(admin, { tenant, id, pageToken, pageSize: 10_000 });
    const all = [...first.grants, ...second.grants].map(({ subject }) => subject);
    expect(all).toEqual(many(2_500));
    expect(second).toMatchObject({ totalCount: 2_500, nextPageToken: '' });
    const foreign = newTenant();
    await declarePrivate(admin, foreign, { owner: 'bob', name: 'files' });
    expect(await refusalOf(listGrants(admin, { tenant: foreign, id, pageToken }))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'TOKEN_INVALID',
    });
  });

  it('outlives a restart [F1]', async () => {
    const folder = await temporaryFolder();
    try {
      const first = await startLocalServer({ dataDir: folder.path });
      const made = await declarePrivate(first.admin, 'default', { owner: 'bob', name: 'files' });
      await grantAccess(first.admin, { id: made.id, subjects: ['group:dev'] });
      const mail = await declarePrivate(first.admin, 'default', { owner: 'bob', name: 'mail' });
      const tier = Tier.TIER_APP;
      await promoteServer(first.admin, { id: mail.id, etag: mail.etag, tier });
      await first[Symbol.asyncDispose]();
      await using second = await startLocalServer({ dataDir: folder.path });
      const { servers } = await second.admin.list({ view: userView('ana', ['dev']) });
      expect(servers.map(({ name }) => name)).toEqual(['files', 'mail']);
    } finally {
      await folder.remove();
    }
  });

  it('of an old copy is refused, with the current etag [R2]', async () => {
    const tenant = newTenant();
    const { id, accessEtag } = await declarePrivate(admin, tenant, { owner: 'bob', name: 'files' });
    const subjects = ['user:ana'];
    const { server } = await grantAccess(admin, { tenant, id, subjects });
    const refused = await refusalOf(setAccess(admin, { tenant, id, accessEtag, subjects: [] }));
    expect(refused).toMatchObject({ code: 'ABORTED', reason: 'ETAG_MISMATCH' });
    expect(refused.metadata['current_access_etag']).toBe(server?.accessEtag);
  });
});

describe('a move between the tiers', () => {
  it('up and down again keeps the id, and is one version each [R5]', async () => {
    const tenant = newTenant();
    const made = await declarePrivate(admin, tenant, { owner: 'ana', name: 'files' });
    const { id } = made;
    const own = await declarePrivate(admin, tenant, { owner: 'bob', name: 'files' });
    await grantAccess(admin, { tenant, id, subjects: ['group:dev'] });
    const spec = httpSpec('https://shared.example/mcp');
    const up = { tenant, id, etag: made.etag, tier: Tier.TIER_APP, spec };
    const refused = await refusalOf(promoteServer(admin, up));
    expect(refused).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'WOULD_SHADOW' });
    expect(refused.metadata).toEqual({ id: own.id, owner: 'bob', count: '1' });
    const policy = ShadowPolicy.SHADOW_POLICY_SHADOW;
    const promoted = await promoteServer(admin, { ...up, policy });
    expect(promoted).toMatchObject({
      affected: { everyone: true, subjects: [] },
      moreShadowed: false,
      shadowed: [{ id: own.id, name: 'files', owner: 'bob' }],
    });
    expect(serverOf(promoted)).toMatchObject({ id, owner: '', tier: Tier.TIER_APP });
    expect(serverOf(promoted).spec).toMatchObject({ transport: spec.transport });
    for (const view of [APP, userView('bob')]) {
      const found = await admin.get({ tenant, view, key: byName('files') });
      expect(serverOf(found).id).toBe(id);
    }
    const { etag } = serverOf(promoted);
    const subjects = ['user:zoe'];
    const demoted = await demoteServer(admin, { tenant, id, etag, owner: 'eve', subjects });
    expect(demoted).toMatchObject({
      affected: { everyone: true, subjects: [] },
      moreUncovered: false,
      uncovered: [{ id: own.id, name: 'files', owner: 'bob' }],
    });
    expect(serverOf(demoted)).toMatchObject({ id, owner: 'eve', tier: Tier.TIER_PRIVATE });
    const { versions } = await listVersions(admin, { tenant, id });
    expect(versions.map(({ cause, server }) => [cause, server?.tier])).toEqual([
      [Cause.CAUSE_DEMOTE, Tier.TIER_PRIVATE],
      [Cause.CAUSE_PROMOTE, Tier.TIER_APP],
      [Cause.CAUSE_CREATE, Tier.TIER_PRIVATE],
    ]);
    expect(await newestRevision(admin, tenant)).toBe(5);
  });

  it('repeated under its request id has the answer of the first [R3]', async () => {
    const tenant = newTenant();
    const { id, etag } = await declarePrivate(admin, tenant, { owner: 'ana', name: 'files' });
    const request = { tenant, id, etag, tier: Tier.TIER_USER, requestId: 'r' };
    const [first, second] = [
      await promoteServer(admin, request),
      await promoteServer(admin, request),
    ];
    expect(second.server).toEqual(first.server);
    expect(revisionOf(tokenOf(second), tenant)).toBe(2);
    const other = promoteServer(admin, { ...request, tier: Tier.TIER_APP });
    expect(await refusalOf(other)).toMatchObject({ reason: 'REQUEST_ID_REUSED' });
  });
});

describe('ExplainAccess', () => {
  it('tells owner, grants by user and by group, and shadowing, with their revisions', async () => {
    const tenant = newTenant();
    const name = 'files';
    const [bobs, zoes, eves] = await Promise.all(
      ['bob', 'zoe', 'eve'].map((owner) => declarePrivate(admin, tenant, { owner, name })),
    );
    await grantAccess(admin, { tenant, id: zoes!.id, subjects: ['group:dev'] }); // 4
    await grantAccess(admin, { tenant, id: bobs!.id, subjects: ['user:ana', 'group:dev'] }); // 5
    const view = userView('ana', ['dev']);
    const before = await explainAccess(admin, { tenant, view, name });
    expect(before).toMatchObject({
      winnerId: zoes!.id,
      candidates: [
        {
          id: zoes!.id,
          verdict: Verdict.VERDICT_WINS,
          revision: 4,
          sights: [{ subject: 'group:dev', owner: false, revision: 4 }],
        },
        {
          id: bobs!.id,
          verdict: Verdict.VERDICT_SHADOWED_BY_EARLIER_GRANT,
          sights: [
            { subject: 'group:dev', owner: false, revision: 5 },
            { subject: 'user:ana', owner: false, revision: 5 },
          ],
        },
        { id: eves!.id, verdict: Verdict.VERDICT_NOT_GRANTED, sights: [] },
      ],
    });
    const { id, etag } = eves!;
    const policy = ShadowPolicy.SHADOW_POLICY_SHADOW;
    const up = await promoteServer(admin, { tenant, id, etag, tier: Tier.TIER_USER, policy }); // 6
    await revokeAccess(admin, { tenant, id: zoes!.id, subjects: ['group:dev'] }); // 7
    await admin.remove({ tenant, id: bobs!.id, etag: bobs!.etag }); // 8
    const after = await explainAccess(admin, { tenant, view, name });
    expect(after).toMatchObject({
      winnerId: id,
      candidates: [
        { id, tier: Tier.TIER_USER, verdict: Verdict.VERDICT_WINS, revision: 6, sights: [] },
        { id: zoes!.id, verdict: Verdict.VERDICT_NOT_GRANTED, revision: 7, sights: [] },
        { id: bobs!.id, verdict: Verdict.VERDICT_DELETED, owner: 'bob', revision: 8 },
      ],
    });
    const owner = userView('zoe', ['dev']);
    const { candidates } = await explainAccess(admin, { tenant, view: owner, name });
    expect(candidates[1]).toMatchObject({
      id: zoes!.id,
      verdict: Verdict.VERDICT_SHADOWED_BY_SHARED,
      sights: [{ subject: 'user:zoe', owner: true, revision: 0 }],
    });
    expect(serverOf(up).id).toBe(id);
  });
});

describe('what cannot be', () => {
  let own: Server;
  let shared: Server;
  let before: unknown;

  const everything = async (): Promise<unknown> => {
    const all = await admin.list({ view: INVENTORY });
    const { grants, totalCount } = await listGrants(admin, { id: own.id, pageSize: 10_000 });
    return [tokenOf(all), all.servers, grants.map(({ subject }) => subject).join(), totalCount];
  };

  beforeAll(async () => {
    own = await declarePrivate(admin, 'default', { owner: 'ana', name: 'own' });
    shared = await declare(admin, 'default', {
      name: 'shared',
      spec: httpSpec('https://a.example'),
    });
    await grantAccess(admin, { id: own.id, subjects: many(10_000) });
    own = serverOf(await admin.get({ view: INVENTORY, key: byId(own.id) }));
    before = await everything();
  });
  afterEach(async () => expect(await everything(), 'something was changed').toEqual(before));

  const up = (more: object = {}) =>
    promoteServer(admin, { id: own.id, etag: own.etag, tier: Tier.TIER_APP, ...more });
  const down = (more: object = {}) =>
    demoteServer(admin, { id: shared.id, etag: shared.etag, owner: 'ana', ...more });
  const set = (more: object = {}) =>
    setAccess(admin, { id: own.id, accessEtag: own.accessEtag, ...more });
  const grant = (more: object = {}) =>
    grantAccess(admin, { id: own.id, subjects: ['user:zoe'], ...more });

  it.each<readonly [string, string, () => Promise<unknown>]>([
    ['a grant to nobody', 'subjects', () => grant({ subjects: [] })],
    ['a revoke from nobody', 'subjects', () => revokeAccess(admin, { id: 'x' })],
    ['a grant to a blank user', 'subjects[1]', () => grant({ subjects: ['user:a', 'user: '] })],
    ['a grant to what is no subject', 'subjects[0]', () => grant({ subjects: ['ana'] })],
    ['a group of 10 KB', 'subjects[0]', () => set({ subjects: [`group:${HUGE}`] })],
    ['a list of 10,001', 'subjects', () => set({ subjects: many(10_001) })],
    ['a grant to 10,001', 'subjects', () => grant({ subjects: many(10_001) })],
    ['a list for no id', 'id', () => set({ id: '' })],
    ['a list without an etag', 'access_etag', () => set({ accessEtag: '' })],
    ['a request id of 10 KB', 'request_id', () => grant({ requestId: HUGE })],
    ['a reason of 10 KB', 'reason', () => grant({ reason: HUGE })],
    ['a tenant of 10 KB', 'tenant', () => grant({ tenant: HUGE })],
    ['grants of no id', 'id', () => listGrants(admin, {})],
    ['a negative page', 'page_size', () => listGrants(admin, { id: 'x', pageSize: -1 })],
    ['a page token of 10 KB', 'page_token', () => listGrants(admin, { id: 'x', pageToken: HUGE })],
    ['a promotion to no tier', 'tier', () => up({ tier: Tier.TIER_UNSPECIFIED })],
    ['a promotion to PRIVATE', 'tier', () => up({ tier: Tier.TIER_PRIVATE })],
    ['a promotion to a tier unknown', 'tier', () => up({ tier: UNKNOWN })],
    ['a policy unknown', 'policy', () => up({ policy: UNKNOWN })],
    ['a promotion of no id', 'id', () => up({ id: '' })],
    ['a promotion without an etag', 'etag', () => up({ etag: '' })],
    ['a promotion to a broken spec', 'spec.streamable_http.url', () => up({ spec: httpSpec('') })],
    [
      'a promotion to APP of what needs a user',
      'tier',
      () => up({ spec: httpSpec('https://a.example/${user:id}') }),
    ],
    ['a demotion without an owner', 'owner', () => down({ owner: '' })],
    ['a demotion to a blank owner', 'owner', () => down({ owner: ' ' })],
    ['a demotion to what is no subject', 'subjects[0]', () => down({ subjects: ['zoe'] })],
    ['a demotion to a name with a slash', 'name', () => down({ name: 'a/b' })],
    [
      'a demotion with values of the node',
      'spec.streamable_http.url',
      () => down({ spec: httpSpec('https://${env:HOST}/') }),
    ],
  ])('%s is INVALID_FIELD at %s', async (_, field, ask) => {
    const { code, reason, fields } = await refusalOf(ask());
    expect({ code, reason, fields }).toEqual({
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_FIELD',
      fields: [field],
    });
  });

  it.each<readonly [string, string, () => Promise<unknown>]>([
    ['promoting a shared server', 'WRONG_TIER', () => up({ id: shared.id, etag: shared.etag })],
    ['demoting a private server', 'WRONG_TIER', () => down({ id: own.id, etag: own.etag })],
    ['granting a shared server', 'WRONG_TIER', () => grant({ id: shared.id })],
    ['the list of a shared server', 'WRONG_TIER', () => set({ id: shared.id })],
    ['the 10,001st grant', 'TOO_MANY_GRANTS', () => grant()],
  ])('%s is FAILED_PRECONDITION %s', async (_, due, ask) => {
    const { code, reason } = await refusalOf(ask());
    expect([code, reason]).toEqual(['FAILED_PRECONDITION', due]);
  });

  it('is refused for what is not there, has changed, or has its name taken', async () => {
    const of = async (work: Promise<unknown>): Promise<string> => {
      const { code, reason } = await refusalOf(work);
      return `${code} ${reason}`;
    };
    for (const ask of [up, down, set, grant])
      expect(await of(ask({ id: 'never' }))).toBe('NOT_FOUND SERVER_NOT_FOUND');
    expect(await of(listGrants(admin, { id: 'never' }))).toBe('NOT_FOUND SERVER_NOT_FOUND');
    expect(await of(up({ etag: 'old' }))).toBe('ABORTED ETAG_MISMATCH');
    expect(await of(down({ etag: 'old' }))).toBe('ABORTED ETAG_MISMATCH');
    expect(await of(down({ name: 'own' }))).toBe('ALREADY_EXISTS NAME_TAKEN');
  });

  it('is told beforehand, as is what can be [R6]', async () => {
    const validateOnly = true;
    expect((await up({ validateOnly })).affected?.everyone).toBe(true);
    expect((await down({ validateOnly })).affected?.everyone).toBe(true);
    expect((await set({ validateOnly })).removedCount).toBe(10_000);
    expect(await refusalOf(grant({ validateOnly }))).toMatchObject({ reason: 'TOO_MANY_GRANTS' });
  });
});
