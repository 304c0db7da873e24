import { describe, expect, it, onTestFinished } from 'vitest';
import { type CliFolder, cliFolder } from '../support/processes/cli-in-folder.js';
import { eventually } from '../support/eventually.js';
import {
  startCli,
  startServerProcess,
  temporaryFolder,
} from '../support/processes/server-process.js';

async function start(): Promise<CliFolder> {
  const folder = await temporaryFolder();
  const data = await temporaryFolder();
  const server = await startServerProcess('--data-dir', data.path, '--inspect=false');
  onTestFinished(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
    await data[Symbol.asyncDispose]();
  });
  return cliFolder(folder.path, server.address);
}

const OWN = `servers:
  - name: files
    tier: APP
    spec:
      stdio: { command: npx, args: ["-y", "a"], env: { HOME_DIR: "\${env:FILES_HOME}" } }
      title: "Files: all of them"
      timeouts: { call: 90s }
  - name: tickets
    tier: USER
    externalId: ext-1
    spec:
      streamableHttp:
        url: https://tickets.example/mcp
        headers: { Authorization: "Bearer \${var:TOKEN}" }
      userVariables: { TOKEN: { title: Token, sensitive: true } }
      labels: { team: support }
  - name: old
    tier: APP
    spec: { sse: { url: https://old.example/sse }, enabled: false }
  - name: diary
    tier: PRIVATE
    owner: ana
    spec: { websocket: { url: wss://diary.example/mcp } }
  - name: diary
    tier: PRIVATE
    owner: bob
    spec: { websocket: { url: wss://diary.example/mcp } }
`;

describe('switchboard export', () => {
  it('and apply carry everything from one registry to another', async () => {
    const [from, to] = [await start(), await start()];
    await from.write('own.yaml', OWN);
    expect(await from.run(['apply', 'own.yaml'])).toMatchObject({ code: 0, stderr: '' });

    for (const notation of [[], ['--json']]) {
      const exported = await from.run(['export', ...notation]);
      expect(exported).toMatchObject({ code: 0, stderr: '' });
      const carried = await to.run(['apply', '-'], exported.stdout);
      expect(carried).toMatchObject({ code: 0, stderr: '' });
      const again = await to.run(['export', ...notation]);
      // The inventory is by id, and ids are each registry's own.
      expect(sortedBlocks(again.stdout)).toEqual(sortedBlocks(exported.stdout));
    }
    const second = await to.run(['apply', '-'], (await from.run(['export'])).stdout);
    expect(second.stdout).toContain('Nothing to change.\n');
  });

  it('says on standard error what a format cannot say, and by its exit code that a server is missing', async () => {
    const cli = await start();
    await cli.write('own.yaml', OWN);
    await cli.run(['apply', 'own.yaml']);
    const librechat = await cli.run(['export', '--format', 'librechat']);
    expect(librechat.code).toBe(1);
    expect(librechat.stdout).toContain('Bearer {{TOKEN}}');
    expect(librechat.stdout).not.toContain('diary');
    expect(librechat.stderr).toMatch(/^old: spec\.enabled: .*left out$/m);
    expect(librechat.stderr).toMatch(/^diary: tier: .*left out$/m);
    expect(librechat.stderr).toContain('3 servers of 5 cannot be represented in this format\n');

    const whole = await cli.run(['export', 'files', 'tickets', '--format', 'librechat']);
    expect(whole.code).toBe(0);
    expect(whole.stderr).toContain('tickets: spec.labels: ');
  });

  it('shows no credentials in URLs, and says so; nor do watch and history', async () => {
    await using folder = await temporaryFolder();
    await using data = await temporaryFolder();
    await using server = await startServerProcess('--data-dir', data.path, '--inspect=false');
    const cli = cliFolder(folder.path, server.address);
    const proxied = (name: string, proxyUrl: string) => ({
      name,
      tier: 'APP',
      spec: { sse: { url: 'https://a.example/sse' }, proxyUrl },
    });
    const servers = [
      proxied('a', 'http://ana:hunter2@proxy.example'),
      proxied('b', 'http://${secret:PROXY}@proxy.example'),
    ];
    await cli.write('a.json', JSON.stringify({ servers }));
    expect(await cli.run(['apply', 'a.json', '--allow-shared-secrets'])).toMatchObject({
      code: 0,
    });
    for (const notation of [[], ['--json']]) {
      const exported = await cli.run(['export', ...notation]);
      expect(exported.stdout).toContain('http://***@proxy.example');
      expect(exported.stdout).toContain('http://${secret:PROXY}@proxy.example');
      expect(exported.stderr).toContain('credentials in URLs are replaced by ***');
      expect(exported.stdout).not.toContain('hunter2');
    }
    const history = await cli.run(['history', 'a', '--json']);
    expect(history.stdout).toContain('http://***@proxy.example');
    expect(history.stdout).not.toContain('hunter2');
    await using watching = startCli(['watch', '--app', '--json', '--target', server.address]);
    await eventually(() => {
      expect(watching.stdout()).toContain('http://***@proxy.example');
    });
    expect(watching.stdout()).not.toContain('hunter2');
  });

  it('prints what is chosen by view, name and set', async () => {
    const cli = await start();
    await cli.write('own.yaml', OWN);
    await cli.run(['apply', 'own.yaml']);
    await cli.write(
      'b.json',
      '{"servers": [{"name": "b", "spec": {"sse": {"url": "https://b"}}}]}',
    );
    await cli.run(['apply', 'b.json', '--set', 'b.json']);
    const names = async (...args: readonly string[]): Promise<readonly string[]> => {
      const { servers } = await cli.json<{ servers: { name: string }[] }>(['export', ...args]);
      return servers.map(({ name }) => name).sort();
    };
    expect(await names('--set', 'b.json')).toEqual(['b']);
    expect(await names('--user', 'ana')).toEqual(['b', 'diary', 'files', 'old', 'tickets']);
    expect(await names('--app')).toEqual(['b', 'files', 'old']);
    expect(await names('diary')).toEqual(['diary', 'diary']);
    const json = await cli.run(['export', 'b', '--format', 'server.json']);
    expect(JSON.parse(json.stdout)).toHaveProperty('remotes');
    for (const [args, code] of [
      [['nothing'], 3],
      [['--set', 'nothing'], 3],
      [['--format', 'server.json'], 2],
      [['--format', 'nothing'], 2],
      [['--format', 'claude', '--json'], 2],
    ] as const) {
      expect(await cli.run(['export', ...args]), args.join(' ')).toMatchObject({
        code,
        stdout: '',
      });
    }
  });
});

/** A file as the texts of its servers, sorted. */
function sortedBlocks(text: string): readonly string[] {
  const blocks = text.startsWith('{')
    ? (JSON.parse(text) as { servers: object[] }).servers.map((server) => JSON.stringify(server))
    : text.split(/^ {2}- /m).slice(1);
  return blocks.sort();
}
