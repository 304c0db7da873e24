import type { Command } from 'commander';
import { accessGrant, accessList, accessRevoke, accessSet } from './access.js';
import { withConnectionFlags } from './connection.js';
import { processIo } from './io.js';
import { demote, promote } from './move.js';
import { type Run, withExamples, withServerArgument } from './program.js';

/** What commander hands to a command that takes a server and a list. */
type Listed = [key: string, subjects: string[], flags: unknown, command: Command];

/** Adds the commands that say who may use a server. */
export function addAccessCommands(program: Command, run: Run): void {
  addAccess(
    program.command('access').description('Show and change who has access to a PRIVATE server.'),
    run,
  );
  withExamples(withWriting(program.command('promote')), [
    ['promote notes --tier user --dry-run', 'lists the servers it would hide'],
    ['promote notes --tier app --shadow', 'even if private servers of others have the name'],
  ])
    .description('Share a PRIVATE server with everyone. First shows what it would hide.')
    .option('--tier <tier>', 'app (one shared connection) or user (one connection per user)')
    .option('--shadow', 'hide private servers of others that have the name')
    .option('--yes', 'do not ask')
    .action((name: string, _, command: Command) =>
      run(command, (client, flags) => promote(client, name, { flags, io: processIo() })),
    );
  withExamples(withWriting(program.command('demote')), [
    ['demote notes --owner ana --grant group:staff', ''],
    ['demote notes --owner ana --name my-notes', 'if Ana has a server of the name'],
  ])
    .description('Make an APP or USER server PRIVATE. First shows what it would no longer hide.')
    .option('--owner <id>', 'the new owner')
    .option('--grant <subject...>', 'who else has access: user:ID or group:ID')
    .option('--name <name>', 'the new name')
    .option('--yes', 'do not ask')
    .action((name: string, _, command: Command) =>
      run(command, (client, flags) => demote(client, name, { flags, io: processIo() })),
    );
}

function addAccess(access: Command, run: Run): void {
  withConnectionFlags(withServerArgument(access.command('list')))
    .description('List who has access besides the owner.')
    .action((name: string, _, command: Command) =>
      run(command, (client, flags) => accessList(client, name, flags)),
    );
  withExamples(withWriting(access.command('set')), [
    ['access set notes group:staff user:zoe', 'only these and the owner'],
    ['access set notes', 'only the owner'],
  ])
    .argument('[subject...]', 'user:ID or group:ID')
    .description('Replace the access list. First shows who gains and who loses access.')
    .option('--yes', 'do not ask')
    .action((...[key, subjects, , command]: Listed) =>
      run(command, (client, flags) =>
        accessSet(client, { key, subjects }, { flags, io: processIo() }),
      ),
    );
  withWriting(access.command('grant'))
    .argument('<subject...>', 'user:ID or group:ID')
    .description('Grant access to subjects.')
    .action((...[key, subjects, , command]: Listed) =>
      run(command, (client, flags) =>
        accessGrant(client, { key, subjects }, { flags, io: processIo() }),
      ),
    );
  withWriting(access.command('revoke'))
    .argument('<subject...>', 'user:ID or group:ID')
    .description('Revoke access from subjects. First shows who loses it.')
    .option('--yes', 'do not ask')
    .action((...[key, subjects, , command]: Listed) =>
      run(command, (client, flags) =>
        accessRevoke(client, { key, subjects }, { flags, io: processIo() }),
      ),
    );
}

function withWriting(command: Command): Command {
  return withConnectionFlags(withServerArgument(command))
    .option('--reason <text>', 'recorded in the history')
    .option('--dry-run', 'show what would change, and exit');
}
