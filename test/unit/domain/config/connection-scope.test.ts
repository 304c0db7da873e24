import { describe, expect, it } from 'vitest';
import {
  CONNECTION_SCOPES,
  connectionScope,
  neededScope,
  valueFields,
} from '../../../../src/domain/config/connection-scope.js';
import { SPEC_DEFAULTS, type ServerSpec } from '../../../../src/domain/config/spec.js';
import { EMPTY_OAUTH } from '../../../support/oauth.js';

function specWith(header: string, more: Partial<ServerSpec> = {}): ServerSpec {
  return {
    ...SPEC_DEFAULTS,
    transport: { kind: 'streamable_http', url: 'https://x.example', headers: { 'X-H': header } },
    ...more,
  };
}

describe('connectionScope', () => {
  it.each([
    ['plain', 'shared', 'user', 'user'],
    ['${env:A}', 'shared', 'user', 'user'],
    ['${secret:A}', 'shared', 'user', 'user'],
    ['${user:id}', 'user', 'user', 'user'],
    ['${var:KEY}', 'user', 'user', 'user'],
    ['${request:conversation_id}', 'conversation', 'conversation', 'conversation'],
    ['${request:message_id}', 'request', 'request', 'request'],
    ['${user:id}${request:conversation_id}', 'conversation', 'conversation', 'conversation'],
    ['${request:conversation_id}${request:x}${user:id}', 'request', 'request', 'request'],
    ['$${request:x}', 'shared', 'user', 'user'],
  ] as const)('of a header %j is %s, %s, %s for APP, USER, PRIVATE [C6]', (text, ...scopes) => {
    const spec = specWith(text);
    expect(
      (['APP', 'USER', 'PRIVATE'] as const).map((tier) => connectionScope(tier, spec).scope),
    ).toEqual(scopes);
  });

  it('gives the reasons: the tier first, then each field', () => {
    const { reasons } = connectionScope('USER', specWith('${user:id}'));
    expect(reasons).toHaveLength(2);
    expect(reasons[0]).toContain('USER');
    expect(reasons[1]).toContain('streamable_http.headers[X-H]');
  });

  it('is never wider than what the spec alone needs', () => {
    for (const text of ['', '${user:id}', '${request:x}']) {
      for (const tier of ['APP', 'USER', 'PRIVATE'] as const) {
        const width = (scope: (typeof CONNECTION_SCOPES)[number]) =>
          CONNECTION_SCOPES.indexOf(scope);
        expect(width(connectionScope(tier, specWith(text)).scope)).toBeGreaterThanOrEqual(
          width(neededScope(specWith(text)).scope),
        );
      }
    }
  });
});

describe('a user signs in', () => {
  const oauth = EMPTY_OAUTH;
  it.each([
    ['nothing is said', {}, 'shared'],
    ['OAuth is not required', { requiresOAuth: false }, 'shared'],
    ['OAuth is required', { requiresOAuth: true }, 'user'],
    ['there is an OAuth block', { oauth }, 'user'],
    ['the block is stronger than the flag', { requiresOAuth: false, oauth }, 'user'],
    ['the grant is the default', { oauth: { ...oauth, grantType: 'authorization_code' } }, 'user'],
    [
      'the application signs in',
      { requiresOAuth: true, oauth: { ...oauth, grantType: 'client_credentials' } },
      'shared',
    ],
  ] as const)('or not: %s [C6]', (_what, parts, scope) => {
    const needs = neededScope(specWith('plain', parts));
    expect(needs.scope).toBe(scope);
    expect(needs.reasons.join()).toMatch(scope === 'user' ? /asks each user to sign in/ : /^$/);
  });
});

describe('valueFields', () => {
  it('names every field in which a value with parts is allowed, by its path', () => {
    const oauth = {
      authorizationUrl: 'a',
      tokenUrl: 'b',
      clientId: 'c',
      clientSecret: 'd',
      scopes: ['not a value'],
      redirectUri: 'e',
      audience: 'f',
      tokenEndpointAuthMethod: 'none',
      revocationUrl: 'g',
      headers: { H: 'h' },
    };
    const http = specWith('v', { oauth, proxyUrl: 'p' });
    expect(valueFields(http).map(({ path }) => path)).toEqual([
      'streamable_http.url',
      'streamable_http.headers[X-H]',
      'proxy_url',
      'oauth.authorization_url',
      'oauth.token_url',
      'oauth.client_id',
      'oauth.client_secret',
      'oauth.redirect_uri',
      'oauth.audience',
      'oauth.revocation_url',
      'oauth.headers[H]',
    ]);
    const stdio = specWith('', {
      transport: {
        kind: 'stdio',
        command: 'run',
        args: ['a', 'b'],
        env: { KEY: 'v' },
        cwd: '',
        stderr: 'pipe',
      },
    });
    expect(valueFields(stdio).map(({ path }) => path)).toEqual([
      'stdio.args[0]',
      'stdio.args[1]',
      'stdio.env[KEY]',
      'proxy_url',
    ]);
  });
});
