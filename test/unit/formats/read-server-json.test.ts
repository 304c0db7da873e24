import { describe, expect, it } from 'vitest';
import type { ServerSpec } from '../../../src/domain/config/spec.js';
import type { ReadResult } from '../../../src/formats/format.js';
import { readServers } from '../../../src/formats/read-servers.js';

const HEAD = { name: 'com.example/a', description: 'A', version: '1.0.0' };
const STDIO = { transport: { type: 'stdio' } };

function read(rest: object): ReadResult {
  return readServers(JSON.stringify({ ...HEAD, ...rest }), { format: 'server-json' });
}

function specOf(rest: object): ServerSpec {
  const { servers, problems } = read(rest);
  expect(problems).toEqual([]);
  const [server] = servers;
  if (server === undefined) throw new Error('no server was read');
  return server.spec;
}

/** The command line of a package. */
function commandOf(pack: object): string {
  const { transport } = specOf({
    packages: [{ identifier: 'p', version: '1.2.3', ...STDIO, ...pack }],
  });
  if (transport.kind !== 'stdio') throw new Error('no command');
  return [transport.command, ...transport.args].join(' ');
}

function remoteOf(remote: object): Partial<ServerSpec> {
  const { transport, userVariables } = specOf({
    remotes: [{ type: 'streamable-http', url: 'https://a.test', ...remote }],
  });
  return { transport, userVariables };
}

describe('a package', () => {
  it.each([
    [{ registryType: 'npm', identifier: '@a/b' }, 'npx @a/b@1.2.3'],
    [{ registryType: 'npm', runtimeHint: 'bunx' }, 'bunx p@1.2.3'],
    [{ registryType: 'pypi' }, 'uvx p@1.2.3'],
    [{ registryType: 'nuget' }, 'dnx p@1.2.3 --yes'],
    [
      { registryType: 'nuget', packageArguments: [{ type: 'positional', value: 'mcp' }] },
      'dnx p@1.2.3 --yes -- mcp',
    ],
    [{ registryType: 'oci' }, 'docker run -i --rm p:1.2.3'],
    [{ registryType: 'oci', identifier: 'r.io:80/p' }, 'docker run -i --rm r.io:80/p:1.2.3'],
    [{ registryType: 'oci', identifier: 'p:2' }, 'docker run -i --rm p:2'],
    [
      {
        registryType: 'oci',
        runtimeArguments: [
          { type: 'named', name: '-it' },
          { type: 'named', name: '-e', value: 'B=1' },
        ],
        environmentVariables: [
          { name: 'A', value: '1' },
          { name: 'B', value: '2' },
        ],
      },
      'docker run --rm -it -e B=1 -e A p:1.2.3',
    ],
    [
      {
        registryType: 'npm',
        runtimeArguments: [{ type: 'positional', value: '-y' }],
        packageArguments: [
          { type: 'named', name: '--port', value: '80' },
          { type: 'named', name: '--verbose' },
          { type: 'named', name: '--optional', format: 'number' },
          { type: 'named', name: '--mode', default: 'a', choices: ['a', 'b'] },
          { type: 'positional', valueHint: 'dir', isRequired: true, isRepeated: true },
        ],
      },
      'npx -y p@1.2.3 --port 80 --verbose --mode a ${var:dir}',
    ],
  ])('is a command: %j', (pack, command) => {
    expect(commandOf(pack)).toBe(command);
  });

  it('is the first that can be run; of the others each is told', () => {
    const packages = [
      { registryType: 'mcpb', identifier: 'x', ...STDIO },
      {
        registryType: 'npm',
        identifier: 'http',
        transport: { type: 'sse', url: 'http://localhost' },
      },
      { registryType: 'pypi', identifier: 'p', ...STDIO },
      { registryType: 'npm', identifier: 'q', ...STDIO },
    ];
    expect(specOf({ packages }).transport).toMatchObject({ command: 'uvx', args: ['p'] });
    expect(read({ packages }).losses.map(({ field }) => field)).toEqual([
      'packages[0]',
      'packages[1]',
      'packages[3]',
    ]);
  });

  it('that cannot be run is told', () => {
    for (const rest of [{}, { packages: [{ registryType: 'mcpb', identifier: 'x', ...STDIO }] }])
      expect(read(rest).problems).toMatchObject([
        { server: 'com.example/a', message: 'has no remote and no runnable package' },
      ]);
  });
});

describe('a remote', () => {
  it('comes before packages, and streamable HTTP before SSE', () => {
    const sse = { type: 'sse', url: 'https://a.test/sse' };
    const http = { type: 'streamable-http', url: 'https://a.test/mcp' };
    const packages = [{ registryType: 'npm', identifier: 'p', ...STDIO }];
    expect(specOf({ remotes: [sse, http], packages }).transport).toMatchObject({ url: http.url });
    expect(read({ remotes: [sse, http], packages }).losses.map(({ field }) => field)).toEqual([
      'remotes[0]',
      'packages[0]',
    ]);
    expect(specOf({ remotes: [sse] }).transport.kind).toBe('sse');
  });

  it('has templates in braces; what names no variable stays text', () => {
    const variables = {
      region: { isRequired: true, description: 'Where' },
      fixed: { value: 'f' },
      stage: { default: 'prod' },
    };
    const url = 'https://{region}.{fixed}.{stage}.a.test/{other}/${env:HOME}';
    expect(remoteOf({ url, variables })).toEqual({
      transport: {
        kind: 'streamable_http',
        url: 'https://${var:region}.f.prod.a.test/{other}/$${env:HOME}',
        headers: {},
      },
      userVariables: { region: { title: '', description: 'Where', sensitive: false } },
    });
  });

  it('has headers by what each input says', () => {
    const headers = [
      { name: 'X-Fixed', value: 'v' },
      { name: 'X-Key', isRequired: true, isSecret: true, description: 'K' },
      { name: 'X-Default', default: 'd' },
      { name: 'X-Optional' },
      { name: 'X-Maybe', isSecret: true, default: 'never shown' },
      { name: 'Authorization', value: 'Bearer {t}', variables: { t: { isRequired: true } } },
    ];
    expect(remoteOf({ headers })).toMatchObject({
      transport: {
        headers: {
          'X-Fixed': 'v',
          'X-Key': '${var:X_Key}',
          'X-Default': 'd',
          'X-Maybe': '${var:X_Maybe}',
          Authorization: 'Bearer ${var:t}',
        },
      },
      userVariables: { X_Key: { description: 'K', sensitive: true }, X_Maybe: { sensitive: true } },
    });
    const { losses } = read({ remotes: [{ type: 'sse', url: 'https://a.test', headers }] });
    expect(losses.map(({ field, reason }) => `${field}: ${reason}`)).toEqual([
      'remotes[0].headers[2].default: is used as the value; users are not prompted',
      'remotes[0].headers[3]: is optional and has no value: left out',
      'remotes[0].headers[4]: is optional there; here each user must fill it in',
      'remotes[0].headers[4].default: a user variable has no default',
    ]);
  });

  it('has one user variable for equal inputs of a name, two for different ones', () => {
    const region = (description: string): object => ({ region: { description, isRequired: true } });
    const headers = [
      { name: 'A', value: '{region}', variables: region('same') },
      { name: 'B', value: '{region}', variables: region('other') },
    ];
    const { transport, userVariables } = remoteOf({
      headers,
      url: 'https://a.test/{region}',
      variables: region('same'),
    });
    expect(transport).toMatchObject({ headers: { A: '${var:region}', B: '${var:region_2}' } });
    expect(Object.keys(userVariables ?? {})).toEqual(['region', 'region_2']);
  });
});

describe('a server.json', () => {
  it('has its last part for a name, and tells what concerns only registries', () => {
    const rest = {
      remotes: [{ type: 'sse', url: 'https://a.test' }],
      $schema: 'https://static.modelcontextprotocol.io/schemas/2025-10-17/server.schema.json',
      repository: { url: 'https://a.test', source: 'github' },
      _meta: { 'x/y': 1 },
    };
    const { servers, losses } = read(rest);
    expect(servers[0]).toMatchObject({ name: 'a', externalId: 'com.example/a' });
    expect(losses.map(({ field }) => field).sort()).toEqual(['$schema', '_meta', 'repository']);
    expect(servers[0]?.spec.annotations).toEqual({
      'server-json/_meta': '{"x/y":1}',
      'server-json/repository': '{"url":"https://a.test","source":"github"}',
    });
  });

  it.each([
    [{ name: 'weather' }, 'name'],
    [{ version: undefined }, 'version'],
    [{ packages: [{ registry_type: 'npm' }] }, 'packages[0].registryType'],
    [
      {
        remotes: [
          {
            type: 'streamable-http',
            url: 'https://a.test',
            headers: [{ name: 'A B', value: 'x' }],
          },
        ],
      },
      'remotes[0].headers[0]',
    ],
    [
      { remotes: [{ type: 'sse', url: '{base}/x', variables: { base: { isRequired: true } } }] },
      'remotes[0].url',
    ],
  ])('is refused with the place: %j', (rest, field) => {
    const { servers, problems } = read(rest);
    expect(servers).toEqual([]);
    expect(problems.map((problem) => problem.field)).toContain(field);
  });
});
