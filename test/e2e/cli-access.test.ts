import { describe, expect, it, onTestFinished } from 'vitest';
import { type CliFolder, cliFolder } from '../support/processes/cli-in-folder.js';
import { startServerProcess, temporaryFolder } from '../support/processes/server-process.js';

const ownedBy = (owner: string, name: string) => ({
  name,
  tier: 'PRIVATE',
  owner,
  spec: { streamableHttp: { url: 'https://notes.example/mcp' } },
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
    const cli = await start(ownedBy('ana', 'notes'), {
      name: 'shared',
      tier: 'APP',
      spec: { streamableHttp: { url: 'https://shared.example/mcp' } },
    });
    await cli.write('empty.json', '{"servers": []}');
    await cli.run(['access', 'grant', 'notes', 'user:zoe']);
    const { servers } = await cli.json<{ servers: object[] }>(['list', '--inventory']);
    for (const command of [
      ['access', 'revoke', 'notes', 'user:zoe'],
      ['demote', 'shared', '--owner', 'ana'],
      ['purge-user', 'ana'],
      ['apply', 'empty.json', '--set', 'a.json', '--prune'],
    ]) {
      const refused = await cli.run(command);
      expect(refused.code, command.join(' ')).toBe(2);
      expect(refused.stderr).toContain('pass --yes');
    }
    expect(await cli.json(['list', '--inventory'])).toMatchObject({ servers });
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
