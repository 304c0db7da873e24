import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Metadata } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Tier, type Server } from '../../generated/switchboard/v1/server.js';
import type { FailpointName } from '../../src/domain/failpoint.js';
import {
  declare,
  declarePrivate,
  httpSpec,
  INVENTORY,
  newestRevision,
  newTenant,
  openAdmin,
  refusalOf,
  serverOf,
  tokenOf,
  type Admin,
  type Init,
} from '../support/grpc-admin/grpc-admin.js';
import { startLocalServer, type LocalServer } from '../support/grpc-admin/server.js';

const SPEC = httpSpec('https://tools.example/mcp');

let local: LocalServer;
let admin: Admin;
/** Thrown at the failpoint that it names, once. */
let trap: FailpointName | undefined;

beforeAll(async () => {
  const failpoint = (name: FailpointName): void => {
    if (name !== trap) return;
    trap = undefined;
    throw new Error('the disk is on fire');
  };
  local = await startLocalServer({ failpoint });
  ({ admin } = local);
});
afterAll(() => local[Symbol.asyncDispose]());
afterEach(() => expect(local.defects()).toEqual([]));

function server(rest: Init<typeof Server> = {}): Init<typeof Server> {
  return { name: 'tools', tier: Tier.TIER_APP, spec: SPEC, ...rest };
}

describe('a repeated request', () => {
  it('has the effect and the answer of the first [R3, P13]', async () => {
    const tenant = newTenant();
    const create = { tenant, requestId: 'r1', server: server() };
    const created = await admin.create(create);
    const { id, etag } = serverOf(created);
    const update = { tenant, requestId: 'r2', server: { id, etag, name: 'renamed' } };
    const updated = await admin.update(update);
    const remove = { tenant, requestId: 'r3', id, etag: serverOf(updated).etag, reason: 'over' };
    const removed = await admin.remove(remove);

    for (const [again, first] of [
      [await admin.create(create), created],
      [await admin.update(update), updated],
      [await admin.remove(remove), removed],
    ] as const) {
      expect({ ...again, header: tokenOf(again) }).toEqual({ ...first, header: tokenOf(first) });
    }
    expect(await newestRevision(admin, tenant)).toBe(3);
  });

  it('has one effect however many are under way', async () => {
    const tenant = newTenant();
    const create = { tenant, requestId: 'r1', server: server() };
    const answers = await Promise.all(Array.from({ length: 20 }, () => admin.create(create)));
    expect(new Set(answers.map((answer) => serverOf(answer).id)).size).toBe(1);
    expect(await newestRevision(admin, tenant)).toBe(1);
  });

  it('with another body, or for another method, is refused', async () => {
    const tenant = newTenant();
    const { id, etag } = serverOf(
      await admin.create({ tenant, requestId: 'r1', server: server() }),
    );
    const refused = [
      admin.create({ tenant, requestId: 'r1', server: server({ name: 'other' }) }),
      admin.create({ tenant, requestId: 'r1', server: server(), reason: 'another' }),
      admin.update({ tenant, requestId: 'r1', server: { id, etag, name: 'other' } }),
      admin.remove({ tenant, requestId: 'r1', id, etag }),
    ].map(refusalOf);
    for (const refusal of await Promise.all(refused)) {
      expect(refusal).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'REQUEST_ID_REUSED' });
    }
    expect(await newestRevision(admin, tenant)).toBe(1);
  });

  it('that was refused is decided anew [P13]', async () => {
    const tenant = newTenant();
    const { id, etag } = await declare(admin, tenant, { name: 'tools' });
    const create = { tenant, requestId: 'r1', server: server() };
    expect((await refusalOf(admin.create(create))).reason).toBe('NAME_TAKEN');
    await admin.remove({ tenant, id, etag });
    expect(serverOf(await admin.create(create)).name).toBe('tools');
  });

  it('is of its tenant alone', async () => {
    const answers = [newTenant(), newTenant()].map((tenant) =>
      admin.create({ tenant, requestId: 'r1', server: server() }),
    );
    const [one, other] = await Promise.all(answers);
    expect(serverOf(one!).id).not.toBe(serverOf(other!).id);
  });
});

describe('a write that fails', () => {
  it('says NOT_WRITTEN when nothing was, and can be repeated [R3]', async () => {
    const tenant = newTenant();
    const create = { tenant, requestId: 'r1', server: server() };
    trap = 'append.before';
    const refused = await refusalOf(admin.create(create));
    expect(refused).toMatchObject({ code: 'UNAVAILABLE', reason: 'NOT_WRITTEN' });
    expect(refused.retryDelayMs).toBeGreaterThan(0);
    expect(await newestRevision(admin, tenant)).toBe(0);
    await admin.create(create);
    expect(await newestRevision(admin, tenant)).toBe(1);
  });

  it.each(['append.beforeFlush', 'append.afterFlush', 'append.after', 'answer.before'] as const)(
    'at %s says OUTCOME_UNKNOWN, and repeating it has one effect [R3, P12]',
    async (where) => {
      const tenant = newTenant();
      const create = { tenant, requestId: 'r1', server: server() };
      trap = where;
      const refused = await refusalOf(admin.create(create));
      expect(refused).toMatchObject({ code: 'UNAVAILABLE', reason: 'OUTCOME_UNKNOWN' });
      expect(refused.retryDelayMs).toBeGreaterThan(0);
      const first = await admin.create(create);
      expect(serverOf(await admin.create(create))).toEqual(serverOf(first));
      expect(await newestRevision(admin, tenant)).toBe(1);
    },
  );
});

describe('validate_only', () => {
  it('runs every check, tells what would be, and changes nothing [R6]', async () => {
    const tenant = newTenant();
    const tools = await declare(admin, tenant, { name: 'tools' });
    const own = await declarePrivate(admin, tenant, { owner: 'bob', name: 'own' });
    const before = await admin.list({ tenant, view: INVENTORY });
    const validateOnly = true;

    const created = serverOf(
      await admin.create({ tenant, validateOnly, server: server({ name: 'new' }) }),
    );
    expect(created).toMatchObject({ id: '', etag: '', accessEtag: '', name: 'new' });
    expect(created.configHash).toBe(tools.configHash);
    const { id, etag } = tools;
    const updated = await admin.update({ tenant, validateOnly, server: { id, etag, name: 'new' } });
    expect(serverOf(updated)).toMatchObject({ id, name: 'new' });
    const removed = await admin.remove({ tenant, validateOnly, id: own.id, etag: own.etag });
    expect(removed.affected).toEqual({ everyone: false, subjects: ['user:bob'] });
    expect(removed.server).toEqual(own);

    expect((await refusalOf(admin.create({ tenant, validateOnly, server: server() }))).reason).toBe(
      'NAME_TAKEN',
    );
    const stale = { tenant, validateOnly, server: { id, etag: 'old', name: 'new' } };
    expect(await refusalOf(admin.update(stale))).toMatchObject({
      reason: 'ETAG_MISMATCH',
      metadata: { current_etag: etag },
    });
    expect((await refusalOf(admin.remove({ tenant, validateOnly, id: 'none', etag }))).reason).toBe(
      'SERVER_NOT_FOUND',
    );

    const after = await admin.list({ tenant, view: INVENTORY });
    expect([tokenOf(after), after.servers]).toEqual([tokenOf(before), before.servers]);
  });

  it('uses up no request id', async () => {
    const tenant = newTenant();
    const create = { tenant, requestId: 'r1', server: server() };
    await admin.create({ ...create, validateOnly: true });
    expect(
      serverOf(await admin.create({ ...create, server: server({ name: 'other' }) })).name,
    ).toBe('other');
  });
});

describe('who asks', () => {
  const TOKENS = {
    ana: { roles: ['admin'] },
    bob: { roles: ['admin'] },
    reader: { roles: ['reader'] },
    acme: { roles: ['admin'], tenants: ['acme'] },
  };

  async function startWithTokens(): Promise<(who: string) => Admin> {
    const folder = await mkdtemp(path.join(tmpdir(), 'switchboard-'));
    const file = path.join(folder, 'tokens.json');
    const tokens = Object.entries(TOKENS).map(([principal, rest]) => ({
      token: `token-of-${principal}-0123456789`,
      principal,
      ...rest,
    }));
    await writeFile(file, JSON.stringify({ tokens }));
    const guarded = await startLocalServer({ flags: ['--tokens-file', file] });
    const clients: Admin[] = [];
    onTestFinished(async () => {
      for (const client of clients) client.close();
      await guarded[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    });
    return (who) => {
      const metadata = new Metadata();
      if (who !== '') metadata.set('authorization', `Bearer token-of-${who}-0123456789`);
      const client = openAdmin(guarded.server.address, metadata);
      clients.push(client);
      return client;
    };
  }

  it('has request ids of its own [P13]', async () => {
    const as = await startWithTokens();
    const tenant = newTenant();
    await as('ana').create({ tenant, requestId: 'r1', server: server() });
    const other = { tenant, requestId: 'r1', server: server({ name: 'other' }) };
    expect(serverOf(await as('bob').create(other)).name).toBe('other');
  });

  it('needs a credential, for the tenant, with the role', async () => {
    const as = await startWithTokens();
    const list = { view: INVENTORY };
    const unauthenticated = { code: 'UNAUTHENTICATED', reason: 'UNAUTHENTICATED' };
    const denied = { code: 'PERMISSION_DENIED', reason: 'PERMISSION_DENIED' };
    expect(await refusalOf(as('').list(list))).toMatchObject(unauthenticated);
    expect(await refusalOf(as('nobody').list(list))).toMatchObject(unauthenticated);
    expect(await refusalOf(as('acme').list(list))).toMatchObject(denied);
    expect(await refusalOf(as('reader').list(list))).toMatchObject(denied);
    expect(await refusalOf(as('reader').create({ server: server() }))).toMatchObject(denied);
    expect(await refusalOf(as('reader').remove({ id: 'a', etag: 'b' }))).toMatchObject(denied);
    await as('acme').list({ ...list, tenant: 'acme' });
    await as('reader').list({ view: { kind: { $case: 'app', value: {} } } });
  });
});
