import { describe, expect, it } from 'vitest';
import { isSwitchboardError } from '../../../src/domain/errors.js';
import type { Declaration } from '../../../src/domain/server.js';
import { SPEC_DEFAULTS, type OAuth, type ServerSpec } from '../../../src/domain/config/spec.js';
import { LIMITS } from '../../../src/domain/limits.js';
import { validateDeclaration } from '../../../src/domain/validate.js';
import { EMPTY_OAUTH } from '../../support/oauth.js';

const http = { kind: 'streamable_http', url: 'https://x.example/mcp', headers: {} } as const;
const stdio = {
  kind: 'stdio',
  command: 'run',
  args: [],
  env: {},
  cwd: '',
  stderr: 'pipe',
} as const;
const oauth: OAuth = EMPTY_OAUTH;

interface Parts extends Partial<Declaration> {
  readonly changed?: Partial<ServerSpec>;
}

function declared({ changed, ...parts }: Parts = {}): Declaration {
  const spec: ServerSpec = { ...SPEC_DEFAULTS, transport: http, ...changed };
  return { name: 'files', externalId: '', set: '', tier: 'USER', spec, ...parts };
}

/** The paths of the fields that were refused. */
function refused(parts: Parts): readonly string[] {
  try {
    validateDeclaration(declared(parts), 'server');
    return [];
  } catch (error) {
    if (!isSwitchboardError(error, 'INVALID_FIELD')) throw error;
    return error.violations.map(({ field }) => field);
  }
}

const variable = { title: '', description: '', sensitive: false };
const headers = (map: Record<string, string>): Partial<ServerSpec> => ({
  transport: { ...http, headers: map },
});
const long = (limit: number): string => 'x'.repeat(limit + 1);

describe('validateDeclaration', () => {
  it.each([
    ['a plain USER server', {}],
    ['an APP server of the environment', { tier: 'APP', changed: headers({ K: '${env:KEY}' }) }],
    [
      'a PRIVATE server of a user value',
      { tier: 'PRIVATE', owner: 'ana', changed: headers({ K: '${user:id}' }) },
    ],
    ['a stdio server', { changed: { transport: { ...stdio, args: ['--x'], env: { KEY: '1' } } } }],
    [
      'a placeholder in a url',
      { changed: { transport: { ...http, url: 'https://${user:host}/mcp' } } },
    ],
    ['a literal ${', { changed: headers({ K: '$${literal}' }) }],
    [
      'a WebSocket server',
      { changed: { transport: { ...http, kind: 'websocket', url: 'wss://x.example' } } },
    ],
    ['a name in another script', { name: '文件 服务' }],
    [
      'all that is at its limit',
      { name: 'x'.repeat(LIMITS.name), changed: { description: 'x'.repeat(LIMITS.description) } },
    ],
  ] as [string, Parts][])('takes %s', (_what, parts) => {
    expect(refused(parts)).toEqual([]);
  });

  it.each([
    [
      'an empty command',
      { changed: { transport: { ...stdio, command: '' } } },
      'server.spec.stdio.command',
    ],
    [
      'a blank command',
      { changed: { transport: { ...stdio, command: '  ' } } },
      'server.spec.stdio.command',
    ],
    [
      'a command with a placeholder',
      { changed: { transport: { ...stdio, command: '${user:cmd}' } } },
      'server.spec.stdio.command',
    ],
    [
      'a NUL in an argument',
      { changed: { transport: { ...stdio, args: ['ok', 'a\0b'] } } },
      'server.spec.stdio.args[1]',
    ],
    [
      'a variable that is no name',
      { changed: { transport: { ...stdio, env: { 'A=B': '1' } } } },
      'server.spec.stdio.env[A=B]',
    ],
    [
      'an env of __proto__',
      {
        changed: {
          transport: { ...stdio, env: JSON.parse('{"__proto__":"1"}') as Record<string, string> },
        },
      },
      'server.spec.stdio.env[__proto__]',
    ],
    [
      'a file: URL',
      { changed: { transport: { ...http, url: 'file:///etc/passwd' } } },
      'server.spec.streamable_http.url',
    ],
    [
      'a URL without a scheme',
      { changed: { transport: { ...http, url: 'x.example/mcp' } } },
      'server.spec.streamable_http.url',
    ],
    [
      'an empty URL',
      { changed: { transport: { ...http, url: '' } } },
      'server.spec.streamable_http.url',
    ],
    [
      'an http URL for a WebSocket',
      { changed: { transport: { ...http, kind: 'websocket' } } },
      'server.spec.websocket.url',
    ],
    [
      'a line break in a URL',
      { changed: { transport: { ...http, url: 'https://x.example/\nmcp' } } },
      'server.spec.streamable_http.url',
    ],
    [
      'a header with a line break',
      { changed: headers({ 'X-A': 'a\r\nEvil: 1' }) },
      'server.spec.streamable_http.headers[X-A]',
    ],
    [
      'a header name with a space',
      { changed: headers({ 'X A': 'a' }) },
      'server.spec.streamable_http.headers[X A]',
    ],
    [
      'a header given twice',
      { changed: headers({ 'X-A': '1', 'x-a': '2' }) },
      'server.spec.streamable_http.headers[x-a]',
    ],
    [
      'a header of the transport',
      { changed: headers({ 'Mcp-Session-Id': '1' }) },
      'server.spec.streamable_http.headers[Mcp-Session-Id]',
    ],
    [
      'an unknown placeholder',
      { changed: headers({ 'X-A': '${LIBRECHAT_USER_ID}' }) },
      'server.spec.streamable_http.headers[X-A]',
    ],
    ['an open placeholder', { changed: { proxyUrl: 'http://${env:P' } }, 'server.spec.proxy_url'],
    ['a name with a NUL', { name: 'a\0b' }, 'server.name'],
    ['a name with a slash', { name: 'a/b' }, 'server.name'],
    ['a name with a backslash', { name: 'a\\b' }, 'server.name'],
    ['the name __proto__', { name: '__proto__' }, 'server.name'],
    ['the name ..', { name: '..' }, 'server.name'],
    ['an empty name', { name: '' }, 'server.name'],
    ['a name that ends in a space', { name: 'a ' }, 'server.name'],
    ['a name that is too long', { name: long(LIMITS.name) }, 'server.name'],
    ['half a surrogate in a name', { name: 'a\ud800' }, 'server.name'],
    [
      'a description of 2 MB',
      { changed: { description: 'x'.repeat(2 * 1024 * 1024) } },
      'server.spec.description',
    ],
    [
      'half a surrogate in a description',
      { changed: { description: 'a\udfff' } },
      'server.spec.description',
    ],
    [
      'an instruction that is too long',
      { changed: { instructions: { kind: 'text', text: long(LIMITS.instructions) } } },
      'server.spec.instructions.text',
    ],
    [
      'credentials in a website',
      { changed: { websiteUrl: 'https://u:p@a.example' } },
      'server.spec.website_url',
    ],
    ['a blank owner', { tier: 'PRIVATE', owner: '  ' }, 'server.owner'],
    ['no owner of a PRIVATE server', { tier: 'PRIVATE' }, 'server.owner'],
    ['an owner of 10 KB', { tier: 'PRIVATE', owner: 'x'.repeat(10_240) }, 'server.owner'],
    ['an owner of a USER server', { owner: 'ana' }, 'server.owner'],
    ['an external id of 10 KB', { externalId: 'x'.repeat(10_240) }, 'server.external_id'],
    ['a time-out of 0', { changed: { timeouts: { callMs: 0 } } }, 'server.spec.timeouts.call'],
    [
      'a time-out that is no number',
      { changed: { timeouts: { connectMs: Number.NaN } } },
      'server.spec.timeouts.connect',
    ],
    [
      'a time-out over 24 h',
      { changed: { timeouts: { readMs: LIMITS.timeoutMs + 1 } } },
      'server.spec.timeouts.read',
    ],
    [
      'a label key of __proto__',
      { changed: { labels: JSON.parse('{"__proto__":"a"}') as Record<string, string> } },
      'server.spec.labels[__proto__]',
    ],
    [
      'a label value that is none',
      { changed: { labels: { team: 'a b' } } },
      'server.spec.labels[team]',
    ],
    [
      'an annotation that is too long',
      { changed: { annotations: { note: long(LIMITS.value) } } },
      'server.spec.annotations[note]',
    ],
    [
      'a javascript: icon',
      { changed: { icons: [{ src: 'javascript:alert(1)', mimeType: '', sizes: [], theme: '' }] } },
      'server.spec.icons[0].src',
    ],
    ['a website that is no URL', { changed: { websiteUrl: 'nowhere' } }, 'server.spec.website_url'],
    [
      'an unknown token auth method',
      { changed: { oauth: { ...oauth, tokenEndpointAuthMethod: 'magic' } } },
      'server.spec.oauth.token_endpoint_auth_method',
    ],
    [
      'a file: token URL',
      { changed: { oauth: { ...oauth, tokenUrl: 'file:///x' } } },
      'server.spec.oauth.token_url',
    ],
    [
      'an empty tool name',
      { changed: { toolFilter: { allow: [], deny: ['a', ''] } } },
      'server.spec.tool_filter.deny[1]',
    ],
    [
      'a variable with a space',
      { changed: { userVariables: { 'MY KEY': variable } } },
      'server.spec.user_variables[MY KEY]',
    ],
    [
      'a placeholder of no variable',
      { changed: headers({ 'X-A': '${var:KEY}' }) },
      'server.spec.streamable_http.headers[X-A]',
    ],
    [
      'a placeholder of an inherited key',
      { changed: headers({ 'X-A': '${var:toString}' }) },
      'server.spec.streamable_http.headers[X-A]',
    ],
    [
      'an unknown grant type',
      { changed: { oauth: { ...oauth, grantType: 'password' } } },
      'server.spec.oauth.grant_type',
    ],
    [
      'an APP server that requires OAuth',
      { tier: 'APP', changed: { requiresOAuth: true } },
      'server.tier',
    ],
    ['an APP server with an OAuth block', { tier: 'APP', changed: { oauth } }, 'server.tier'],
    [
      "an APP server that needs a user's value",
      { tier: 'APP', changed: headers({ 'X-A': '${user:id}' }) },
      'server.tier',
    ],
    [
      'an APP server that needs a value of the call',
      { tier: 'APP', changed: headers({ 'X-A': '${request:x}' }) },
      'server.tier',
    ],
    [
      "a PRIVATE server that reads the node's environment",
      { tier: 'PRIVATE', owner: 'ana', changed: headers({ 'X-A': '${env:HOME}' }) },
      'server.spec.streamable_http.headers[X-A]',
    ],
    [
      'a PRIVATE server that reads a secret',
      { tier: 'PRIVATE', owner: 'ana', changed: headers({ 'X-A': '${secret:S}' }) },
      'server.spec.streamable_http.headers[X-A]',
    ],
  ] as [string, Parts, string][])('refuses %s', (_what, parts, field) => {
    expect(refused(parts)).toEqual([field]);
  });

  it.each([
    ['a URL', { transport: { ...http, url: 'https://user:hunter2@x.example/' } }, 'headers'],
    [
      'a URL of references',
      { transport: { ...http, url: 'https://${env:A}@x.example/' } },
      'headers',
    ],
    [
      'an OAuth URL',
      { oauth: { ...oauth, tokenUrl: 'https://u:hunter2@x.example' } },
      'client_secret',
    ],
    ['a header', headers({ 'X-A': '${hunter2}' }), 'env:NAME'],
  ] as [string, Partial<ServerSpec>, string][])(
    'never repeats a credential in %s, and says where it belongs',
    (_what, changed, says) => {
      const check = (): void => {
        validateDeclaration(declared({ changed }), 'server');
      };
      expect(check).toThrow(says);
      expect(check).not.toThrow(/hunter2/);
    },
  );

  it('accepts credentials for a proxy in its URL: they have no other place', () => {
    expect(
      refused({ changed: { proxyUrl: 'http://u:${secret:PROXY}@proxy.example:3128' } }),
    ).toEqual([]);
  });

  it('names all that is wrong at once', () => {
    expect(
      refused({ name: '', changed: { transport: { ...stdio, command: '' }, websiteUrl: 'x' } }),
    ).toEqual(['server.name', 'server.spec.stdio.command', 'server.spec.website_url']);
  });

  it.each([
    [
      'arguments',
      { transport: { ...stdio, args: Array<string>(LIMITS.args + 1).fill('a') } },
      'server.spec.stdio.args',
    ],
    [
      'arguments, and does not look at them',
      { transport: { ...stdio, args: Array<string>(LIMITS.args + 1).fill('${x') } },
      'server.spec.stdio.args',
    ],
    [
      'headers',
      headers(
        Object.fromEntries(
          Array.from({ length: LIMITS.headers + 1 }, (_, i) => [`H${String(i)}`, ''] as const),
        ),
      ),
      'server.spec.streamable_http.headers',
    ],
    [
      'icons',
      {
        icons: Array.from({ length: LIMITS.icons + 1 }, () => ({
          src: 'https://x.example/i',
          mimeType: '',
          sizes: [],
          theme: '',
        })),
      },
      'server.spec.icons',
    ],
    [
      'labels',
      {
        labels: Object.fromEntries(
          Array.from({ length: LIMITS.entries + 1 }, (_, i) => [`l${String(i)}`, ''] as const),
        ),
      },
      'server.spec.labels',
    ],
  ] as [string, Partial<ServerSpec>, string][])('refuses too many %s', (_what, changed, field) => {
    expect(refused({ changed })).toEqual([field]);
  });

  it('names each reference that an APP server cannot use once, and at most 100 of them', () => {
    const many = Array.from({ length: 300 }, (_, i) => `\${user:f${String(i)}}`).join('');
    expect(refused({ tier: 'APP', changed: headers({ K: '${user:id}'.repeat(500) }) })).toEqual([
      'server.tier',
    ]);
    expect(refused({ tier: 'APP', changed: headers({ K: many }) })).toHaveLength(100);
  });
});
