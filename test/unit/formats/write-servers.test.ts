import { describe, expect, it } from 'vitest';
import { isSwitchboardError } from '../../../src/domain/errors.js';
import { type ServerSpec, SPEC_DEFAULTS } from '../../../src/domain/config/spec.js';
import { type Format, FORMATS } from '../../../src/formats/format.js';
import { readServers } from '../../../src/formats/read-servers.js';
import {
  type WritableServer,
  type WriteOptions,
  writeServers,
} from '../../../src/formats/write-servers.js';

const HTTP = { kind: 'streamable_http' as const, url: 'https://a.test/mcp', headers: {} };
const NPX = {
  kind: 'stdio' as const,
  command: 'npx',
  args: ['-y', 'p@1.0.0'],
  env: {},
  cwd: '',
  stderr: 'ignore' as const,
};
const OAUTH = {
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

function server(spec: Partial<ServerSpec>, rest: Partial<WritableServer> = {}): WritableServer {
  const full = { ...SPEC_DEFAULTS, transport: HTTP, ...spec };
  return { name: 'a', externalId: 'com.example/a', tier: 'APP', ...rest, spec: full };
}

/** The fields of which writing tells, without doubles. */
function lost(format: Format, one: WritableServer, options?: WriteOptions): readonly string[] {
  return [...new Set(writeServers([one], format, options).losses.map(({ field }) => field))];
}

/** The names in the written file. */
function names(format: Format, servers: readonly WritableServer[]): readonly string[] {
  const { text } = writeServers(servers, format);
  return readServers(text, { format }).servers.map(({ name }) => name);
}

const FOREIGN = FORMATS.filter((format) => format !== 'switchboard');
const EDITORS = ['claude', 'cursor', 'vscode'] as const;

describe('writing', () => {
  it.each([
    ['librechat', []],
    ['claude', []],
    ['cursor', ['spec.websocket']],
    ['vscode', ['spec.websocket']],
    ['server-json', ['spec.websocket']],
  ] as const)('%s of a WebSocket tells %j', (format, fields) => {
    const websocket = { kind: 'websocket' as const, url: 'wss://a.test', headers: {} };
    const one = server({ transport: websocket });
    const told = lost(format, one).filter((field) => !field.startsWith('spec.version'));
    expect(told.filter((field) => field === 'spec.websocket')).toEqual(fields);
    if (format !== 'server-json')
      expect(names(format, [one])).toEqual(fields.length > 0 ? [] : ['a']);
  });

  it.each([
    ['librechat', []],
    ['claude', ['spec.timeouts.connect', 'spec.timeouts.read']],
    ['cursor', ['spec.timeouts']],
    ['vscode', ['spec.timeouts']],
  ] as const)('%s of timeouts tells %j', (format, fields) => {
    const timeouts = { connectMs: 1, callMs: 2, readMs: 3 };
    expect(lost(format, server({ timeouts }))).toEqual(fields);
  });

  it('a librechat.yaml of part of a millisecond rounds it up, and tells', () => {
    const one = server({ timeouts: { callMs: 1.2 } });
    expect(lost('librechat', one)).toEqual(['spec.timeouts.call']);
    expect(writeServers([one], 'librechat').text).toContain('timeout: 2');
  });

  it.each(EDITORS)('%s has values of a user only where it can ask for them', (format) => {
    const headers = {
      Env: '${env:E}',
      Var: '${var:V}',
      User: '${user:id}',
      Request: '${request:message_id}',
      Secret: '${secret:S}',
    };
    const userVariables = { V: { title: '', description: '', sensitive: true } };
    const one = server({ transport: { ...HTTP, headers }, userVariables }, { tier: 'USER' });
    const field = 'spec.streamable_http.headers';
    const told = lost(format, one).filter((path) => path.startsWith(field));
    const expected = [`${field}[User]`, `${field}[Request]`, `${field}[Secret]`];
    if (format !== 'vscode') expected.unshift(`${field}[Var]`);
    expect(told).toEqual(expected);
    const { text } = writeServers([one], format);
    expect(text).not.toContain('user:id');
    expect(text).not.toContain('message_id');
  });

  it.each(FORMATS)('%s never has the secret of an OAuth client', (format) => {
    const secret = server({ oauth: { ...OAUTH, clientSecret: 'p4ssw0rd-${env:A}' } });
    expect(writeServers([secret], format).text).not.toContain('p4ssw0rd');
    expect(lost(format, secret).some((field) => field.startsWith('spec.oauth'))).toBe(true);
  });

  it.each([
    ['switchboard', '${secret:DB}'],
    ['librechat', '${DB}'],
    ['cursor', '${env:DB}'],
  ] as const)('%s has a reference to the secret of an OAuth client', (format, text) => {
    const one = server({ oauth: { ...OAUTH, clientSecret: '${secret:DB}' } });
    expect(writeServers([one], format).text).toContain(text);
  });

  it('a librechat.yaml leaves out PRIVATE servers, unless they are asked for', () => {
    const mine = server({}, { tier: 'PRIVATE', owner: 'ana' });
    expect(writeServers([mine], 'librechat').text).toBe('mcpServers: {}\n');
    expect(lost('librechat', mine)).toEqual(['tier']);
    const { text } = writeServers([mine], 'librechat', { includePrivate: true });
    expect(readServers(text).servers).toHaveLength(1);
    expect(lost('librechat', mine, { includePrivate: true })).toEqual(['owner', 'tier']);
  });

  it.each(EDITORS)('%s tells whose a PRIVATE server was', (format) => {
    const mine = server({}, { tier: 'PRIVATE', owner: 'ana' });
    expect(lost(format, mine)).toEqual(['owner', 'tier']);
    expect(names(format, [mine])).toEqual(['a']);
  });

  it.each(FOREIGN)('%s leaves out what is disabled', (format) => {
    const off = server({ enabled: false });
    expect(lost(format, off)).toEqual(['spec.enabled']);
    expect(writeServers([off], format).text).not.toContain('a.test');
  });

  it.each(FOREIGN)('%s tells a tier that its reader would not derive', (format) => {
    expect(lost(format, server({}, { tier: 'USER' }))).toContain('tier');
    expect(lost(format, server({}, { tier: 'APP' }))).not.toContain('tier');
  });

  it('tells every other field that the format does not have', () => {
    const one = server(
      {
        title: 'A!',
        version: '1',
        websiteUrl: 'https://a.test',
        toolFilter: { allow: ['x'], deny: [] },
        labels: { a: 'b' },
        annotations: { note: 'x', 'claude/alwaysLoad': 'true', 'librechat/chatMenu': 'false' },
        icons: [
          { src: 'https://a.test/1', mimeType: 'image/png', sizes: [], theme: '' },
          { src: 'https://a.test/2', mimeType: '', sizes: [], theme: '' },
        ],
        oauth: {
          ...OAUTH,
          tokenEndpointAuthMethod: 'none',
          scopes: ['a b'],
          grantType: 'client_credentials',
        },
        proxyUrl: 'http://${user:id}:80',
      },
      { externalId: 'row-1', tier: 'APP' },
    );
    expect(lost('librechat', one).toSorted()).toEqual([
      'external_id',
      'spec.annotations[claude/alwaysLoad]',
      'spec.annotations[note]',
      'spec.icons',
      'spec.icons[0]',
      'spec.labels',
      'spec.oauth.grant_type',
      'spec.oauth.scopes',
      'spec.oauth.token_endpoint_auth_method',
      'spec.proxy_url',
      'spec.title',
      'spec.tool_filter',
      'spec.version',
      'spec.website_url',
      'tier',
    ]);
    expect(lost('switchboard', one)).toEqual([]);
  });

  it('puts back only what no writer makes itself', () => {
    const annotations = {
      'librechat/url': '"https://evil.test"',
      'librechat/startup': 'false',
      'librechat/iconPath': '"https://a.test/not-kept-by-a-reader.png"',
      'librechat/oauth.client_id': '"x"',
      'librechat/__proto__': '{"a":1}',
      'librechat/chatMenu': '"not canonical" ',
      'claude/headersHelper': '"rm -rf /"',
    };
    const one = server({ annotations });
    const { text } = writeServers([one], 'librechat');
    expect(text).toBe(
      'mcpServers:\n  com.example/a:\n    type: streamable-http\n    url: https://a.test/mcp\n',
    );
    expect(writeServers([one], 'claude').text).not.toContain('rm -rf');
    expect(lost('librechat', one)).toHaveLength(7);
  });

  it('is the same text whatever the order of the annotations', () => {
    const kept = { 'librechat/iconPath': '"${HOME}"', 'librechat/chatMenu': 'true' };
    const turned = Object.fromEntries(Object.entries(kept).reverse());
    const texts = [kept, turned].map(
      (annotations) => writeServers([server({ annotations })], 'librechat').text,
    );
    expect(texts[0]).toMatch(/chatMenu: true\n +iconPath:/);
    expect(texts[1]).toBe(texts[0]);
  });

  it('of two servers of one name has the first, and tells of the other', () => {
    const two = ['ana', 'bob'].map((owner) => server({}, { tier: 'PRIVATE', owner }));
    expect(names('claude', two)).toEqual(['a']);
    const left = writeServers(two, 'claude').losses.filter(({ field }) => field === 'name');
    expect(left).toHaveLength(1);
  });

  it('VS Code’s inputs are shared, and renamed where they differ', () => {
    const asks = (name: string, description: string): WritableServer =>
      server(
        {
          transport: { ...HTTP, url: 'https://a.test/${var:K}' },
          userVariables: { K: { title: '', description, sensitive: true } },
        },
        { name, externalId: '', tier: 'USER' },
      );
    const { text, losses } = writeServers(
      [asks('a', 'x'), asks('b', 'x'), asks('c', 'y')],
      'vscode',
    );
    const file = JSON.parse(text) as { inputs: unknown; servers: Record<string, { url: string }> };
    expect(file.inputs).toEqual([
      { id: 'K', type: 'promptString', description: 'x', password: true },
      { id: 'K-2', type: 'promptString', description: 'y', password: true },
    ]);
    expect(file.servers['c']?.url).toBe('https://a.test/${input:K-2}');
    expect([...new Set(losses.map((loss) => loss.server))]).toEqual(['c']);
  });

  it('VS Code’s inputs hold nothing of a server that is left out', () => {
    const one = server(
      {
        transport: { kind: 'websocket', url: 'wss://a.test/${var:K}', headers: {} },
        userVariables: { K: { title: '', description: '', sensitive: true } },
      },
      { tier: 'USER' },
    );
    expect(JSON.parse(writeServers([one], 'vscode').text)).toEqual({ servers: {} });
  });

  it('YAML is read alike by readers of YAML 1.1: nothing that could be another type is plain', () => {
    const values = [
      'yes',
      'no',
      'on',
      '012',
      '1e3',
      '2024-01-01',
      '12:30:45',
      '~',
      'null',
      '0o14',
      '=',
      '<<',
      '- a',
      'a: b',
      '#',
      '',
    ];
    const headers = Object.fromEntries(values.map((value, index) => [`X-${String(index)}`, value]));
    const one = server({ transport: { ...HTTP, headers } });
    const { text } = writeServers([one], 'librechat');
    for (const value of values) expect(text).toContain(`: ${JSON.stringify(value)}\n`);
    expect(readServers(text).servers[0]?.spec).toEqual(one.spec);
  });
});

describe('a server.json', () => {
  it('is of one server', () => {
    for (const servers of [[], [server({}), server({}, { name: 'b' })]]) {
      let thrown: unknown;
      try {
        writeServers(servers, 'server-json');
      } catch (error) {
        thrown = error;
      }
      expect(isSwitchboardError(thrown, 'INVALID_FIELD')).toBe(true);
    }
  });

  it('gets a namespace, a description and a version, and tells', () => {
    const one = server({}, { externalId: '' });
    const { text } = writeServers([one], 'server-json', { namespace: 'org.example' });
    expect(JSON.parse(text)).toMatchObject({
      name: 'org.example/a',
      description: 'a',
      version: '0.0.0',
    });
    expect(lost('server-json', one)).toEqual(['external_id', 'spec.description', 'spec.version']);
  });

  it.each([
    [NPX, { registryType: 'npm', identifier: 'p', version: '1.0.0' }],
    [
      { ...NPX, command: 'uvx', args: ['p@latest', 'x'] },
      { registryType: 'pypi', identifier: 'p@latest' },
    ],
    [
      {
        ...NPX,
        command: 'docker',
        args: ['run', '--rm', '-i', '-e', 'A', 'r/p:1', 'x'],
        env: { A: '1' },
      },
      {
        registryType: 'oci',
        identifier: 'r/p:1',
        packageArguments: [{ type: 'positional', value: 'x' }],
      },
    ],
    [
      { ...NPX, command: 'docker', args: ['run', '-i', '--rm', '-v', '/a:/b', 'p'] },
      {
        identifier: 'p',
        runtimeArguments: [
          { type: 'positional', value: '-v' },
          { type: 'positional', value: '/a:/b' },
        ],
      },
    ],
  ])('describes the package that a command runs: %j', (transport, pack) => {
    const { text } = writeServers([server({ transport })], 'server-json');
    expect(JSON.parse(text)).toMatchObject({ packages: [pack] });
    expect(readServers(text).servers[0]?.spec.transport).toEqual(transport);
  });

  it.each([
    { ...NPX, command: 'node', args: ['server.js'] },
    { ...NPX, args: ['-p', 'a', 'b'].slice(0, 1) },
    { ...NPX, args: ['-y', '${env:PACKAGE}'] },
    { ...NPX, args: ['p', '${user:id}'] },
    { ...NPX, command: 'docker', args: ['run', 'p'] },
    { ...NPX, command: 'dnx', args: ['p'] },
  ])('cannot be of a command that no package describes: %j', (transport) => {
    const { text, losses } = writeServers([server({ transport })], 'server-json');
    expect(text).toBe('{}\n');
    expect(losses.at(-1)?.reason).toMatch(/the server is left out$/);
  });

  it('makes inputs of the environment and of secrets, unless their names collide', () => {
    const env = { A: '${env:A}', B: 'x-${secret:B}', C: '${env:C}', D: '${secret:C}' };
    const one = server({ transport: { ...NPX, env } });
    const { text } = writeServers([one], 'server-json');
    const file = JSON.parse(text) as { packages: [{ environmentVariables: unknown }] };
    expect(file.packages[0].environmentVariables).toEqual([
      { name: 'A', isRequired: true },
      { name: 'B', value: 'x-{B}', variables: { B: { isRequired: true, isSecret: true } } },
    ]);
    expect(lost('server-json', one)).toEqual(
      expect.arrayContaining(['A', 'B', 'C', 'D'].map((name) => `spec.stdio.env[${name}]`)),
    );
  });
});
