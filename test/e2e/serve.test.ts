import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import http2 from 'node:http2';
import net from 'node:net';
import path from 'node:path';
import { ChannelCredentials, type ServiceError } from '@grpc/grpc-js';
import { beforeAll, describe, expect, it } from 'vitest';
import { grpcurl, grpcurlBinary } from '../support/processes/grpcurl.js';
import {
  runServerProcess,
  startServerProcess,
  temporaryFolder,
} from '../support/processes/server-process.js';
import {
  GetServerRequest,
  type GetServerResponse,
} from '../../generated/switchboard/v1/registry_service.js';
import { fromStatus } from '../../src/wire/status.js';
import { call } from '../support/grpc/unary-call.js';
import { openWatch } from '../support/grpc/watch-stream.js';
import { eventually } from '../support/eventually.js';
import { createRegistryStub } from '../support/grpc/stubs.js';

const SEED = ['--seed', 'examples/servers.json'] as const;
const tlsFile = (name: string): string =>
  path.join(import.meta.dirname, '../support/network/tls', name);
const LIST = 'switchboard.v1.RegistryService/ListServers';
const APP = JSON.stringify({ view: { app: {} } });

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A file of servers with these names. */
const seedFile = (names: readonly string[]): string =>
  JSON.stringify({
    servers: names.map((name) => ({
      name,
      spec: { streamableHttp: { url: 'https://a.example' } },
    })),
  });

beforeAll(grpcurlBinary, 600_000);

describe('the server process', () => {
  it('never says of a seeded server that there is none, however early it is asked [F3]', async () => {
    await using data = await temporaryFolder();
    const seeds = path.join(data.path, 'seeds.yaml');
    const names = Array.from({ length: 200 }, (_, n) => `seeded-${String(n)}`);
    await writeFile(seeds, seedFile(names));
    const port = String(await freePort());
    const starting = startServerProcess(
      ...['--listen', `127.0.0.1:${port}`, '--data-dir', path.join(data.path, 'data')],
      ...['--seed', seeds],
    );
    const client = createRegistryStub(`127.0.0.1:${port}`, ChannelCredentials.createInsecure(), {
      // As often as it can, and without a pause in which the port would open unnoticed.
      'grpc.initial_reconnect_backoff_ms': 1,
      'grpc.max_reconnect_backoff_ms': 1,
    });
    const request = GetServerRequest.fromPartial({
      view: { kind: { $case: 'app', value: {} } },
      key: { $case: 'name', value: names.at(-1) ?? '' },
    });
    let reason: string;
    // Until it is found, nobody listens there, or it is said that it is too early.
    do {
      reason = await call<'getServer', GetServerRequest, GetServerResponse>(
        client,
        'getServer',
        request,
      ).then(
        ({ server }) => `found ${server?.name ?? ''}`,
        (error: unknown) => fromStatus(error as ServiceError).reason,
      );
    } while (reason === 'UNREACHABLE' || reason === 'STARTING');
    client.close();
    await using server = await starting;
    expect(reason).toBe('found seeded-199');
    expect(server.stdout()).toContain('200 servers created');
  });

  it('says where it listens, where its data is, what it created, and what to try next', async () => {
    await using data = await temporaryFolder();
    const folder = path.join(data.path, 'made', 'by itself');
    const shown: string[] = [];
    for (let start = 0; start < 2; start += 1) {
      await using server = await startServerProcess(...SEED, '--data-dir', folder);
      await eventually(() => {
        expect(server.stderr()).toContain('"serving"');
      });
      shown.push(
        server.stdout().replaceAll(server.address, 'ADDRESS').replaceAll(folder, 'FOLDER'),
      );
      server.kill('SIGTERM');
      expect(await server.exited).toBe(0);
    }
    expect(shown).toMatchInlineSnapshot(`
      [
        "Switchboard listens on ADDRESS and keeps its data in FOLDER
      3 servers created from examples/servers.json, 0 already existed
      Try next:
        grpcurl -plaintext ADDRESS list
        npx switchboard list --app --target ADDRESS
        npx switchboard watch --user ana --target ADDRESS
      ",
        "Switchboard listens on ADDRESS and keeps its data in FOLDER
      0 servers created from examples/servers.json, 3 already existed
      Try next:
        grpcurl -plaintext ADDRESS list
        npx switchboard list --app --target ADDRESS
        npx switchboard watch --user ana --target ADDRESS
      ",
      ]
    `);
  });

  it('logs JSON lines and nothing else on standard error', async () => {
    await using data = await temporaryFolder();
    await using server = await startServerProcess('--data-dir', data.path);
    server.kill('SIGINT');
    expect(await server.exited).toBe(0);
    const lines = server
      .stderr()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { msg: string });
    expect(lines.map(({ msg }) => msg)).toEqual([
      'serving',
      expect.stringContaining('private servers may be at loopback addresses'),
      'stopping',
      'stopped',
    ]);
  });

  it('stops at SIGINT: streams end with a reason and a retry delay, the exit code is 0', async () => {
    await using data = await temporaryFolder();
    await using server = await startServerProcess('--data-dir', data.path, ...SEED);
    const client = createRegistryStub(server.address, ChannelCredentials.createInsecure());
    const view = { kind: { $case: 'app', value: {} } } as const;
    const watch = openWatch(client, { request: { view } });
    await eventually(() => {
      expect(watch.messages.at(-1)?.message?.$case).toBe('synced');
    });
    server.kill('SIGINT');
    const error = fromStatus(await watch.ended);
    expect(error.reason).toBe('SHUTTING_DOWN');
    expect(error.retryDelayMs).toBeGreaterThan(0);
    expect(await server.exited).toBe(0);
    client.close();
  });

  it('ends at once at the second signal, and has lost nothing [F1]', async () => {
    await using data = await temporaryFolder();
    {
      await using server = await startServerProcess(
        ...['--data-dir', data.path, '--drain-timeout', '1h', ...SEED],
      );
      // A call whose request never comes holds the stop up.
      const session = http2.connect(`http://${server.address}`);
      session.on('error', () => undefined);
      await once(session, 'connect');
      const call = session.request({
        ':method': 'POST',
        ':path': `/${LIST}`,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      call.on('error', () => undefined);
      // Answered after the call has arrived: frames keep their order.
      await new Promise((resolve) => session.ping(resolve));
      server.kill('SIGINT');
      await eventually(() => {
        expect(server.stderr()).toContain('"stopping"');
      });
      server.kill('SIGINT');
      expect(await server.exited).toBe(130);
      session.destroy();
    }
    await using again = await startServerProcess('--data-dir', data.path, ...SEED);
    expect(again.stdout()).toContain('0 servers created');
  });

  it.each([
    [
      'a port in use',
      async () => {
        const holder = await startServerProcess('--data-dir', (await temporaryFolder()).path);
        return { args: ['--listen', holder.address], says: /is in use.*--listen/, also: holder };
      },
    ],
    [
      'an address that others can reach',
      async () => ({
        args: ['--listen', '0.0.0.0:0'],
        says: /0\.0\.0\.0 can be reached from other machines.*TLS.*tokens.*--insecure-allow-remote/,
      }),
    ],
    [
      'a folder that is a file',
      async () => ({
        args: ['--data-dir', path.join(import.meta.dirname, 'serve.test.ts')],
        says: /--data-dir .*serve\.test\.ts/,
      }),
    ],
    [
      'a folder that another process has open',
      async () => {
        const { path: dataDir } = await temporaryFolder();
        const holder = await startServerProcess('--data-dir', dataDir);
        const says = /--data-dir .*another process has it open; stop that process/;
        return { args: ['--data-dir', dataDir], says, also: holder };
      },
    ],
    [
      'a seed file that is none',
      async () => ({
        args: ['--seed', import.meta.filename],
        says: /--seed .*: line \d+, column \d+: is not YAML/,
      }),
    ],
    [
      'an option that does not exist',
      async () => ({
        args: ['--prot', '1'],
        says: /unknown option '--prot'.*--help/,
      }),
    ],
  ] as const)('refuses to start with %s: one line, exit code 1', async (_, prepare) => {
    await using data = await temporaryFolder();
    const prepared: { args: readonly string[]; says: RegExp; also?: AsyncDisposable } =
      await prepare();
    const result = await runServerProcess(
      ...['--listen', '127.0.0.1:0', '--data-dir', data.path, ...prepared.args],
    );
    await prepared.also?.[Symbol.asyncDispose]();
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toMatch(prepared.says);
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
  });

  it('refuses a seed that the registry refuses, with its place', async () => {
    await using data = await temporaryFolder();
    const file = path.join(data.path, 'servers.json');
    const server = { name: 'a/b', tier: 'APP', spec: { stdio: { command: 'x' } } };
    await writeFile(file, JSON.stringify({ servers: [server] }));
    const result = await runServerProcess(
      ...['--listen', '127.0.0.1:0', '--data-dir', data.path, '--seed', file],
    );
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(
      /^switchboard: --seed .*: line 1, column 14: servers\[0\]\.name \(a\/b\): must not contain slashes/,
    );
  });

  it('shows its options', async () => {
    const { code, stdout } = await runServerProcess('--help');
    expect(code).toBe(0);
    expect(stdout).toContain('--data-dir');
  });

  it('speaks TLS and demands tokens when told so', async () => {
    await using data = await temporaryFolder();
    const tokens = path.join(data.path, 'tokens.json');
    await writeFile(
      tokens,
      JSON.stringify({
        tokens: [{ token: 'a-token-for-the-test', principal: 'test', roles: ['reader'] }],
      }),
    );
    await using server = await startServerProcess(
      ...['--data-dir', data.path, '--tokens-file', tokens],
      ...['--tls-cert', tlsFile('server.crt'), '--tls-key', tlsFile('server.key')],
    );
    const listWith = (...headers: readonly string[]): ReturnType<typeof grpcurl> =>
      grpcurl(...['-cacert', tlsFile('ca.crt'), ...headers, '-d', APP, server.address, LIST]);

    const good = await listWith('-H', 'authorization: Bearer a-token-for-the-test');
    expect(good).toMatchObject({ code: 0, stderr: '' });
    for (const headers of [[], ['-H', 'authorization: Bearer another-token-altogether']]) {
      const refused = await listWith(...headers);
      expect(refused.code).not.toBe(0);
      expect(refused.stderr).toContain('Code: Unauthenticated');
      expect(refused.stderr).toContain('"reason": "UNAUTHENTICATED"');
    }
    const plain = await grpcurl('-plaintext', '-max-time', '3', '-d', APP, server.address, LIST);
    expect(plain.code).not.toBe(0);
  });
});
