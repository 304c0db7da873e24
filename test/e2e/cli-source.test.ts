import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../support/eventually.js';
import { type CliFolder, cliFolder } from '../support/processes/cli-in-folder.js';
import { openAdmin, userView } from '../support/grpc-admin/grpc-admin.js';
import { httpRow, sourcesFile } from '../support/loads/server.js';
import { startSourceServer } from '../support/loads/source-server.js';
import { startServerProcess, temporaryFolder } from '../support/processes/server-process.js';

interface Started {
  readonly cli: CliFolder;
  /** How often the server has logged that it may not load. */
  refusals(): number;
  /** What Ana has now. */
  names(): Promise<readonly string[]>;
}

/** A control plane with the private source `app-db` for the tenant `acme`, where Ana is loaded. */
async function start(): Promise<Started> {
  const [folder, data, source] = [
    await temporaryFolder(),
    await temporaryFolder(),
    await startSourceServer(),
  ];
  source.setRows('ana', [httpRow('one'), httpRow('two')]);
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
  const refusals = (): number =>
    server.stderr().split('nothing is loaded at this replica').length - 1;
  return { cli: cliFolder(folder.path, server.address), refusals, names };
}

const acme = ['--tenant', 'acme'];

describe('switchboard source', () => {
  it('shows and renames the source, and a replica of the old name says so [P36]', async () => {
    const { cli, names, refusals } = await start();
    expect((await cli.run(['source', 'show', ...acme])).stdout).toBe(
      'Source:        none: nothing was ever loaded\nThis replica:  app-db\n',
    );
    expect(await names()).toEqual(['one', 'two']);
    const plan = [
      'app-db -> hub',
      '  its servers keep their ids and stay loaded',
      '  replicas that are configured with hub will load from it, others no longer',
      '',
    ].join('\n');
    const dry = await cli.run(['source', 'rename', 'app-db', 'hub', '--dry-run', ...acme]);
    expect(dry).toMatchObject({ code: 0, stdout: plan, stderr: '' });
    const done = await cli.run(['source', 'rename', 'app-db', 'hub', ...acme]);
    expect(done).toMatchObject({ code: 0, stdout: `${plan}Renamed.\n` });
    expect(await cli.json(['source', 'show', ...acme])).toMatchObject({
      source: {
        name: 'hub',
        firstName: 'app-db',
        state: 'STATE_ACTIVE',
        formerNames: ['app-db'],
        configuredName: 'app-db',
      },
    });
    const status = await cli.run(['load-status', 'ana', ...acme]);
    expect(status.stdout).toMatch(/^Failure: +SOURCE_DIFFERS: .*"hub".*"app-db"/m);
    const refused = await cli.run(['load', 'bob', ...acme]);
    expect(refused).toMatchObject({ code: 5, stdout: '' });
    expect(refused.stderr).toContain('What to do: Correct the --private-sources file');
    await eventually(() => {
      expect(refusals()).toBe(1);
    });
    const late = await cli.run(['source', 'rename', 'app-db', 'web', ...acme]);
    expect(late).toMatchObject({ code: 1, stdout: '' });
    expect(late.stderr).toContain('SOURCE_MISMATCH');
    expect(await names()).toEqual(['one', 'two']);
  });

  it('removes the source and its servers, or keeps them [P36, R6]', async () => {
    const { cli, names } = await start();
    expect(await names()).toEqual(['one', 'two']);
    for (const flags of [[], ['--drop', '--keep']]) {
      const unclear = await cli.run(['source', 'remove', 'app-db', ...flags, ...acme]);
      expect(unclear).toMatchObject({ code: 2, stdout: '' });
    }
    const keep = await cli.run(['source', 'remove', 'app-db', '--keep', '--dry-run', ...acme]);
    expect(keep.stdout).toBe(
      'app-db\n  2 servers will stay, and can be changed by hand\n  nothing will be loaded from it any more\n',
    );
    expect(
      await cli.json(['source', 'remove', 'app-db', '--keep', '--dry-run', ...acme]),
    ).toMatchObject({ keptCount: 2 });
    const unasked = await cli.run(['source', 'remove', 'app-db', '--drop', ...acme]);
    expect(unasked).toMatchObject({ code: 2 });
    expect(unasked.stderr).toContain('pass --yes');
    expect(await names()).toEqual(['one', 'two']);
    const args = ['source', 'remove', 'app-db', '--drop', '--reason', 'moved', '--yes', ...acme];
    const done = await cli.run(args);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(done.stdout).toMatch(/Removed: 2 servers deleted, 0 servers kept\.\n$/);
    expect(await names()).toEqual([]);
    const shown = await cli.run(['source', 'show', ...acme]);
    expect(shown.stdout).toMatch(/^State: +removed; /m);
    const refused = await cli.run(['load', 'ana', ...acme]);
    expect(refused.stderr).toContain('SOURCE_REMOVED');
  });
});
