import { describe, expect, it } from 'vitest';
import type { ServerSpec } from '../../../src/domain/config/spec.js';
import type { ReadResult } from '../../../src/formats/format.js';
import { readServers } from '../../../src/formats/read-servers.js';

function read(entry: object): ReadResult {
  return readServers(JSON.stringify({ mcpServers: { a: entry } }), { format: 'librechat' });
}

function specOf(entry: object): ServerSpec {
  const { servers, problems } = read(entry);
  expect(problems).toEqual([]);
  const [server] = servers;
  if (server === undefined) throw new Error('no server was read');
  return server.spec;
}

/** `field: what` of everything that is lost or wrong. */
function told(entry: object): readonly string[] {
  const { problems, losses } = read(entry);
  const short = (field: string): string => field.replace('mcpServers.a', '').replace(/^\./, '');
  return [
    ...problems.map(({ field, message }) => `${short(field)}! ${message}`),
    ...losses.map(({ field, reason }) => `${short(field)}: ${reason}`),
  ];
}

const HTTP = { type: 'streamable-http', url: 'https://a.test/mcp' };

describe('an entry of librechat.yaml', () => {
  it.each([
    ['a command', { command: 'x' }, 'stdio'],
    ['an http url', { url: 'http://a.test' }, 'sse'],
    ['an https url', { url: 'https://a.test' }, 'sse'],
    ['a wss url', { url: 'WSS://a.test' }, 'websocket'],
    ['a type', { type: 'http', url: 'https://a.test' }, 'streamable_http'],
    ['a type beside both', { type: 'stdio', command: 'x', url: 'https://a.test' }, 'stdio'],
  ])('has the transport of %s', (_, entry, kind) => {
    expect(specOf(entry).transport.kind).toBe(kind);
  });

  it.each([
    [
      'both, without a type',
      { command: 'x', url: 'https://a.test' },
      ['command! is set together with a url: choose one with `type`'],
    ],
    [
      'a type without its command',
      { type: 'stdio', url: 'https://a.test' },
      [
        'command! is required with this type of transport',
        'url: has no meaning with this type of transport',
      ],
    ],
    [
      'a type without its url',
      { type: 'sse', command: 'x' },
      [
        'url! is required with this type of transport',
        'command: has no meaning with this type of transport',
      ],
    ],
    ['an unknown type', { type: 'pigeon' }, [expect.stringMatching(/^type! Invalid option/)]],
    [
      'a number among env',
      { command: 'x', env: { PORT: 80 } },
      ['env.PORT! Invalid input: expected string, received number'],
    ],
    [
      'a placeholder in the command',
      { command: '${BIN}' },
      ['command! must be plain text, without placeholders'],
    ],
    [
      'a websocket with an https url',
      { type: 'websocket', url: 'https://a.test' },
      ['url! must start with ws or wss, not https'],
    ],
  ])('is refused with %s', (_, entry, messages) => {
    expect(told(entry)).toEqual(messages);
  });

  it('has its timeouts in milliseconds, and 0 for none', () => {
    const entry = { ...HTTP, timeout: 1, initTimeout: 2, sseReadTimeout: 3 };
    expect(specOf(entry).timeouts).toEqual({ callMs: 1, connectMs: 2, readMs: 3 });
    expect(specOf({ ...HTTP, timeout: 0 }).timeouts).toEqual({});
    expect(told({ ...HTTP, timeout: 0 })).toEqual(['timeout: 0 counts as unset']);
    expect(told({ ...HTTP, timeout: 86_400_001 })).toEqual([
      'timeout! must be more than 0 and at most 24 h',
    ]);
  });

  it.each([
    [true, { kind: 'from_server' }],
    [false, { kind: 'none' }],
    ['', { kind: 'none' }],
    ['Be brief.', { kind: 'text', text: 'Be brief.' }],
  ])('has instructions: %s', (serverInstructions, instructions) => {
    expect(specOf({ ...HTTP, serverInstructions }).instructions).toEqual(instructions);
  });

  it('has user variables, hidden unless it says otherwise', () => {
    const customUserVars = {
      A: { title: 'a' },
      B: { title: 'b', description: 'd', sensitive: false },
    };
    expect(specOf({ ...HTTP, customUserVars }).userVariables).toEqual({
      A: { title: 'a', description: '', sensitive: true },
      B: { title: 'b', description: 'd', sensitive: false },
    });
    expect(told({ ...HTTP, customUserVars: { 'a-b': { title: 'x' } } })).toEqual([
      'customUserVars.a-b! is not an allowed name',
    ]);
  });

  it('has OAuth with its headers', () => {
    const oauth = {
      client_id: '${ID}',
      scope: ' a  b ',
      token_exchange_method: 'basic_auth_header',
    };
    expect(
      specOf({ ...HTTP, oauth, oauth_headers: { X: '{{LIBRECHAT_USER_ID}}' } }).oauth,
    ).toMatchObject({
      clientId: '${env:ID}',
      scopes: ['a', 'b'],
      tokenEndpointAuthMethod: 'client_secret_basic',
      headers: { X: '${user:id}' },
    });
    expect(specOf({ ...HTTP, oauth_headers: { X: 'y' } }).oauth).toMatchObject({
      headers: { X: 'y' },
    });
    expect(specOf(HTTP)).not.toHaveProperty('oauth');
  });

  it.each([
    ['bearer', undefined, { Authorization: 'Bearer k' }],
    ['basic', undefined, { Authorization: 'Basic k' }],
    ['custom', 'X-Token', { 'X-Token': 'k' }],
    ['custom', undefined, { 'X-Api-Key': 'k' }],
  ])(
    'with an API key of the administrator has a header: %s %s',
    (authorization_type, custom_header, headers) => {
      const apiKey = { key: 'k', source: 'admin', authorization_type, custom_header };
      expect(specOf({ ...HTTP, apiKey }).transport).toMatchObject({ headers });
    },
  );

  it('with an API key of the user has a header and a user variable', () => {
    const apiKey = { source: 'user', authorization_type: 'bearer' };
    const { transport, userVariables } = specOf({
      ...HTTP,
      apiKey,
      headers: { authorization: 'x', A: 'b' },
    });
    expect(transport).toMatchObject({
      headers: { A: 'b', Authorization: 'Bearer ${var:MCP_API_KEY}' },
    });
    expect(userVariables['MCP_API_KEY']).toMatchObject({ sensitive: true });
    expect(told({ ...HTTP, apiKey, headers: { authorization: 'x' } })).toEqual([
      'headers.authorization: is replaced by apiKey',
    ]);
    expect(told({ ...HTTP, apiKey: { ...apiKey, source: 'admin' } })).toEqual([
      'apiKey: has no key',
    ]);
    expect(told({ command: 'x', apiKey })).toEqual([
      'apiKey: has no meaning with this type of transport',
    ]);
  });

  it('keeps what it does not know as annotations, and tells each field', () => {
    const entry = {
      ...HTTP,
      chatMenu: false,
      obo: { scopes: 'api://x' },
      oauth: { grant_types_supported: ['a'] },
      iconPath: '/icon.svg',
      someday: null,
    };
    expect(specOf(entry).annotations).toEqual({
      'librechat/chatMenu': 'false',
      'librechat/obo': '{"scopes":"api://x"}',
      'librechat/oauth.grant_types_supported': '["a"]',
      'librechat/iconPath': '"/icon.svg"',
      'librechat/someday': 'null',
    });
    expect(told(entry)).toHaveLength(5);
  });

  it('does not keep what is too large, and tells that', () => {
    const entry = { ...HTTP, blob: 'x'.repeat(20_000) };
    expect(specOf(entry).annotations).toEqual({});
    expect(told(entry)).toEqual([
      'blob: has no meaning here; too large to be kept as an annotation',
    ]);
    const many = Object.fromEntries(
      Array.from({ length: 70 }, (_, index) => [`f${String(index)}`, 1]),
    );
    expect(Object.keys(specOf({ ...HTTP, ...many }).annotations)).toHaveLength(64);
    expect(told({ ...HTTP, ...many })).toHaveLength(70);
  });

  it('leaves the tier to the control plane', () => {
    expect(read(HTTP).servers[0]).not.toHaveProperty('tier');
  });

  it('tells of mcpSettings, and of nothing else at the top', () => {
    const text = 'version: 1\nmcpSettings: {}\nmcpServers:\n  a: { command: x }\n';
    expect(readServers(text).losses).toEqual([
      { field: 'mcpSettings', line: 2, reason: 'concerns LibreChat itself' },
    ]);
  });
});
