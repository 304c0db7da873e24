import { describe, expect, it } from 'vitest';
import type { Format } from '../../../src/formats/format.js';
import { readServers } from '../../../src/formats/read-servers.js';
import { suspicionOf } from '../../../src/formats/secret-patterns.js';
import { suspectsIn } from '../../../src/formats/suspects.js';

/** Put together here, so that no scanner takes this file for a leak. */
const of = (prefix: string, length: number): string =>
  prefix + 'aB3dE6gH9jK2mN5pQ8sT1vW4yZ7'.repeat(4).slice(0, length);
const GITHUB = of('ghp_', 36);

/** What is told of a file: field and reason, and the line of each. */
function told(format: Format, file: object): readonly string[] {
  const text = JSON.stringify(file, null, 1);
  const { servers, problems } = readServers(text, { format });
  expect(problems).toEqual([]);
  return servers.flatMap(suspectsIn).map(({ field, line, reason }) => {
    if (!field.endsWith(']')) expect(text.split('\n')[line - 1]).toContain(field.split('.').at(-1));
    expect(reason).not.toContain(GITHUB.slice(0, 12));
    return `${field}: ${reason.replace(/:.*/, '')}`;
  });
}

describe('a value of a file', () => {
  it.each([
    ['librechat', 'mcpServers', '${TOKEN}'],
    ['claude', 'mcpServers', '${TOKEN}'],
    ['cursor', 'mcpServers', '${env:TOKEN}'],
    ['vscode', 'servers', '${env:TOKEN}'],
  ] as const)('that looks like a secret is told with its place in %s', (format, key, reference) => {
    const local = { command: 'x', args: ['--token', GITHUB, '<YOUR_ORG>'], env: { A: reference } };
    const remote = {
      type: 'http',
      url: 'https://a.test/mcp?api_key=' + of('', 24),
      headers: {
        Authorization: 'Bearer abc',
        'X-Trace': of('', 24),
        'X-Key': `Bearer ${reference}`,
      },
    };
    expect(told(format, { [key]: { local, remote } })).toEqual([
      `${key}.local.args[1]: looks like a GitHub token`,
      `${key}.local.args[2]: contains a placeholder that nobody filled in`,
      `${key}.remote.url: looks like a secret`,
      `${key}.remote.headers.Authorization: looks like credentials`,
    ]);
  });

  it('is found in our own format, in OAuth and proxies too', () => {
    const oauth = {
      clientId: 'YOUR_CLIENT_ID',
      clientSecret: 'x',
      headers: { 'X-Api-Key': GITHUB },
    };
    const spec = {
      stdio: { command: 'x', env: { DB_PASSWORD: 'short' } },
      proxyUrl: 'http://user:secret@proxy.test',
      oauth,
    };
    const safe = { ...oauth, clientId: 'a', clientSecret: '${secret:X}', headers: {} };
    const servers = [
      { name: 'a', spec },
      { name: 'b', spec: { stdio: { command: 'x', env: { TOKEN: '${env:T}' } }, oauth: safe } },
    ];
    expect(told('switchboard', { servers })).toEqual([
      'servers[0].spec.stdio.env.DB_PASSWORD: looks like a secret',
      'servers[0].spec.proxyUrl: looks like a secret',
      'servers[0].spec.oauth.clientId: contains a placeholder that nobody filled in',
      'servers[0].spec.oauth.clientSecret: looks like a secret',
      'servers[0].spec.oauth.headers.X-Api-Key: looks like a GitHub token',
    ]);
  });

  it('is found in a server.json', () => {
    const file = {
      name: 'io.github.a/b',
      description: 'd',
      version: '1.0.0',
      remotes: [
        {
          type: 'streamable-http',
          url: 'https://a.test/mcp',
          headers: [{ name: 'Authorization', value: `Bearer ${GITHUB}` }],
        },
      ],
    };
    expect(told('server-json', file)).toEqual(['remotes[0].headers[0]: looks like a GitHub token']);
  });
});

describe('a text', () => {
  it.each([
    ['github_pat_', 40, 'a GitHub token'],
    ['glpat-', 20, 'a GitLab token'],
    ['sk-', 40, 'an API key'],
    ['sk-ant-api03-', 40, 'an API key'],
    ['xoxb-', 30, 'a Slack token'],
    ['sk_live_', 24, 'a Stripe key'],
    ['npm_', 36, 'an npm token'],
    ['hf_', 34, 'a Hugging Face token'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx', 20, 'a JSON Web Token'],
  ])('that begins with %s is a token under any name', (prefix, length, what) => {
    expect(suspicionOf('X', `before ${of(prefix, length)}`)).toEqual({ kind: 'secret', what });
  });

  it('is an AWS key or a private key by its form', () => {
    const key = of('AKIA', 16).toUpperCase();
    expect(suspicionOf('', key)).toMatchObject({ what: 'an AWS access key' });
    expect(suspicionOf('', '-----BEGIN RSA PRIVATE KEY-----')).toMatchObject({ kind: 'secret' });
  });

  it.each(['API_KEY', 'apiKey', 'x-api-key', 'GITHUB_TOKEN', 'webhookSecret', '--token', 'Cookie'])(
    'that looks random is a secret under %s, and a word is none',
    (name) => {
      expect(suspicionOf(name, of('', 20))).toMatchObject({ kind: 'secret' });
      for (const text of [
        '',
        'true',
        'disabled',
        '/etc/keys/server.pem',
        'https://keys.test/abcdef12345',
      ])
        expect(suspicionOf(name, text)).toBeUndefined();
    },
  );

  it.each(['MONKEY', 'KEYBOARD_LAYOUT', 'TOKENS_PER_MINUTE', 'PATH', 'KEY_FILE', 'COMPASS'])(
    'is no secret under %s',
    (name) => {
      expect(suspicionOf(name, of('', 24))).toBeUndefined();
    },
  );

  it.each([
    ...['<YOUR_TOKEN>', 'Bearer <token>', 'YOUR_API_KEY', 'your-github-token-here', 'your_api_key'],
    ...['changeme', 'CHANGE-ME', 'xxxxxxxx', '***', 'REPLACE_WITH_TOKEN', 'insert-your-key'],
  ])('is a placeholder that nobody filled in: %s', (text) => {
    expect(suspicionOf('X', text)).toEqual({ kind: 'unfilled' });
  });

  it.each([
    'a < b and c > d',
    'Your team',
    'yourself',
    'exchange-me',
    'https://your.test',
    '<https://a.test>',
  ])('is none: %s', (text) => {
    expect(suspicionOf('X', text)).toBeUndefined();
  });
});
