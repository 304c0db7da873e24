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
    .description('Show, rename or remove the private source of a tenant.');
  withConnectionFlags(source.command('show'))
    .description('Show the name of the source, in the log and in the configuration of the replica.')
    .action((_, command: Command) => run(command, (client, flags) => showSource(client, flags)));
  withExamples(withWriting(source.command('rename')), [
    ['source rename crm hub --dry-run', 'check whether it can be renamed'],
    ["source rename crm hub --yes --reason 'new service'", ''],
  ])
    .argument('<old>', 'the current name')
    .argument('<new>', 'the new name: 1 to 64 of a-z, 0-9 and -')
    .description('Rename the source; its servers do not change.')
    .action((...[name, newName, , command]: Renamed) =>
      run(command, (client, flags) =>
        renameSource(client, { name, newName }, { flags, io: processIo() }),
      ),
    );
  withExamples(withWriting(source.command('remove')), [
    ['source remove crm --drop --dry-run', 'show how many servers this would delete'],
    ['source remove crm --keep', 'turn its servers into ordinary private servers'],
  ])
    .argument('<name>', 'the current name')
    .description('End all loads from the source. First shows how many servers it has.')
    .option('--drop', 'delete its servers')
    .option('--keep', 'keep its servers: their owners can then change them')
    .action((name: string, _, command: Command) =>
      run(command, (client, flags) => removeSource(client, name, { flags, io: processIo() })),
    );
}

function withWriting(command: Command): Command {
  return withConnectionFlags(command)
    .option('--reason <text>', 'recorded in the history')
    .option('--dry-run', 'show what it would do, and stop')
    .option('--yes', 'do not ask');
}
