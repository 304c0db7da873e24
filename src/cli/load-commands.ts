import type { Command } from 'commander';
import { withConnectionFlags } from './connection.js';
import { processIo } from './io.js';
import { invalidate, load, loadStatus } from './load.js';
import { type Run, withExamples } from './program.js';
import { purgeUser } from './purge-user.js';

/** Adds the commands about what is loaded for one user from a private source. */
export function addLoadCommands(program: Command, run: Run): void {
  withExamples(withUserArgument(program.command('load')), [
    ['load ana', 'if her servers are not loaded'],
    ['load ana --force', 'anew, whatever is loaded; also ends a purge'],
  ])
    .description("Load a user's private servers from the private source of the tenant.")
    .option('--force', 'load also what is loaded')
    .action((user: string, _, command: Command) =>
      run(command, (connection, flags) => load(connection, user, flags)),
    );
  withUserArgument(program.command('load-status'))
    .description("Tell how far a user's private servers are loaded, and what went wrong.")
    .action((user: string, _, command: Command) =>
      run(command, (connection, flags) => loadStatus(connection, user, flags)),
    );
  withUserArgument(program.command('invalidate'))
    .description('Say that the private source has changed for a user: what it has is loaded anew.')
    .option('--reason <text>', 'kept in the history')
    .action((user: string, _, command: Command) =>
      run(command, (connection, flags) => invalidate(connection, user, { flags, io: processIo() })),
    );
  withExamples(withUserArgument(program.command('purge-user')), [
    ['purge-user ana --dry-run', 'what it would take away'],
    ["purge-user ana --yes --reason 'has left'", ''],
  ])
    .description('Take away all that a departed user had. Shows first how much that is.')
    .option('--reason <text>', 'kept in the history')
    .option('--dry-run', 'show what it would take away, and stop')
    .option('--yes', 'do not ask')
    .action((user: string, _, command: Command) =>
      run(command, (connection, flags) => purgeUser(connection, user, { flags, io: processIo() })),
    );
}

function withUserArgument(command: Command): Command {
  return withConnectionFlags(command).argument('<user>', 'the id of the user');
}
