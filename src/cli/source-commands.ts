import type { Command } from 'commander';
import { withConnectionFlags } from './connection.js';
import { processIo } from './io.js';
import { type Run, withExamples } from './program.js';
import { removeSource, renameSource, showSource } from './source.js';

/** What commander hands to a command that takes two names. */
type Renamed = [name: string, newName: string, flags: unknown, command: Command];

/** Adds the commands about the private source of a tenant. */
export function addSourceCommands(program: Command, run: Run): void {
  const source = program
    .command('source')
    .description('The private source of a tenant: where private servers of users are loaded from.');
  withConnectionFlags(source.command('show'))
    .description('Tell what the source is called, here and in the configuration of the replica.')
    .action((_, command: Command) =>
      run(command, (connection, flags) => showSource(connection, flags)),
    );
  withExamples(withWriting(source.command('rename')), [
    ['source rename crm hub --dry-run', 'whether it could be renamed'],
    ["source rename crm hub --yes --reason 'new service'", ''],
  ])
    .argument('<old>', 'the name that it has')
    .argument('<new>', 'the name that it gets: 1 to 64 of a-z, 0-9 and -')
    .description('Give the source another name; its servers stay as they are.')
    .action((...[name, newName, , command]: Renamed) =>
      run(command, (connection, flags) =>
        renameSource(connection, { name, newName }, { flags, io: processIo() }),
      ),
    );
  withExamples(withWriting(source.command('remove')), [
    ['source remove crm --drop --dry-run', 'how many servers it would delete'],
    ['source remove crm --keep', 'its servers become ordinary private servers'],
  ])
    .argument('<name>', 'the name that it has')
    .description('End all loads from the source. Shows first how many servers it has.')
    .option('--drop', 'delete its servers')
    .option('--keep', 'keep its servers: their owners can change them from then on')
    .action((name: string, _, command: Command) =>
      run(command, (connection, flags) =>
        removeSource(connection, name, { flags, io: processIo() }),
      ),
    );
}

function withWriting(command: Command): Command {
  return withConnectionFlags(command)
    .option('--reason <text>', 'kept in the history')
    .option('--dry-run', 'show what it would do, and stop')
    .option('--yes', 'do not ask');
}
