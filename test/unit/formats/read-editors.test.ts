import { describe, expect, it } from 'vitest';
import type { Format, ReadResult } from '../../../src/formats/format.js';
import { readServers } from '../../../src/formats/read-servers.js';

function read(format: Format, file: object): ReadResult {
  return readServers(JSON.stringify(file), { format });
}

function specOf(format: Format, entry: object, rest: object = {}): unknown {
  const key = format === 'vscode' ? 'servers' : 'mcpServers';
  const { servers, problems } = read(format, { ...rest, [key]: { a: entry } });
  expect(problems).toEqual([]);
  return servers[0]?.spec;
}

function told(format: Format, entry: object): readonly string[] {
  const key = format === 'vscode' ? 'servers' : 'mcpServers';
  const { problems, losses } = read(format, { [key]: { a: entry } });
  return [...problems, ...losses].map(({ field }) => field.replace(`${key}.a.`, ''));
}

describe('an entry of mcpServers', () => {
  it.each([
    ['stdio', 'stdio'],
    ['local', 'stdio'],
    ['http', 'streamable_http'],
    ['streamable-http', 'streamable_http'],
    ['streamableHttp', 'streamable_http'],
    ['sse', 'sse'],
    ['ws', 'websocket'],
  ])('has the transport of its type: %s', (type, kind) => {
    const url = type === 'ws' ? 'wss://a.test' : 'https://a.test';
    const entry = kind === 'stdio' ? { type, command: 'x' } : { type, url };
    expect(specOf('claude', entry)).toMatchObject({ transport: { kind } });
  });

  it('has streamable HTTP for a url without a type, also by Windsurf’s word', () => {
    const transport = { kind: 'streamable_http', url: 'https://a.test' };
    expect(specOf('cursor', { url: 'https://a.test' })).toMatchObject({ transport });
    expect(specOf('cursor', { serverUrl: 'https://a.test' })).toMatchObject({ transport });
    expect(told('cursor', { serverUrl: 'a.test' })).toEqual(['serverUrl']);
  });

  it('has what the products around it add', () => {
    expect(
      specOf('claude', {
        command: 'x',
        timeout: 5,
        disabled: true,
        tools: ['a'],
        disabledTools: ['b'],
      }),
    ).toMatchObject({
      timeouts: { callMs: 5 },
      enabled: false,
      toolFilter: { allow: ['a'], deny: ['b'] },
    });
    expect(specOf('claude', { command: 'x', tools: ['*'] })).toMatchObject({
      toolFilter: { allow: [] },
    });
  });

  it('has an OAuth client, as Claude Code and as Cursor say it', () => {
    const oauth = { clientId: 'id', scopes: 'a b', authServerMetadataUrl: 'https://a.test' };
    expect(specOf('claude', { url: 'https://a.test', oauth })).toMatchObject({
      oauth: { clientId: 'id', scopes: ['a', 'b'] },
      annotations: { 'claude/oauth.authServerMetadataUrl': '"https://a.test"' },
    });
    const auth = { CLIENT_ID: '${env:ID}', CLIENT_SECRET: '${env:S}', scopes: ['a'] };
    expect(specOf('cursor', { url: 'https://a.test', auth })).toMatchObject({
      oauth: { clientId: '${env:ID}', clientSecret: '${env:S}', scopes: ['a'] },
    });
  });

  it('never keeps a command that makes headers', () => {
    const entry = { url: 'https://a.test', headersHelper: 'rm -rf /', alwaysLoad: true };
    expect(specOf('claude', entry)).toMatchObject({ annotations: { 'claude/alwaysLoad': 'true' } });
    expect(JSON.stringify(specOf('claude', entry))).not.toContain('rm -rf');
    expect(told('claude', entry).toSorted()).toEqual(['alwaysLoad', 'headersHelper']);
  });

  it('with folders of the user’s machine is refused', () => {
    expect(told('cursor', { command: 'x', args: ['${workspaceFolder}/a'] })).toEqual(['args[0]']);
    expect(told('cursor', { command: '${userHome}/bin/x' })).toEqual(['command']);
    expect(told('claude', { command: '${HOME}/bin/x' })).toEqual(['command']);
  });

  it('with a `$` directly before a placeholder is refused: that has no spelling here', () => {
    expect(told('claude', { command: 'x', args: ['$${PRICE}'] })).toEqual(['args[0]']);
  });
});

describe('an entry of VS Code', () => {
  const inputs = [
    { type: 'promptString', id: 'api-key', description: 'Key', password: true },
    { type: 'promptString', id: 'api_key', description: 'Other' },
    { type: 'promptString', id: '9', description: 'Digit' },
    { type: 'promptString', id: 'unused', description: '' },
  ];

  it('has its inputs as user variables, those that it uses', () => {
    const env = { A: '${input:api-key}', B: '${input:api_key}', C: '${input:9}' };
    expect(specOf('vscode', { command: 'x', env }, { inputs })).toMatchObject({
      transport: { env: { A: '${var:api_key}', B: '${var:api_key_2}', C: '${var:_9}' } },
      userVariables: {
        api_key: { title: 'api-key', description: 'Key', sensitive: true },
        api_key_2: { title: 'api_key', description: 'Other', sensitive: false },
        _9: { title: '9', description: 'Digit', sensitive: false },
      },
    });
    const { servers, losses } = read('vscode', { inputs, servers: { a: { command: 'x', env } } });
    expect(losses).toEqual([{ field: 'inputs[3]', line: 1, reason: 'is used by no server' }]);
    expect(Object.keys(servers[0]?.spec.userVariables ?? {})).not.toContain('unused');
  });

  it('has numbers in env as text, and nothing for null', () => {
    const entry = { command: 'x', env: { PORT: 80, GONE: null } };
    expect(specOf('vscode', entry)).toMatchObject({ transport: { env: { PORT: '80' } } });
    expect(told('vscode', entry)).toEqual(['env.GONE']);
  });

  it.each([
    [{ type: 'ws', url: 'wss://a.test' }, ['type']],
    [{ type: 'http', url: 'unix:///tmp/a.sock' }, ['url']],
    [{ command: 'x', cwd: '${workspaceFolder}' }, ['cwd']],
    [{ command: 'x', dev: { watch: '*' }, envFile: '.env' }, ['dev', 'envFile']],
  ])('tells of what has no meaning on a server: %j', (entry, fields) => {
    expect(told('vscode', entry)).toEqual(fields);
  });

  it('tells of broken inputs, and of the servers that use them', () => {
    const broken = [{ type: 'promptString' }, inputs[0], inputs[0], 'x'];
    const servers = { a: { command: 'x', args: ['${input:y}'] }, b: { command: 'x' } };
    const { problems, servers: read_ } = read('vscode', { inputs: broken, servers });
    expect(problems.map(({ field, server }) => [field, server])).toEqual([
      ['inputs[0].id', undefined],
      ['inputs[2].id', undefined],
      ['inputs[3]', undefined],
      ['servers.a.args[0]', 'a'],
    ]);
    expect(read_.map(({ name }) => name)).toEqual(['b']);
  });
});

describe('a name with slashes', () => {
  it('becomes the last part, with the whole as external id', () => {
    const { servers } = read('vscode', { servers: { 'io.github.x/weather': { command: 'x' } } });
    expect(servers[0]).toMatchObject({ name: 'weather', externalId: 'io.github.x/weather' });
  });
});
