import type { Command } from 'commander';
import { withConnectionFlags } from './connection.js';
import { processIo } from './io.js';
import { invalidate, load, loadStatus } from './load.js';
import { type Run, withExamples } from './program.js';
import { purgeUser } from './purge-user.js';

/** Adds the commands about what is loaded for one user from a private source. */
export function addLoadCommands(program: Command, run: Run): void {
  withExamples(withUserArgument(program.command('load')), [
    ['load ana', 'unless her servers are loaded'],
    ['load ana --force', 'reload; also ends a purge'],
  ])
    .description("Load a user's private servers from the private source of the tenant.")
    .option('--force', 'reload what is already loaded')
    .action((user: string, _, command: Command) =>
      run(command, (client, flags) => load(client, user, flags)),
    );
  withUserArgument(program.command('load-status'))
    .description("Show the state of a user's private load, and its latest failure.")
    .action((user: string, _, command: Command) =>
      run(command, (client, flags) => loadStatus(client, user, flags)),
    );
  withUserArgument(program.command('invalidate'))
    .description('Signal that the private source changed for a user: the next read reloads.')
    .option('--reason <text>', 'recorded in the history')
    .action((user: string, _, command: Command) =>
      run(command, (client, flags) => invalidate(client, user, { flags, io: processIo() })),
    );
  withExamples(withUserArgument(program.command('purge-user')), [
    ['purge-user ana --dry-run', 'what would be removed'],
    ["purge-user ana --yes --reason 'has left'", ''],
  ])
    .description('Remove everything a departed user had. First shows how much that is.')
    .option('--reason <text>', 'recorded in the history')
    .option('--dry-run', 'show what would be removed, and exit')
    .option('--yes', 'do not ask')
    .action((user: string, _, command: Command) =>
      run(command, (client, flags) => purgeUser(client, user, { flags, io: processIo() })),
    );
}

function withUserArgument(command: Command): Command {
  return withConnectionFlags(command).argument('<user>', 'the id of the user');
}
