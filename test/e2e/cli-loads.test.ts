import { describe, expect, it, onTestFinished } from 'vitest';
import { type CliFolder, cliFolder } from '../support/processes/cli-in-folder.js';
import { openAdmin, userView } from '../support/grpc-admin/grpc-admin.js';
import { httpRow, sourcesFile } from '../support/loads/server.js';
import { type SourceServer, startSourceServer } from '../support/loads/source-server.js';
import { startServerProcess, temporaryFolder } from '../support/processes/server-process.js';

interface Started {
  readonly cli: CliFolder;
  readonly source: SourceServer;
  /** What Ana has now. */
  names(): Promise<readonly string[]>;
}

/** A control plane with a private source for the tenant `acme`, and the command beside it. */
async function start(): Promise<Started> {
  const [folder, data, source] = [
    await temporaryFolder(),
    await temporaryFolder(),
    await startSourceServer(),
  ];
  const file = await sourcesFile([{ tenant: 'acme', target: source.address }]);
  const flags = ['--data-dir', data.path, '--private-sources', file.path];
  const server = await startServerProcess(...flags);
  const admin = openAdmin(server.address);
  onTestFinished(async () => {
    admin.close();
    await server[Symbol.asyncDispose]();
    await source.stop();
    for (const each of [folder, data, file]) await each[Symbol.asyncDispose]();
  });
  const names = async (): Promise<readonly string[]> => {
    const { servers } = await admin.list({ tenant: 'acme', view: userView('ana') });
    return servers.map(({ name }) => name);
  };
  return { cli: cliFolder(folder.path, server.address), source, names };
}

const acme = ['--tenant', 'acme'];

describe('switchboard load', () => {
  it('loads, tells how far it is, and loads anew when told to', async () => {
    const { cli, source, names } = await start();
    source.setRows('ana', [httpRow('notes'), httpRow('files', { name: 'a/b' })]);
    const cold = await cli.run(['load-status', 'ana', ...acme]);
    expect(cold).toMatchObject({ code: 0, stderr: '' });
    expect(cold.stdout).toBe(
      'User:    ana\nSource:  app-db\nState:   never loaded; the next read for the user loads\n',
    );
    const loaded = await cli.run(['load', 'ana', ...acme]);
    expect(loaded).toMatchObject({ code: 0, stderr: '' });
    expect(loaded.stdout).toMatch(/^State: +loaded\nLoaded: .*\nServers: +1\nLeft out: +1 row$/m);
    expect(loaded.stdout).toMatch(/^files +a\/b +INVALID_FIELD: /m);
    expect(await names()).toEqual(['notes']);

    source.setRows('ana', [httpRow('more')]);
    const changed = await cli.run(['invalidate', 'ana', '--reason', 'new key', ...acme]);
    expect(changed.stdout).toBe('Invalidated: the next read for ana reloads from app-db.\n');
    expect(await cli.json(['load-status', 'ana', ...acme])).toMatchObject({
      load: { user: 'ana', state: 'STATE_INVALIDATED', source: 'app-db' },
    });
    expect(await names()).toEqual(['more']);
    const forced = await cli.json(['load', 'ana', '--force', ...acme]);
    expect(forced).toMatchObject({ load: { state: 'STATE_LOADED', serverCount: 1 } });
    expect(source.calls('ana')).toBe(3);
  });

  it('tells what failed, and what to do', async () => {
    const { cli, source } = await start();
    source.setBehaviour('ana', { end: { code: 'INTERNAL', details: 'no such table' } });
    const failed = await cli.run(['load', 'ana', ...acme]);
    expect(failed).toMatchObject({ code: 5, stdout: '' });
    expect(failed.stderr).toMatch(/SOURCE_UNAVAILABLE: .*app-db.*no such table/);
    expect(failed.stderr).toContain('What to do: ');
    const status = await cli.run(['load-status', 'ana', ...acme]);
    expect(status.stdout).toMatch(/^Failure: +SOURCE_UNAVAILABLE: .*no such table/m);
    expect(await cli.run(['load'])).toMatchObject({ code: 2 });
    expect(await cli.run(['load', ' ', ...acme])).toMatchObject({ code: 2, stdout: '' });

    const idle = await cli.run(['invalidate', 'ana']);
    expect(idle.stdout).toBe('Nothing to invalidate: the tenant has no private source.\n');
    const none = await cli.run(['load', 'ana']);
    expect(none.stdout).toContain('none in this tenant');
  });
});

describe('switchboard purge-user', () => {
  it('shows what it would take away, takes it, and says how the user comes back [R6]', async () => {
    const { cli, source, names } = await start();
    source.setRows('ana', [httpRow('one'), httpRow('two')]);
    await cli.run(['load', 'ana', ...acme]);
    const dry = await cli.run(['purge-user', 'ana', '--dry-run', ...acme]);
    const plan = [
      ...['ana', '  2 servers of the user will be deleted'],
      '  access to 0 servers of others will be revoked',
      '  nothing will be loaded until `switchboard load ana --force`',
      '',
    ].join('\n');
    expect(dry).toMatchObject({ code: 0, stdout: plan, stderr: '' });
    expect(await names()).toEqual(['one', 'two']);
    expect(await cli.json(['purge-user', 'ana', '--dry-run', ...acme])).toMatchObject({
      deletedCount: 2,
    });
    const done = await cli.run(['purge-user', 'ana', '--yes', '--reason', 'left', ...acme]);
    expect(done.stdout).toBe(`${plan}Purged: 2 servers deleted, access to 0 servers revoked.\n`);
    expect(await names()).toEqual([]);
    const refused = await cli.run(['load', 'ana', ...acme]);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('USER_PURGED');
    const status = await cli.run(['load-status', 'ana', ...acme]);
    expect(status.stdout).toContain('`switchboard load ana --force`');
    expect((await cli.run(['invalidate', 'ana', ...acme])).stdout).toContain('ana is purged');
    expect(await cli.run(['load', 'ana', '--force', ...acme])).toMatchObject({ code: 0 });
    expect(await names()).toEqual(['one', 'two']);
  });
});
