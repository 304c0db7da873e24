import { hostname } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type CliFolder, cliFolder } from '../support/processes/cli-in-folder.js';
import { startServerProcess, temporaryFolder } from '../support/processes/server-process.js';

interface Result {
  readonly action: string;
  readonly server?: { readonly name: string; readonly etag: string };
}
interface Report {
  readonly files: readonly {
    readonly file: string;
    readonly set: string;
    readonly format: string;
    readonly prune: boolean;
    readonly problems: readonly { server?: string; field: string; line: number; column: number }[];
    readonly losses: readonly { field: string; reason: string }[];
    readonly warnings: readonly { server: string; field: string; line: number }[];
    readonly counts: Readonly<Record<string, number>>;
    readonly plan: { readonly results?: readonly Result[]; readonly applied?: boolean } | null;
    readonly outcome: {
      readonly results?: readonly Result[];
      readonly stopped: boolean;
      readonly error: { readonly reason: string } | null;
    } | null;
  }[];
}
interface Listed {
  readonly header: { readonly token: string };
  readonly servers?: readonly { name: string; tier: string; set?: string; owner?: string }[];
}

/** A server without inspection, whose findings would be commits too, and a folder to work in. */
async function start(): Promise<CliFolder & { readonly beside: (name: string) => CliFolder }> {
  const folder = await temporaryFolder();
  const data = await temporaryFolder();
  const server = await startServerProcess('--data-dir', data.path, '--inspect=false');
  onTestFinished(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
    await data[Symbol.asyncDispose]();
  });
  const beside = (name: string) => cliFolder(path.join(folder.path, name), server.address);
  return { ...beside('.'), beside };
}

/** The name of the set of a file below the folder. */
const setName = (cli: CliFolder, file: string): string =>
  `${hostname()}:${path.join(cli.path, file)}`;

const listed = (cli: CliFolder): Promise<Listed> => cli.json(['list', '--inventory']);
const namesOf = async (cli: CliFolder): Promise<readonly string[]> =>
  ((await listed(cli)).servers ?? []).map(({ name }) => name).sort();

/** A set of our own with servers of these names. */
const setOf = (...names: readonly string[]): string =>
  JSON.stringify({
    servers: names.map((name) => ({
      name,
      spec: { streamableHttp: { url: `https://${name}.example/mcp` } },
    })),
  });

const LIBRECHAT = `version: 1.2.8
mcpServers:
  files:
    command: npx
    args: ["-y", "@modelcontextprotocol/server-filesystem", "/srv/files"]
    timeout: 30000
  tickets:
    type: streamable-http
    url: https://tickets.example/mcp
    headers:
      Authorization: "Bearer {{TICKETS_TOKEN}}"
      X-User: "{{LIBRECHAT_USER_ID}}"
    customUserVars:
      TICKETS_TOKEN:
        title: Token
        description: From your profile page
    serverInstructions: true
    chatMenu: false
`;
const CLAUDE = `{
  "mcpServers": {
    "search": { "type": "http", "url": "https://search.example/mcp",
                "headers": { "X-Key": "\${SEARCH_KEY}" } },
    "clock": { "command": "uvx", "args": ["clock-server"], "env": { "ZONE": "\${TZ:-UTC}" } }
  }
}
`;
const CURSOR = `{ "mcpServers": { "designs": { "url": "https://designs.example/mcp",
  "headers": { "Authorization": "Bearer \${env:DESIGNS_TOKEN}" } } } }
`;
const VSCODE = `{
  // Asked once, kept in the secret storage.
  "inputs": [{ "id": "db-key", "type": "promptString", "description": "Key", "password": true }],
  "servers": { "database": { "type": "stdio", "command": "db-mcp", "env": { "KEY": "\${input:db-key}" } } }
}
`;
const SERVER_JSON = JSON.stringify({
  $schema: 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json',
  name: 'com.example/weather',
  description: 'Tells the weather',
  version: '1.0.2',
  remotes: [{ type: 'streamable-http', url: 'https://weather.example/mcp' }],
});
const OWN = `servers:
  - name: diary
    tier: PRIVATE
    owner: ana
    spec:
      streamableHttp: { url: https://diary.example/mcp }
      title: Diary
`;

describe('switchboard apply', () => {
  it('makes what asks for a sign-in USER, and refuses it as APP with the reason', async () => {
    const cli = await start();
    const url = 'https://drive.example/mcp';
    await cli.write(
      'librechat.yaml',
      `mcpServers:
  flag: { type: streamable-http, url: ${url}, requiresOAuth: true }
  block: { type: streamable-http, url: ${url}, oauth: { client_id: a } }
  plain: { type: streamable-http, url: ${url} }
`,
    );
    expect(await cli.run(['apply', 'librechat.yaml'])).toMatchObject({ code: 0 });
    const { servers = [] } = await listed(cli);
    expect(servers.map(({ name, tier }) => [name, tier]).sort()).toEqual([
      ['block', 'TIER_USER'],
      ['flag', 'TIER_USER'],
      ['plain', 'TIER_APP'],
    ]);

    const app = await cli.run(['apply', 'librechat.yaml', '--tier', 'app', '--dry-run']);
    expect(app.stdout).toContain('! flag');
    expect(app.stdout).toContain('requires_oauth asks each user to sign in; make it USER');
    const user = await cli.run(['apply', 'librechat.yaml', '--tier', 'user', '--dry-run']);
    expect(user.stdout).toContain('~ plain\n      tier: "TIER_APP" -> "TIER_USER"');
    const odd = await cli.run(['apply', 'librechat.yaml', '--tier', 'private']);
    expect(odd).toMatchObject({ code: 2 });
  });

  it('warns of what looks like a secret, and makes it everybody’s only if that is meant', async () => {
    const cli = await start();
    const token = `ghp_${'aB3dE6gH9j'.repeat(4)}`;
    const file = {
      mcpServers: {
        github: { command: 'npx github-mcp', env: { TOKEN: token } },
        maps: { type: 'http', url: 'https://maps.example/mcp', headers: { 'X-Key': '<YOUR_KEY>' } },
        plain: { url: 'https://plain.example/sse' },
      },
    };
    await cli.write('.mcp.json', JSON.stringify(file, null, 2));
    const refused = await cli.run(['apply', '.mcp.json']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /\.mcp\.json:6: warning: mcpServers\.github\.env\.TOKEN: looks like a GitHub token/,
    );
    expect(refused.stderr).toMatch(/\.mcp\.json:6:\d+: mcpServers.*--allow-shared-secrets/);
    expect(refused.stderr).toMatch(/warning: mcpServers\.maps\.headers\.X-Key: .*placeholder/);
    expect(refused.stderr).toMatch(/note: mcpServers\.github\.command: contains arguments/);
    expect(refused.stderr).toMatch(/note: mcpServers\.plain\.url: ends in \/sse/);
    expect(await namesOf(cli)).toEqual(['plain']);

    const dry = await cli.json<Report>(['apply', '.mcp.json', '--tier', 'user', '--dry-run']);
    expect(dry.files[0]?.problems).toEqual([]);
    expect(dry.files[0]?.warnings).toMatchObject([
      { server: 'github', field: 'mcpServers.github.env.TOKEN', line: 6 },
      { server: 'maps', field: 'mcpServers.maps.headers.X-Key' },
    ]);
    expect(JSON.stringify(dry.files[0]?.warnings)).not.toContain(token.slice(0, 8));
    expect(refused.stdout + refused.stderr).not.toContain(token.slice(0, 8));

    const meant = await cli.run(['apply', '.mcp.json', '--allow-shared-secrets']);
    expect(meant).toMatchObject({ code: 0 });
    const { servers = [] } = await listed(cli);
    expect(servers.map(({ tier }) => tier)).toEqual(['TIER_APP', 'TIER_APP', 'TIER_APP']);
  });

  it('takes the files that people have, each as it is; applied again, it changes nothing [R4]', async () => {
    const cli = await start();
    const files = {
      'librechat.yaml': LIBRECHAT,
      '.mcp.json': CLAUDE,
      '.cursor/mcp.json': CURSOR,
      '.vscode/mcp.json': VSCODE,
      'weather/server.json': SERVER_JSON,
      'own.yaml': OWN,
    };
    for (const [file, text] of Object.entries(files)) await cli.write(file, text);
    const apply = ['apply', ...Object.keys(files)];

    const first = await cli.run(apply);
    expect(first.stderr.split('\n').filter((line) => !line.includes(': note: '))).toEqual(['']);
    expect(first).toMatchObject({ code: 0 });
    expect(first.stderr).toContain('librechat.yaml:18: note: mcpServers.tickets.chatMenu: ');
    expect(first.stdout).toContain('librechat.yaml: 2 applied (2 created)\n');

    const { servers = [], header } = await listed(cli);
    const facts = servers.map(({ name, tier, owner, set }) => [name, tier, owner, set]);
    expect(facts.sort()).toEqual([
      ['clock', 'TIER_APP', undefined, setName(cli, '.mcp.json')],
      ['database', 'TIER_USER', undefined, setName(cli, '.vscode/mcp.json')],
      ['designs', 'TIER_APP', undefined, setName(cli, '.cursor/mcp.json')],
      ['diary', 'TIER_PRIVATE', 'ana', setName(cli, 'own.yaml')],
      ['files', 'TIER_APP', undefined, setName(cli, 'librechat.yaml')],
      ['search', 'TIER_APP', undefined, setName(cli, '.mcp.json')],
      ['tickets', 'TIER_USER', undefined, setName(cli, 'librechat.yaml')],
      ['weather', 'TIER_APP', undefined, setName(cli, 'weather/server.json')],
    ]);

    const second = await cli.run([...apply, '--prune', '--yes']);
    expect(second).toMatchObject({ code: 0 });
    expect(second.stdout).toContain('Nothing to change.\n');
    expect((await listed(cli)).header.token).toBe(header.token);
  });

  it('applies 199 of 200, and reports the broken one with line and field [C7]', async () => {
    const cli = await start();
    const entry = (n: number): string =>
      n === 100
        ? `  s${String(n)}:\n    type: streamable-http\n    url: 17\n`
        : `  s${String(n)}:\n    type: streamable-http\n    url: https://s${String(n)}.example/mcp\n`;
    const text = `mcpServers:\n${Array.from({ length: 200 }, (_, n) => entry(n)).join('')}`;
    await cli.write('librechat.yaml', text);
    const line = text.split('\n').indexOf('    url: 17') + 1;

    const result = await cli.run(['apply', 'librechat.yaml']);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(
      new RegExp(`^librechat\\.yaml:${String(line)}:5: mcpServers\\.s100\\.url: .+\\n$`),
    );
    expect(result.stdout).toContain('librechat.yaml: 199 applied (199 created), 1 broken\n');
    expect(await namesOf(cli)).toHaveLength(199);

    const report = await cli.json<Report>(['apply', 'librechat.yaml']);
    expect(report.files).toMatchObject([
      {
        file: 'librechat.yaml',
        set: setName(cli, 'librechat.yaml'),
        format: 'librechat',
        problems: [{ server: 's100', field: 'mcpServers.s100.url', line, column: 5 }],
        counts: { unchanged: 199, broken: 1, created: 0, updated: 0 },
        outcome: null,
      },
    ]);
  });

  it('shows on a dry run what it would do, and writes nothing [R6]', async () => {
    const cli = await start();
    await cli.write('a.json', setOf('one', 'two'));
    expect(await cli.run(['apply', 'a.json'])).toMatchObject({ code: 0 });
    const { token } = (await listed(cli)).header;
    const changed = setOf('two', 'three').replace('two.example', 'two.changed.example');
    await cli.write('a.json', changed);

    const dry = await cli.run(['apply', 'a.json', '--dry-run', '--prune']);
    expect(dry).toMatchObject({ code: 0, stderr: '' });
    expect(dry.stdout).toBe(
      [
        'a.json (switchboard): 2 servers',
        '  ~ two',
        '      spec.streamable_http.url: "https://two.example/mcp" -> "https://two.changed.example/mcp"',
        '  + three  APP  https://three.example/mcp',
        '  - one',
        'Dry run: nothing was changed.',
        '',
      ].join('\n'),
    );
    const report = await cli.json<Report>(['apply', 'a.json', '--dry-run']);
    expect(report.files[0]).toMatchObject({
      plan: {
        results: [
          { action: 'ACTION_UPDATED' },
          { action: 'ACTION_CREATED' },
          { action: 'ACTION_LEFT', server: { name: 'one' } },
        ],
      },
      outcome: null,
    });
    expect((await listed(cli)).header.token).toBe(token);
  });

  it('deletes what the file no longer has only with --prune, and never what it cannot read', async () => {
    const cli = await start();
    await cli.write('a.json', setOf('one', 'two', 'three'));
    await cli.run(['apply', 'a.json']);
    await cli.write('a.json', setOf('one'));
    const left = await cli.run(['apply', 'a.json']);
    expect(left.stdout).toContain('  . two  no longer in the file; --prune deletes it\n');
    expect(await namesOf(cli)).toEqual(['one', 'three', 'two']);

    await cli.write('a.json', '{"servers": [{"name": "one", "spec": {"sse": {"url": 5}}}, 7]}');
    const broken = await cli.run(['apply', 'a.json', '--prune', '--yes']);
    expect(broken.code).toBe(1);
    expect(broken.stderr).toContain('a.json: nothing in it can be applied\n');
    await cli.write('a.json', setOf('one', 'two').replace(/\]\}$/, ', {"name": "three"}]}'));
    const partly = await cli.run(['apply', 'a.json', '--prune', '--yes']);
    expect(partly.code).toBe(1);
    expect(partly.stderr).toContain('a.json: --prune is skipped: ');
    expect(await namesOf(cli)).toEqual(['one', 'three', 'two']);

    await cli.write('a.json', setOf('one'));
    const pruned = await cli.run(['apply', 'a.json', '--prune', '--reason', 'cleaned up', '--yes']);
    expect(pruned).toMatchObject({ code: 0, stderr: '' });
    expect(pruned.stdout).toContain('a.json: 1 unchanged, 2 deleted\n');
    expect(await namesOf(cli)).toEqual(['one']);
  });

  it('does not prune the servers of another project whose file has the same name', async () => {
    const cli = await start();
    const [one, two] = [cli.beside('one'), cli.beside('two')];
    await one.write('.mcp.json', CLAUDE);
    await two.write('.mcp.json', CLAUDE.replaceAll('clock', 'watch').replaceAll('search', 'find'));
    expect(await one.run(['apply', '.mcp.json'])).toMatchObject({ code: 0 });
    const pruned = await two.run(['apply', '.mcp.json', '--prune', '--yes']);
    expect(pruned.stdout).toContain('.mcp.json: 2 applied (2 created)\n');
    expect(await namesOf(cli)).toEqual(['clock', 'find', 'search', 'watch']);

    const other = await two.run(['apply', '../one/.mcp.json', '--set', 'mine']);
    expect(other.code).toBe(1);
    expect(other.stdout).toContain(`pass --set ${JSON.stringify(setName(one, '.mcp.json'))} if`);
  });

  it('touches no server for a file that is broken as a whole, nor for one that is not there', async () => {
    await using folder = await temporaryFolder();
    const cli = cliFolder(folder.path, '127.0.0.1:1');
    await cli.write('a.yaml', 'mcpServers:\n  one: [\n');
    const broken = await cli.run(['apply', 'a.yaml']);
    expect(broken.code).toBe(1);
    expect(broken.stderr).toMatch(/^a\.yaml:\d+:\d+: is not YAML: /);
    expect(await cli.run(['apply', 'b.yaml'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'switchboard: b.yaml: no such file\n',
    });
    await cli.write('c.json', setOf('one'));
    expect(await cli.run(['apply', 'c.json'])).toMatchObject({ code: 5, stdout: '' });
  });

  it('goes on with the other files when one is broken', async () => {
    const cli = await start();
    await cli.write('a.yaml', '}');
    await cli.write('b.json', setOf('one'));
    const report = await cli.json<Report>(['apply', 'a.yaml', 'b.json']);
    expect(report.files).toMatchObject([{ plan: null }, { counts: { created: 1 } }]);
    expect(await namesOf(cli)).toEqual(['one']);
  });

  it('changes all or nothing, if that is asked [R5]', async () => {
    const cli = await start();
    await cli.write('a.json', setOf('one'));
    await cli.run(['apply', 'a.json']);
    const { token } = (await listed(cli)).header;
    await cli.write('b.json', setOf('two', 'one', 'three'));
    await cli.write('c.json', setOf('four').replace(/\]\}$/, ', {"name": "five"}]}'));

    const refused = await cli.run(['apply', 'b.json', '--all-or-nothing']);
    expect(refused.code).toBe(1);
    expect(refused.stdout).toMatch(/ {2}! one {2}OTHER_SET: b\.json:\d+:\d+: .*a\.json/);
    expect(refused.stdout).toContain('  . two  held back, because another server was refused\n');
    expect(refused.stdout).toContain('Nothing was changed: ');
    const unreadable = await cli.run(['apply', 'c.json', '--all-or-nothing']);
    expect(unreadable).toMatchObject({ code: 1 });
    expect((await listed(cli)).header.token).toBe(token);

    const taken = await cli.json<Report>(['apply', 'b.json', '--all-or-nothing', '--take-over']);
    expect(taken.files[0]).toMatchObject({ counts: { created: 2, updated: 1 } });
    const { servers = [] } = await listed(cli);
    expect(new Set(servers.map(({ set }) => set))).toEqual(new Set([setName(cli, 'b.json')]));
  });

  it('tells of each server that is refused where it stands, and applies the others [C7]', async () => {
    const cli = await start();
    await cli.write('a.json', setOf('one'));
    await cli.run(['apply', 'a.json']);
    await cli.write(
      'b.yaml',
      'servers:\n  - name: two\n    spec: { sse: { url: "https://b" } }\n  - name: one\n    spec: { sse: { url: "https://b" } }\n',
    );
    const result = await cli.run(['apply', 'b.yaml']);
    expect(result.code).toBe(1);
    expect(result.stdout).toMatch(/^ {2}! one {2}OTHER_SET: b\.yaml:4:5: /m);
    expect(result.stdout).toContain('b.yaml: 1 applied (1 created), 1 refused\n');
    expect(await namesOf(cli)).toEqual(['one', 'two']);
  });

  it('reads standard input, and knows a set by the name that it is given', async () => {
    const cli = await start();
    const piped = await cli.run(['apply', '-', '--set', 'pipeline'], setOf('one'));
    expect(piped).toMatchObject({ code: 0, stderr: '' });
    await cli.write('sub/a.json', setOf('two'));
    await cli.run(['apply', './sub/../sub/a.json']);
    const { servers = [] } = await listed(cli);
    expect(servers.map(({ name, set }) => `${name} ${String(set)}`).sort()).toEqual([
      'one pipeline',
      `two ${setName(cli, 'sub/a.json')}`,
    ]);
    expect(await cli.run(['apply', '-', '--prune'], setOf('one'))).toMatchObject({ code: 2 });
  });

  it('applies more servers than fit in a step, and prunes in the end', async () => {
    const cli = await start();
    const many = Array.from({ length: 250 }, (_, n) => `s${String(n)}`);
    await cli.write('a.json', setOf(...many, 'old'));
    const first = await cli.json<Report>(['apply', 'a.json']);
    expect(first.files[0]!.counts).toMatchObject({ created: 251, open: 0 });
    await cli.write('a.json', setOf(...many).replaceAll('.example', '.changed.example'));
    const second = await cli.run(['apply', 'a.json', '--prune', '--yes']);
    expect(second).toMatchObject({ code: 0, stderr: '' });
    expect(second.stdout).toContain('a.json: 250 applied (250 updated), 1 deleted\n');
    expect(await namesOf(cli)).toEqual([...many].sort());
  });
});
