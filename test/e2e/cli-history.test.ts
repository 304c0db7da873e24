import { describe, expect, it, onTestFinished } from 'vitest';
import { type CliFolder, cliFolder } from '../support/processes/cli-in-folder.js';
import { type Admin, openAdmin } from '../support/grpc-admin/grpc-admin.js';
import { freePort, startEverything } from '../support/mcp/everything.js';
import { startOddServer } from '../support/mcp/odd-http.js';
import { startServerProcess, temporaryFolder } from '../support/processes/server-process.js';

const ownedBy = (owner: string, title: string) => ({
  name: 'weather',
  tier: 'PRIVATE',
  owner,
  spec: { title, streamableHttp: { url: 'https://weather.example/mcp' } },
});
const set = (...servers: readonly object[]): string => JSON.stringify({ servers });
const weather = (url: string, title?: string): string =>
  set({ name: 'weather', spec: { streamableHttp: { url }, ...(title && { title }) } });

async function start(...flags: readonly string[]): Promise<{ cli: CliFolder; admin: Admin }> {
  const folder = await temporaryFolder();
  const data = await temporaryFolder();
  const server = await startServerProcess('--data-dir', data.path, '--inspect=false', ...flags);
  const admin = openAdmin(server.address);
  onTestFinished(async () => {
    admin.close();
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
    await data[Symbol.asyncDispose]();
  });
  return { cli: cliFolder(folder.path, server.address), admin };
}

/** Applies one file with each of the contents, one after the other. */
async function versions(cli: CliFolder, ...texts: readonly string[]): Promise<void> {
  for (const [n, text] of texts.entries()) {
    await cli.write('a.json', text);
    const reason = `step ${String(n + 1)}`;
    const applied = await cli.run(['apply', 'a.json', '--reason', reason, '--shadow', '--yes']);
    expect(applied).toMatchObject({ code: 0 });
  }
}

/** The cells of a table, without its heading. */
const rows = (table: string): readonly (readonly string[])[] =>
  table
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split(/ {2,}/));

interface Explained {
  readonly winnerId?: string;
  readonly candidates: readonly { id: string; owner?: string; verdict?: string }[];
}

describe('the history of a server', () => {
  it('tells every version, and what differs between two', async () => {
    const { cli } = await start();
    await versions(
      cli,
      weather('https://a.example/mcp'),
      weather('https://b.example/mcp', 'Weather'),
      weather('https://c.example/mcp', 'Weather'),
    );
    const history = await cli.run(['history', 'weather']);
    expect(history).toMatchObject({ code: 0, stderr: '' });
    expect(rows(history.stdout).map(([generation, , , ...rest]) => [generation, ...rest])).toEqual([
      ['3', 'apply', 'spec.streamable_http.url', 'step 3'],
      ['2', 'apply', 'spec.streamable_http.url, spec.title', 'step 2'],
      ['1', 'apply', 'step 1'],
    ]);
    const json = await cli.json<{ versions: { generation: string; cause: string }[] }>([
      ...['history', 'weather'],
    ]);
    expect(json.versions).toMatchObject([
      { generation: '3', cause: 'CAUSE_APPLY' },
      { generation: '2' },
      { generation: '1' },
    ]);

    const newest = (await cli.run(['diff', 'weather'])).stdout.split('\n');
    expect(newest.slice(2)).toEqual([
      '  spec.streamable_http.url',
      '-     "https://b.example/mcp"',
      '+     "https://c.example/mcp"',
      '',
    ]);
    expect(newest[0]).toMatch(/^--- generation 2, .*: step 2$/);
    expect(await cli.json(['diff', 'weather', '--from', '1', '--to', '3'])).toMatchObject({
      from: 1,
      to: 3,
      changes: [
        {
          path: 'spec.streamable_http.url',
          before: '"https://a.example/mcp"',
          after: '"https://c.example/mcp"',
        },
        { path: 'spec.title', before: '', after: '"Weather"' },
      ],
    });
    const unknown = await cli.run(['diff', 'weather', '--from', '9']);
    expect(unknown).toMatchObject({ code: 3, stdout: '' });
    expect(unknown.stderr).toContain('the newest are 3, 2, 1');
  });

  it('is rolled back to what an older version declared, after its diff was shown [R6]', async () => {
    const { cli } = await start();
    await versions(
      cli,
      weather('https://a.example/mcp'),
      weather('https://b.example/mcp', 'Weather'),
    );
    const dry = await cli.run(['rollback', 'weather', '--to', '1', '--dry-run']);
    expect(dry).toMatchObject({ code: 0, stderr: '' });
    expect(dry.stdout).toContain('+     "https://a.example/mcp"\n');
    expect(rows((await cli.run(['history', 'weather'])).stdout)).toHaveLength(2);

    const back = await cli.run(['rollback', 'weather', '--to', '1', '--reason', 'wrong url']);
    expect(back).toMatchObject({ code: 0, stderr: '' });
    expect(back.stdout).toMatch(/^- {5}"Weather"$/m);
    expect(back.stdout).toContain('Rolled back: weather is now at generation 3.\n');
    const [newest] = rows((await cli.run(['history', 'weather'])).stdout);
    expect(newest).toContain('rollback');
    expect(newest).toContain('wrong url');
    expect((await cli.run(['diff', 'weather', '--from', '1'])).stdout).toContain(
      'no field differs',
    );
    const again = await cli.run(['rollback', 'weather', '--to', '1']);
    expect(again).toMatchObject({ code: 0 });
    expect(again.stdout).toContain('nothing to change');
    expect(await cli.run(['rollback', 'weather', '--to', '9'])).toMatchObject({ code: 3 });
    expect(await cli.run(['rollback', 'weather'])).toMatchObject({ code: 2 });
  });

  it('of a deleted server can be read, and the server be put back', async () => {
    const { cli } = await start();
    await versions(cli, weather('https://a.example/mcp'));
    await cli.write('a.json', set());
    expect(await cli.run(['apply', 'a.json', '--prune', '--yes'])).toMatchObject({ code: 0 });
    expect(rows((await cli.run(['history', 'weather'])).stdout)).toHaveLength(2);
    const gone = await cli.run(['inspect', 'weather']);
    expect(gone).toMatchObject({ code: 3, stdout: '' });
    expect(gone.stderr).toContain('switchboard undelete --id ');

    const checked = await cli.run(['undelete', 'weather', '--dry-run']);
    expect(checked.stdout).toMatch(/^weather \(APP\) would be restored, with the id /);
    const back = await cli.run(['undelete', 'weather', '--reason', 'still needed']);
    expect(back).toMatchObject({ code: 0, stderr: '' });
    expect(back.stdout).toMatch(/^weather \(APP\) is restored, with the id /);
    expect((await cli.run(['get', 'weather', '--app'])).stdout).toMatch(/^Generation: +3$/m);
    const twice = await cli.run(['undelete', 'weather']);
    expect(twice).toMatchObject({ code: 1, stdout: '' });
    expect(twice.stderr).toContain('NOT_DELETED');
    expect(await cli.run(['undelete', 'nothing'])).toMatchObject({ code: 3 });
  });

  it('of several servers of a name needs to be told which', async () => {
    const { cli } = await start();
    await cli.write('a.json', set(ownedBy('ana', 'A'), ownedBy('bob', 'B')));
    await cli.run(['apply', 'a.json']);
    const several = await cli.run(['history', 'weather']);
    expect(several).toMatchObject({ code: 2, stdout: '' });
    expect(several.stderr).toMatch(/2 servers have the name weather: [^]*PRIVATE of (ana|bob)\n/);

    const ofBob = await cli.json<{ versions: [{ server: { id: string; owner: string } }] }>([
      ...['history', 'weather', '--user', 'bob'],
    ]);
    expect(ofBob.versions[0].server.owner).toBe('bob');
    const { candidates } = await cli.json<Explained>(['explain', 'weather', '--inventory']);
    const [first] = candidates;
    const byId = await cli.run(['history', '--id', first!.id]);
    expect(byId).toMatchObject({ code: 0 });

    await cli.write('a.json', set());
    await cli.run(['apply', 'a.json', '--prune', '--yes']);
    const deleted = await cli.run(['undelete', 'weather']);
    expect(deleted).toMatchObject({ code: 2, stdout: '' });
    expect(deleted.stderr).toContain('2 deleted servers had the name weather: pick one with --id');
    expect(await cli.run(['undelete', '--id', first!.id])).toMatchObject({ code: 0 });
    const back = await cli.json<Explained>(['explain', 'weather', '--user', first!.owner!]);
    expect(back.winnerId).toBe(first!.id);
  });
});

describe('switchboard explain', () => {
  it('names the winner, and every other that has or had the name', async () => {
    const { cli } = await start();
    await cli.write('own.json', set(ownedBy('ana', 'A'), ownedBy('bob', 'B')));
    await cli.run(['apply', 'own.json']);
    await versions(cli, weather('https://a.example/mcp'));

    const shared = await cli.run(['explain', 'weather', '--user', 'ana', '--group', 'staff']);
    expect(shared).toMatchObject({ code: 0, stderr: '' });
    const cells = rows(shared.stdout.slice(shared.stdout.indexOf('\n\n') + 2));
    expect(cells.map(([, tier, verdict]) => `${String(tier)}: ${String(verdict)}`)).toEqual([
      'APP: wins',
      'PRIVATE of ana: shadowed',
      'PRIVATE of bob: not granted',
    ]);
    for (const [, , , why] of cells) expect(why).toMatch(/\S+/);

    await cli.write('a.json', set());
    await cli.run(['apply', 'a.json', '--prune', '--yes']);
    const { winnerId, candidates } = await cli.json<Explained>([
      ...['explain', 'weather', '--user', 'ana'],
    ]);
    expect(candidates[0]).toMatchObject({ id: winnerId, owner: 'ana', verdict: 'VERDICT_WINS' });
    expect(candidates.map(({ verdict }) => verdict)).toContain('VERDICT_DELETED');
    const none = await cli.run(['explain', 'nothing', '--app']);
    expect(none).toMatchObject({ code: 0 });
    expect(await cli.run(['explain', 'weather'])).toMatchObject({ code: 2 });
  });
});

describe('switchboard inspect', () => {
  it('tells what a real server offers, and why one cannot be looked at', async () => {
    const port = await freePort();
    const everything = await startEverything('streamableHttp', port);
    onTestFinished(() => void everything.kill('SIGKILL'));
    const { cli } = await start();
    await cli.write(
      'a.json',
      set(
        {
          name: 'everything',
          spec: { streamableHttp: { url: `http://127.0.0.1:${String(port)}/mcp` } },
        },
        { name: 'nobody', spec: { streamableHttp: { url: 'http://127.0.0.1:1/mcp' } } },
      ),
    );
    await cli.run(['apply', 'a.json']);
    expect((await cli.run(['get', 'everything', '--app'])).stdout).not.toMatch(/^Tools:/m);

    const found = await cli.run(['inspect', 'everything']);
    expect(found).toMatchObject({ code: 0, stderr: '' });
    expect(found.stdout).toMatch(/^Speaks: +MCP \d{4}-\d\d-\d\d \(with a handshake\)$/m);
    expect(found.stdout).toMatch(/^echo +\S/m);
    expect((await cli.run(['get', 'everything', '--app'])).stdout).toMatch(/^Tools: +\d+$/m);

    const failed = await cli.run(['inspect', 'nobody']);
    expect(failed).toMatchObject({ code: 0, stderr: '' });
    expect(failed.stdout).toMatch(/^Inspection: +failed: UNREACHABLE: \S/m);
    const json = await cli.json<{ server: { facts: { failure: { reason: string } } } }>([
      ...['inspect', 'nobody'],
    ]);
    expect(json.server.facts.failure.reason).toBe('INSPECTION_FAILURE_REASON_UNREACHABLE');
  });

  it('warns in every listing of an APP server that turns out to ask for a sign-in', async () => {
    await using secured = await startOddServer(({ response }) => {
      const metadata = 'https://login.example/.well-known/oauth-protected-resource';
      response.writeHead(401, { 'www-authenticate': `Bearer resource_metadata="${metadata}"` });
      response.end();
      return true;
    });
    const { cli } = await start();
    const { url } = secured;
    await cli.write(
      'a.json',
      set({ name: 'drive', tier: 'APP', spec: { streamableHttp: { url } } }),
    );
    await cli.run(['apply', 'a.json']);
    const list = () => cli.run(['list', '--app']);
    expect((await list()).stderr).toBe('');

    const inspected = await cli.run(['inspect', 'drive']);
    const warning = /^WARNING:? .*OAuth/m;
    expect(inspected.stdout).toMatch(warning);
    expect((await cli.run(['get', 'drive', '--app'])).stdout).toMatch(warning);
    const { stdout, stderr } = await list();
    expect(stdout + stderr).toMatch(/^WARNING: drive: .*OAuth/m);
    await cli.write(
      'a.json',
      set({ name: 'drive', tier: 'USER', spec: { streamableHttp: { url } } }),
    );
    await cli.run(['apply', 'a.json', '--yes']);
    expect((await cli.run(['get', 'drive', '--user', 'ana'])).stdout).not.toMatch(warning);
  });
});
