import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  runCli,
  type Running,
  startCli,
  startServerProcess,
  temporaryFolder,
} from '../support/processes/server-process.js';
import { eventually } from '../support/eventually.js';

const tlsFile = (name: string): string =>
  path.join(import.meta.dirname, '../support/network/tls', name);

const linesOf = (running: Running): readonly string[] =>
  running
    .stdout()
    .split('\n')
    .filter((line) => line !== '');

async function seedFile(folder: string, names: readonly string[]): Promise<string> {
  const file = path.join(folder, 'servers.json');
  const spec = { stdio: { command: 'npx', args: ['-y', 'a-server'] } };
  const servers = names.map((name) => ({ name, tier: 'APP', spec }));
  await writeFile(file, JSON.stringify({ servers }));
  return file;
}

describe('switchboard', () => {
  it('gets and lists, as text and as proto JSON', async () => {
    await using data = await temporaryFolder();
    const seed = await seedFile(data.path, ['files', 'weather']);
    await using server = await startServerProcess('--data-dir', data.path, '--seed', seed);
    const target = ['--target', server.address];

    const list = await runCli(['list', '--user', 'ana', '--group', 'a', '--group', 'b', ...target]);
    expect(list).toMatchObject({ code: 0, stderr: '' });
    expect(list.stdout.split('\n').map((line) => line.split(/\s{2,}/).slice(0, 4))).toEqual([
      ['NAME', 'TIER', 'TRANSPORT', 'WHERE'],
      ['files', 'APP', 'stdio', 'npx -y a-server'],
      ['weather', 'APP', 'stdio', 'npx -y a-server'],
      [''],
    ]);
    const asJson = await runCli(['list', '--app', '--json'], {
      SWITCHBOARD_TARGET: server.address,
    });
    expect(asJson.stdout.trim().split('\n')).toHaveLength(1);
    const { servers, header } = JSON.parse(asJson.stdout) as {
      servers: { id: string; name: string }[];
      header: { token: string };
    };
    expect(servers).toMatchObject([{ name: 'files', tier: 'TIER_APP' }, { name: 'weather' }]);
    expect(header.token).not.toBe('');

    const get = await runCli(['--json', 'get', 'files', '--app', ...target]);
    expect(JSON.parse(get.stdout)).toMatchObject({ server: { id: servers[0]!.id } });
    const byId = await runCli(['get', '--id', servers[0]!.id, ...target]);
    expect(byId.stdout).toMatch(/^Name: +files$/m);
  });

  it('tells scripts and people what went wrong', async () => {
    await using data = await temporaryFolder();
    await using server = await startServerProcess('--data-dir', data.path);
    const failures: readonly (readonly [number, readonly string[], RegExp])[] = [
      [3, ['get', 'nothing', '--app'], /SERVER_NOT_FOUND: [^]*What to do: Check the name/],
      [2, ['get', 'nothing'], /a view is required/],
      [2, ['list', '--app', '--user', 'ana'], /a view is required/],
      [2, ['list', '--user', ''], /INVALID_FIELD: [^]*What to do:/],
      [2, ['list', '--nope'], /unknown option '--nope'/],
      [2, ['frobnicate'], /unknown command/],
      [
        5,
        ['list', '--app', '--target', '127.0.0.1:1'],
        /UNREACHABLE: [^]*What to do: Check the address/,
      ],
      [5, ['watch', '--app', '--target', '127.0.0.1:1'], /UNREACHABLE/],
    ];
    for (const [code, args, says] of failures) {
      const result = await runCli(args, { SWITCHBOARD_TARGET: server.address });
      expect(result, args.join(' ')).toMatchObject({ code, stdout: '' });
      expect(result.stderr).toMatch(says);
      expect(result.stderr).not.toMatch(/\n\s+at /);
    }
  });
  it('presents a token over TLS', async () => {
    await using data = await temporaryFolder();
    const tokens = path.join(data.path, 'tokens.json');
    const known = {
      token: 'a-token-for-the-test',
      principal: 'test',
      roles: ['reader'],
      tenants: ['acme'],
    };
    await writeFile(tokens, JSON.stringify({ tokens: [known] }));
    await using server = await startServerProcess(
      ...['--data-dir', data.path, '--tokens-file', tokens],
      ...['--tls-cert', tlsFile('server.crt'), '--tls-key', tlsFile('server.key')],
    );
    const run = (env: NodeJS.ProcessEnv): ReturnType<typeof runCli> =>
      runCli(['list', '--app', '--target', server.address, '--tls-ca', tlsFile('ca.crt')], env);
    const env = { SWITCHBOARD_TOKEN: 'a-token-for-the-test', SWITCHBOARD_TENANT: 'acme' };
    expect(await run(env)).toMatchObject({ code: 0, stdout: 'This view has no servers.\n' });
    expect(await run({ ...env, SWITCHBOARD_TENANT: 'other' })).toMatchObject({ code: 4 });
    expect((await run({})).stderr).toContain('UNAUTHENTICATED');
  });

  it('watches across a server that is killed, and goes on where it was [W7, F1]', async () => {
    await using data = await temporaryFolder();
    const folder = ['--data-dir', path.join(data.path, 'data')];
    const seed = async (...names: readonly string[]): Promise<readonly string[]> => [
      '--seed',
      await seedFile(data.path, names),
    ];
    await using first = await startServerProcess(...folder, ...(await seed('files')));
    await using watch = startCli(['watch', '--app', '--target', first.address]);
    await eventually(() => {
      expect(linesOf(watch)).toHaveLength(2);
    });
    first.kill('SIGKILL');
    await first.exited;
    await using second = await startServerProcess(
      ...[...folder, '--listen', first.address, ...(await seed('files', 'weather'))],
    );
    await eventually(() => {
      expect(linesOf(watch).map((line) => line.split(/\s+/).slice(0, 2).join(' '))).toEqual([
        'ADDED files',
        'SYNCED waiting',
        // The change comes after the resume point, whichever is told first.
        expect.stringMatching(/^(SYNCED|ADDED)/),
        expect.stringMatching(/^(SYNCED|ADDED)/),
      ]);
    });
    expect(watch.stdout()).toContain('ADDED      weather');
    expect(watch.stdout()).not.toContain('RESET');
    expect(watch.stderr()).toMatch(/reconnecting in \d+ ms/);
    watch.kill('SIGINT');
    expect(await watch.exited).toBe(0);
    second.kill('SIGTERM');
    expect(await second.exited).toBe(0);
  });

  it('watches as proto JSON, a message each line', async () => {
    await using data = await temporaryFolder();
    const seed = await seedFile(data.path, ['files']);
    await using server = await startServerProcess('--data-dir', data.path, '--seed', seed);
    await using watch = startCli(['watch', '--app', '--json', '--target', server.address]);
    await eventually(() => {
      expect(linesOf(watch).map((line) => JSON.parse(line) as unknown)).toMatchObject([
        { event: { type: 'TYPE_ADDED', server: { name: 'files' } } },
        { synced: {} },
      ]);
    });
  });

  it('serves, as the server process does', async () => {
    await using data = await temporaryFolder();
    await using server = startCli(['serve', '--listen', '127.0.0.1:0', '--data-dir', data.path]);
    await eventually(() => {
      expect(server.stdout()).toContain('Switchboard listens on 127.0.0.1:');
    });
    server.kill('SIGINT');
    expect(await server.exited).toBe(0);
    const refused = await runCli(['serve', '--listen', '0.0.0.0:0']);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
  });
});
