import { describe, expect, it } from 'vitest';
import { CONNECTION_FIELDS, configHash } from '../../../../src/domain/config/config-hash.js';
import { SPEC_DEFAULTS, type OAuth, type ServerSpec } from '../../../../src/domain/config/spec.js';

const spec: ServerSpec = {
  ...SPEC_DEFAULTS,
  transport: { kind: 'streamable_http', url: 'https://x.example', headers: { A: '1', B: '2' } },
};
const oauth: OAuth = {
  authorizationUrl: '',
  tokenUrl: '',
  clientId: 'id',
  clientSecret: '',
  scopes: [],
  redirectUri: '',
  audience: '',
  tokenEndpointAuthMethod: '',
  revocationUrl: '',
  headers: {},
};

/** For each field a value that differs from that of `spec`. */
const OTHER: Required<ServerSpec> = {
  transport: { kind: 'sse', url: 'https://x.example', headers: { A: '1', B: '2' } },
  title: 'another',
  description: 'another',
  version: '2',
  icons: [{ src: 'https://x.example/i.png', mimeType: '', sizes: [], theme: '' }],
  websiteUrl: 'https://x.example',
  enabled: false,
  startup: false,
  timeouts: { callMs: 1 },
  instructions: { kind: 'text', text: 'x' },
  requiresOAuth: false,
  oauth,
  userVariables: { KEY: { title: '', description: '', sensitive: true } },
  proxyUrl: 'http://proxy.example',
  toolFilter: { allow: ['a'], deny: [] },
  labels: { team: 'a' },
  annotations: { note: 'a' },
};

const hashOf = (changed: Partial<ServerSpec>, tier: 'APP' | 'USER' | 'PRIVATE' = 'USER') =>
  configHash({ tier, spec: { ...spec, ...changed } });

describe('configHash', () => {
  it.each(Object.entries(CONNECTION_FIELDS))('moves with %s: %s [C2, C3]', (field, matters) => {
    const changed = { [field]: OTHER[field as keyof ServerSpec] };
    expect(hashOf(changed) !== hashOf({})).toBe(matters);
  });

  it('has the scope in it: APP and USER of one spec differ [P32]', () => {
    expect(hashOf({}, 'APP')).not.toBe(hashOf({}, 'USER'));
    // Both give each user a connection: nothing about it changes.
    expect(hashOf({}, 'USER')).toBe(hashOf({}, 'PRIVATE'));
  });

  it('does not depend on the order of keys', () => {
    const headers = { B: '2', A: '1' };
    expect(
      hashOf({ transport: { headers, url: 'https://x.example', kind: 'streamable_http' } }),
    ).toBe(hashOf({}));
  });

  it('tells apart what is unknown from what is no', () => {
    expect(hashOf({ requiresOAuth: false })).not.toBe(hashOf({}));
  });

  it.each([
    ['a header', { headers: { A: '1', B: '3' } }],
    ['another header', { headers: { A: '1', B: '2', C: '' } }],
    ['the url', { url: 'https://y.example' }],
  ])('moves with %s of the transport', (_what, fields) => {
    const transport = {
      kind: 'streamable_http',
      url: 'https://x.example',
      headers: { A: '1', B: '2' },
      ...fields,
    } as const;
    expect(hashOf({ transport })).not.toBe(hashOf({}));
  });
});
