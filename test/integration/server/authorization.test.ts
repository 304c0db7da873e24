import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { ChannelCredentials, Client, Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Role } from '../../../src/domain/caller.js';
import { ruleOf } from '../../../src/server/handlers/method-rules.js';
import { ALL_METHODS } from '../../support/grpc/all-methods.js';
import { endOfRawCall, type RawEnd, type RawMethod } from '../../support/grpc/raw-call.js';
import { startLocalServer, type LocalServer } from '../../support/grpc-admin/server.js';
import { temporaryFolder } from '../../support/storage/lmdb.js';

const ROLES: readonly Role[] = ['reader', 'node', 'admin'];
const DENIED = { code: 'PERMISSION_DENIED', reason: 'PERMISSION_DENIED' };
const INVALID = { code: 'INVALID_ARGUMENT', reason: 'INVALID_FIELD' };

/** Methods whose request has a message in its second field. */
const HAVE_MESSAGE_AT_2 = ['GetServer', 'ListServers', 'WatchServers', 'CreateServer', 'Sync'];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let local: LocalServer;
let client: Client;

beforeAll(async () => {
  folder = await temporaryFolder();
  const file = path.join(folder.path, 'tokens.json');
  const tokens = ROLES.flatMap((role) =>
    [undefined, ['acme'], ['default']].map((tenants) => ({
      token: tokenOf(role, tenants?.[0]),
      principal: role,
      roles: [role],
      tenants,
    })),
  );
  writeFileSync(file, JSON.stringify({ tokens }));
  local = await startLocalServer({ flags: ['--tokens-file', file] });
  client = new Client(local.server.address, ChannelCredentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await local[Symbol.asyncDispose]();
  await folder.remove();
});

const tokenOf = (role: Role, tenant = 'all'): string => `token-of-${role}-of-${tenant}`;

function callAs(
  who: { readonly role: Role; readonly tenant?: string },
  method: RawMethod,
  bytes: Buffer,
): Promise<RawEnd> {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${tokenOf(who.role, who.tenant)}`);
  return endOfRawCall(client, method, bytes, metadata);
}

/** Bytes that no message has, behind what is given. */
const broken = (before: Buffer): Buffer => Buffer.concat([before, Buffer.alloc(12, 0xff)]);

/** A request for a tenant: what is nested in it for methods whose first message names it. */
function forTenant(tenant: string, { path: name }: RawMethod): Buffer {
  const named = Buffer.from(new BinaryWriter().uint32(10).string(tenant).finish());
  return name.endsWith('/Sync') ? nested(named) : named;
}

const nested = (message: Uint8Array): Buffer =>
  Buffer.from(new BinaryWriter().uint32(10).bytes(message).finish());

const field2 = (value: Uint8Array): Buffer =>
  Buffer.from(new BinaryWriter().uint32(18).bytes(value).finish());

/** A body that no handler can use, in every way, for a tenant. */
function bodiesFor(tenant: string, method: RawMethod): readonly Buffer[] {
  const named = forTenant(tenant, method);
  const large = Buffer.concat([named, field2(Buffer.alloc(8_192))]);
  return [named, broken(named), broken(large)];
}

describe.each(ALL_METHODS)('%s', (_, method) => {
  it('is refused in a foreign tenant before its request is decoded', async () => {
    for (const body of bodiesFor('default', method))
      expect(await callAs({ role: 'admin', tenant: 'acme' }, method, body)).toMatchObject(DENIED);
  });

  it('is refused in the default tenant, if it names none and may act elsewhere only', async () => {
    const unnamed = method.path.endsWith('/Sync') ? nested(Buffer.alloc(0)) : Buffer.alloc(0);
    for (const body of [unnamed, broken(unnamed)])
      expect(await callAs({ role: 'admin', tenant: 'acme' }, method, body)).toMatchObject(DENIED);
  });

  it('is refused for too low a role before its request is decoded', async () => {
    for (const role of ROLES.slice(0, ROLES.indexOf(ruleOf(method).role))) {
      for (const body of [Buffer.alloc(0), ...bodiesFor('default', method)])
        expect(await callAs({ role }, method, body)).toMatchObject(DENIED);
    }
  });

  it('decodes its request for those who may', async () => {
    const who = { role: 'admin', tenant: 'acme' } as const;
    const body = broken(forTenant('acme', method));
    expect(await callAs(who, method, body)).toMatchObject(INVALID);
  });
});

it('lets readers and nodes call what they need', async () => {
  const open = async (role: Role): Promise<string[]> => {
    const may: string[] = [];
    for (const [name, method] of ALL_METHODS) {
      const body = broken(forTenant('default', method));
      if ((await callAs({ role }, method, body)).reason !== 'PERMISSION_DENIED') may.push(name);
    }
    return may.sort();
  };
  const readers = await open('reader');
  expect(readers).toEqual([
    'BatchGetServers',
    'CheckConnections',
    'GetPrivateLoadStatus',
    'GetPrivateSource',
    'GetServer',
    'ListServers',
    'LoadPrivateServers',
    'Sync',
    'WatchServers',
  ]);
  const nodes = await open('node');
  expect(nodes.filter((name) => !readers.includes(name))).toEqual([
    'InvalidateUser',
    'RecordFacts',
  ]);
});

// The generated decoders leave a nested message at a zero tag, and read on behind it as if its
// bytes were those of the message around it.
it.each(ALL_METHODS.filter(([name]) => HAVE_MESSAGE_AT_2.includes(name)))(
  '%s is refused for a tenant that a malformed message hides',
  async (_, method) => {
    const hidden = Buffer.concat([Buffer.from([0]), forTenant('default', method)]);
    const body = Buffer.concat([forTenant('acme', method), field2(hidden)]);
    expect(await callAs({ role: 'admin', tenant: 'acme' }, method, body)).toMatchObject(DENIED);
  },
);
