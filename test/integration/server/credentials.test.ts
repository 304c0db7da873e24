import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ChannelCredentials, Metadata, status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import {
  GetServerRequest,
  GetServerResponse,
} from '../../../generated/switchboard/v1/registry_service.js';
import { byClientCertificate, readTokens } from '../../../src/server/authenticator.js';
import { readServerCredentials } from '../../../src/server/credentials.js';
import type { CallContext } from '../../../src/server/grpc/call-context.js';
import type { GrpcServerOptions } from '../../../src/server/grpc-server.js';
import { StartError } from '../../../src/server/start-error.js';
import { fromStatus } from '../../../src/wire/status.js';
import { startTinyServer, type TinyServer } from '../../support/grpc/tiny-server.js';
import { call, failureOf } from '../../support/grpc/unary-call.js';
import { openWatch } from '../../support/grpc/watch-stream.js';
import { scratchFolder } from '../../support/scratch-folder.js';

const tlsFile = (name: string): string =>
  path.join(import.meta.dirname, '../../support/network/tls', name);
const CA = readFileSync(tlsFile('ca.crt'));
const CLIENT = [readFileSync(tlsFile('client.key')), readFileSync(tlsFile('client.crt'))] as const;
const SERVER = { cert: tlsFile('server.crt'), key: tlsFile('server.key') };

/** A server that answers who called, in the name of the server. */
function startWhoAmI(overrides: Partial<GrpcServerOptions>): Promise<TinyServer> {
  const getServer = (_: unknown, { caller }: CallContext): Promise<GetServerResponse> => {
    const { principal, roles, tenants } = caller;
    const name = JSON.stringify({ principal, roles, tenants });
    return Promise.resolve(GetServerResponse.fromPartial({ server: { name } }));
  };
  return startTinyServer({ getServer }, overrides);
}

async function whoAmI(client: TinyServer['client'], token?: string): Promise<unknown> {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', token);
  const request = GetServerRequest.fromPartial({ tenant: 'acme' });
  const answer: GetServerResponse = await call(client, 'getServer', request, { metadata });
  return JSON.parse(answer.server!.name);
}

function tokensFile(content: unknown): string {
  const file = path.join(scratchFolder(), 'tokens.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

const TOKENS = {
  tokens: [
    { token: 'secret-of-the-admin', principal: 'ops', roles: ['admin'] },
    {
      sha256: createHash('sha256').update('secret-of-a-node').digest('hex'),
      principal: 'node',
      roles: ['reader'],
      tenants: ['acme'],
    },
  ],
};

describe('bearer tokens', () => {
  it('say who calls, with roles and tenants', async () => {
    await using tiny = await startWhoAmI({ authenticate: readTokens(tokensFile(TOKENS)) });
    expect(await whoAmI(tiny.client, 'Bearer secret-of-the-admin')).toEqual({
      principal: 'ops',
      roles: ['admin'],
    });
    expect(await whoAmI(tiny.client, 'bearer  secret-of-a-node')).toEqual({
      principal: 'node',
      roles: ['reader'],
      tenants: ['acme'],
    });
  });

  it.each([
    ['none', undefined],
    ['an unknown one', 'Bearer secret-of-nobody'],
    ['an empty one', 'Bearer '],
    ['a prefix of a known one', 'Bearer secret-of-the-admi'],
    ['the digest itself', `Bearer ${TOKENS.tokens[1]!.sha256!}`],
    ['another scheme', 'Basic secret-of-the-admin'],
  ])('are demanded: %s is UNAUTHENTICATED, for calls and for streams', async (_, header) => {
    await using tiny = await startWhoAmI({ authenticate: readTokens(tokensFile(TOKENS)) });
    const failure = await failureOf(whoAmI(tiny.client, header));
    expect(failure.code).toBe(status.UNAUTHENTICATED);
    expect(fromStatus(failure).reason).toBe('UNAUTHENTICATED');
    const metadata = new Metadata();
    if (header !== undefined) metadata.set('authorization', header);
    const stream = openWatch(tiny.client, { metadata });
    expect((await stream.ended).code).toBe(status.UNAUTHENTICATED);
  });

  it.each([
    ['no JSON', '{"tokens": [', 'not JSON'],
    ['no tokens', { tokens: [] }, 'tokens'],
    ['a short token', { tokens: [{ ...TOKENS.tokens[0], token: 'hunter2' }] }, '16 characters'],
    ['neither token nor digest', { tokens: [{ principal: 'x', roles: ['reader'] }] }, 'sha256'],
    ['an unknown role', { tokens: [{ ...TOKENS.tokens[0], roles: ['root'] }] }, 'roles'],
    [
      'a token twice',
      {
        tokens: [
          TOKENS.tokens[1],
          { ...TOKENS.tokens[0], token: 'secret-of-a-node', principal: 'other' },
        ],
      },
      'tokens.0 (node) and tokens.1 (other) are the same token',
    ],
    ['an unknown field', { tokens: [{ ...TOKENS.tokens[0], tenant: 'a' }] }, 'tenant'],
  ])('are refused when their file has %s, without repeating it', (_, content, says) => {
    const file = tokensFile(content);
    expect(() => readTokens(file)).toThrow(StartError);
    expect(() => readTokens(file)).toThrow(says);
    expect(() => readTokens(file)).not.toThrow(/secret-of|hunter2/);
  });

  it('are refused when their file cannot be read', () => {
    expect(() => readTokens('/does/not/exist')).toThrow(/--tokens-file: cannot read/);
  });
});

describe('TLS', () => {
  it('is spoken with the certificate of the flags', async () => {
    await using tiny = await startWhoAmI({
      credentials: readServerCredentials({ ...SERVER, clientCa: undefined }),
      authenticate: readTokens(tokensFile(TOKENS)),
    });
    const secure = tiny.connect(ChannelCredentials.createSsl(CA));
    expect(await whoAmI(secure, 'Bearer secret-of-the-admin')).toMatchObject({ principal: 'ops' });
    const failures = [
      await failureOf(whoAmI(tiny.connect(ChannelCredentials.createSsl()))),
      await failureOf(whoAmI(tiny.connect(ChannelCredentials.createInsecure()))),
    ];
    expect(failures.map(({ code }) => code)).toEqual([status.UNAVAILABLE, status.UNAVAILABLE]);
  });

  it('names the caller by its certificate where the flags demand one', async () => {
    await using tiny = await startWhoAmI({
      credentials: readServerCredentials({ ...SERVER, clientCa: tlsFile('ca.crt') }),
      authenticate: byClientCertificate,
    });
    const known = tiny.connect(ChannelCredentials.createSsl(CA, ...CLIENT));
    expect(await whoAmI(known)).toMatchObject({ principal: 'certificate:node-7' });
    const unknown = tiny.connect(ChannelCredentials.createSsl(CA));
    expect((await failureOf(whoAmI(unknown))).code).toBe(status.UNAVAILABLE);
  });

  it.each([
    ['a missing file', { ...SERVER, cert: '/nope.pem' }, /--tls-cert: cannot read \/nope.pem/],
    ['a file that is no PEM', { ...SERVER, key: import.meta.filename }, /is not a PEM file/],
    ['a key of another certificate', { ...SERVER, key: tlsFile('client.key') }, /cannot be used/],
  ])('is refused with %s', (_, files, message) => {
    const read = (): unknown => readServerCredentials({ ...files, clientCa: undefined });
    expect(read).toThrow(StartError);
    expect(read).toThrow(message);
  });
});
