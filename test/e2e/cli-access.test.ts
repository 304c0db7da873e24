import { describe, expect, it, onTestFinished } from 'vitest';
import { type CliFolder, cliFolder } from '../support/processes/cli-in-folder.js';
import { startServerProcess, temporaryFolder } from '../support/processes/server-process.js';

const ownedBy = (owner: string, name: string) => ({
  name,
  tier: 'PRIVATE',
  owner,
  spec: { streamableHttp: { url: 'https://notes.example/mcp' } },
});

/** A file with a shared server of the name. */
const setOfShared = (name: string): string =>
  JSON.stringify({
    servers: [{ name, tier: 'APP', spec: { streamableHttp: { url: 'https://a.example/mcp' } } }],
  });

/** A control plane with the servers, and the command beside it. */
async function start(...servers: readonly object[]): Promise<CliFolder> {
  const folder = await temporaryFolder();
  const data = await temporaryFolder();
  const server = await startServerProcess('--data-dir', data.path, '--inspect=false');
  onTestFinished(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
    await data[Symbol.asyncDispose]();
  });
  const cli = cliFolder(folder.path, server.address);
  await cli.write('a.json', JSON.stringify({ servers }));
  expect(await cli.run(['apply', 'a.json', '--set', 'a.json'])).toMatchObject({ code: 0 });
  return cli;
}

/** The name of the set of the only server that has one. */
async function setOf(cli: CliFolder): Promise<string> {
  const { servers } = await cli.json<{ servers: { set?: string }[] }>(['list', '--inventory']);
  return servers.find(({ set = '' }) => set !== '')?.set ?? '';
}

const explained = async (cli: CliFolder, ...view: readonly string[]): Promise<string> =>
  (await cli.run(['explain', 'notes', ...view])).stdout;

describe('switchboard access', () => {
  it('grants, lists, replaces and revokes; shows before what a list would change [R6]', async () => {
    const cli = await start(ownedBy('bob', 'notes'));
    const empty = await cli.run(['access', 'list', 'notes']);
    expect(empty).toMatchObject({
      code: 0,
      stdout: 'notes (PRIVATE of bob) has no grants.\n',
      stderr: '',
    });
    const dry = await cli.run(['access', 'grant', 'notes', 'user:ana', '--dry-run']);
    expect(dry).toMatchObject({ code: 0, stdout: '1 subject would be granted\n  + user:ana\n' });
    const granted = await cli.run([
      ...['access', 'grant', 'notes', 'user:ana', 'group:staff', '--reason', 'new team'],
    ]);
    expect(granted.stdout).toBe('2 subjects granted\n  + group:staff\n  + user:ana\n');
    const again = await cli.run(['access', 'grant', 'notes', 'user:ana']);
    expect(again.stdout).toBe('Nothing to change: all of them have access.\n');
    const list = await cli.run(['access', 'list', 'notes']);
    expect(list.stdout).toBe('SUBJECT      REVISION\ngroup:staff  2\nuser:ana     2\n');
    expect(await explained(cli, '--user', 'ana')).toContain('Granted to user:ana at revision 2');

    const history = await cli.run(['history', 'notes']);
    expect(history.stdout.split('\n')[1]?.split(/ {2,}/).slice(2)).toEqual([
      ...['anonymous', 'access', '+group:staff, +user:ana', 'new team'],
    ]);
    const { accessChanges } = await cli.json<{ accessChanges: object[] }>(['history', 'notes']);
    expect(accessChanges).toMatchObject([
      { cause: 'CAUSE_ACCESS', reason: 'new team', granted: ['group:staff', 'user:ana'] },
    ]);

    const planned = await cli.run([
      ...['access', 'set', 'notes', 'group:staff', 'user:zoe', '--dry-run'],
    ]);
    expect(planned.stdout).toBe('notes\n  + user:zoe\n  - user:ana\n');
    const set = await cli.json<{ added: string[]; removedCount: number }>([
      ...['access', 'set', 'notes', 'group:staff', 'user:zoe', '--yes'],
    ]);
    expect(set).toMatchObject({ added: ['user:zoe'], removed: ['user:ana'], removedCount: 1 });
    const revoked = await cli.run([
      'access',
      'revoke',
      'notes',
      'user:zoe',
      'user:eve',
      '--user',
      'bob',
      '--yes',
    ]);
    expect(revoked.stdout).toBe('1 subject revoked\n  - user:zoe\n');
    const json = await cli.json<{ grants: unknown[] }>(['access', 'list', 'notes']);
    expect(json.grants).toEqual([{ subject: 'group:staff', revision: '2' }]);
    const alone = await cli.run(['access', 'set', 'notes', '--yes']);
    expect(alone.stdout).toBe('notes\n  - group:staff\nSet: 0 added, 1 removed.\n');
  });

  it('takes nothing away without --yes where nobody can be asked', async () => {
    const shared = (spec: object = {}) => ({
      name: 'shared',
      tier: 'APP',
      spec: { streamableHttp: { url: 'https://shared.example/mcp' }, ...spec },
    });
    const notes = [ownedBy('ana', 'notes'), ownedBy('bob', 'notes')];
    const cli = await start(...notes, shared({ enabled: false }));
    await cli.write('a.json', JSON.stringify({ servers: [...notes, shared()] }));
    await cli.run(['apply', 'a.json', '--set', 'a.json']);
    await cli.write('empty.json', '{"servers": []}');
    await cli.write('hides.json', setOfShared('notes'));
    await cli.run(['access', 'grant', 'notes', 'user:zoe', '--user', 'ana']);
    const before = await cli.json<{ servers: object[] }>(['list', '--inventory']);
    for (const command of [
      ['access', 'revoke', 'notes', 'user:zoe', '--user', 'ana'],
      ['access', 'set', 'notes', '--user', 'ana'],
      ['rollback', 'shared', '--to', '1'],
      ['promote', 'notes', '--user', 'ana', '--tier', 'app', '--shadow'],
      ['demote', 'shared', '--owner', 'ana'],
      ['purge-user', 'ana'],
      ['apply', 'empty.json', '--set', 'a.json', '--prune'],
      ['apply', 'hides.json', '--shadow'],
    ]) {
      const refused = await cli.run(command);
      expect(refused.code, command.join(' ')).toBe(2);
      expect(refused.stderr).toContain('pass --yes');
      const dry = await cli.run([...command, '--dry-run']);
      expect(dry.code, command.join(' ')).toBe(0);
    }
    expect((await cli.json<typeof before>(['list', '--inventory'])).servers).toEqual(
      before.servers,
    );
    const grants = await cli.run(['access', 'list', 'notes', '--user', 'ana']);
    expect(grants.stdout).toContain('user:zoe');
  });

  it('says what is wrong, with an exit code', async () => {
    const cli = await start(ownedBy('bob', 'notes'));
    expect(await cli.run(['access', 'grant', 'notes'])).toMatchObject({ code: 2 });
    const wrong = await cli.run(['access', 'grant', 'notes', 'ana']);
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
    expect(wrong.stderr).toContain('subjects[0]: must start with `user:` or `group:`');
    expect(await cli.run(['access', 'list', 'nothing'])).toMatchObject({ code: 3 });
  });
});

describe('switchboard promote and demote', () => {
  it('show whom a server hides, ask for it, and bring it back [R5, R6]', async () => {
    const cli = await start(ownedBy('ana', 'notes'), ownedBy('bob', 'notes'));
    const refused = await cli.run(['promote', 'notes', '--user', 'ana', '--tier', 'app']);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/WOULD_SHADOW[^]*owner: bob/);
    const move = ['promote', 'notes', '--user', 'ana', '--tier', 'app', '--shadow'];
    const dry = await cli.run([...move, '--dry-run']);
    expect(dry).toMatchObject({ code: 0, stderr: '' });
    expect(dry.stdout).toMatch(
      /^notes \(PRIVATE of ana\) -> notes \(APP\)\nIt will hide:\n {2}\S+ {2}PRIVATE of bob\n$/,
    );
    const done = await cli.run([...move, '--yes']);
    expect(done.stdout).toMatch(/\nDone: notes \(APP\), with the id \S+\.\n$/);
    expect(await explained(cli, '--user', 'bob')).toContain('A shared server takes precedence');

    const back = await cli.json<{ server: { owner: string }; uncovered: { owner: string }[] }>([
      ...['demote', 'notes', '--app', '--owner', 'zoe', '--grant', 'group:staff', '--yes'],
    ]);
    expect(back).toMatchObject({ server: { owner: 'zoe' }, uncovered: [{ owner: 'bob' }] });
    expect(await explained(cli, '--user', 'ana', '--group', 'staff')).toContain(
      'Granted to group:staff at revision 4',
    );
  });

  it('are not undone by an apply, whose plan says who moved the server and when', async () => {
    const cli = await start();
    await cli.write('a.json', setOfShared('notes'));
    await cli.run(['apply', 'a.json']);
    await cli.run(['demote', 'notes', '--owner', 'ana', '--yes']);
    const refused = await cli.run(['apply', 'a.json', '--prune', '--yes']);
    expect(refused.code).toBe(1);
    expect(refused.stdout).toMatch(
      /! notes of ana {2}MOVED: a\.json:1:\d+: .*anonymous made it "notes", PRIVATE of ana, at \d{4}-.*--take-over/,
    );
    await cli.write('empty.json', '{"servers": []}');
    const left = await cli.run(['apply', 'empty.json', '--set', await setOf(cli), '--prune']);
    expect(left.stdout).toMatch(/\. notes of ana .*kept, because anonymous moved it on \d{4}-/);
    expect(await explained(cli, '--user', 'bob')).toContain('is not a server for');
    const back = await cli.run(['apply', 'a.json', '--take-over', '--yes']);
    expect(back).toMatchObject({ code: 0 });
    expect(back.stdout).toContain('tier: "TIER_PRIVATE" -> "TIER_APP"');
  });

  it('and every other command hides private servers only with --shadow', async () => {
    const cli = await start(ownedBy('ana', 'notes'), ownedBy('bob', 'notes'));
    await cli.write('b.json', setOfShared('notes'));
    const refused = await cli.run(['apply', 'b.json', '--dry-run']);
    expect(refused.code).toBe(1);
    expect(refused.stdout).toMatch(
      /! notes .*WOULD_SHADOW.* of 2 owners would be hidden.*--shadow/,
    );
    const planned = await cli.run(['apply', 'b.json', '--dry-run', '--shadow']);
    expect(planned.stdout).toContain('hides 2 private servers');
    expect(await cli.run(['apply', 'b.json', '--shadow', '--yes'])).toMatchObject({ code: 0 });
    expect(await explained(cli, '--user', 'bob')).toContain('A shared server takes precedence');

    await cli.write('b.json', '{"servers": []}');
    await cli.run(['apply', 'b.json', '--prune', '--yes']);
    const undelete = ['undelete', 'notes'];
    expect((await cli.run(undelete)).stderr).toContain('WOULD_SHADOW');
    expect(await cli.run([...undelete, '--shadow'])).toMatchObject({ code: 2 });
    expect(await cli.run([...undelete, '--shadow', '--yes'])).toMatchObject({ code: 0 });
  });

  it('need to be told where to', async () => {
    const cli = await start(ownedBy('ana', 'notes'));
    expect(await cli.run(['promote', 'notes'])).toMatchObject({ code: 2, stdout: '' });
    expect(await cli.run(['promote', 'notes', '--tier', 'private'])).toMatchObject({ code: 2 });
    expect(await cli.run(['demote', 'notes'])).toMatchObject({ code: 2, stdout: '' });
    const wrong = await cli.run(['demote', 'notes', '--owner', 'bob']);
    expect(wrong).toMatchObject({ code: 1 });
    expect(wrong.stderr).toContain('WRONG_TIER');
  });
});
