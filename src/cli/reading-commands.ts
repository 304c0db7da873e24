import type { Command } from 'commander';
import { FORMAT_NAMES } from './apply/options.js';
import { withConnectionFlags } from './connection.js';
import { diff } from './diff.js';
import { explain } from './explain.js';
import { exportServers } from './export.js';
import { get } from './get.js';
import { history } from './history.js';
import { inspect } from './inspect.js';
import { processIo } from './io.js';
import { list } from './list.js';
import { type Run, withExamples, withServerArgument } from './program.js';
import { withViewFlags } from './view.js';
import { watch } from './watch.js';

/** Adds the commands that only look, and `inspect`. */
export function addReadingCommands(program: Command, run: Run): void {
  withConnectionFlags(withViewFlags(program.command('get')))
    .description('Show one server.')
    .argument('<name>', 'its name, resolved in the view; with --id, its id')
    .option('--id', 'the argument is an id; without a view, looked up in the inventory')
    .action((name: string, _, command: Command) =>
      run(command, (client, flags) => get(client, name, flags)),
    );
  withConnectionFlags(withViewFlags(program.command('list')))
    .description('List the servers of a view.')
    .action((_, command: Command) => run(command, list));
  withConnectionFlags(withViewFlags(program.command('watch')))
    .description('Print a view and every change to it until Ctrl-C.')
    .action((_, command: Command) =>
      run(command, async (client, flags) => {
        await watch(client, flags, processIo());
        return undefined;
      }),
    );
  withExamples(withConnectionFlags(withViewFlags(program.command('export'))), [
    ['export > servers.yaml', 'everything, for `switchboard apply`'],
    ['export --format claude --user ana > .mcp.json', 'what Ana may use, for Claude'],
    ['export github --format server.json', 'one server'],
  ])
    .description('Print servers as a config file. Default view: the inventory.')
    .argument('[name...]', 'servers to export; default: all')
    .option('--format <name>', `${FORMAT_NAMES}; default: own`)
    .option('--set <name>', 'only servers of this set')
    .option('--include-private', 'also write PRIVATE servers into a librechat.yaml')
    .option('--namespace <name>', 'the namespace for server.json; default: switchboard.local')
    .action((names: string[], _, command: Command) =>
      run(command, (client, flags) => exportServers(client, names, { flags, io: processIo() })),
    );
  withExamples(withConnectionFlags(withViewFlags(program.command('explain'))), [
    ['explain github --user ana --group staff', 'which server Ana gets, and why not the others'],
    ['explain github --inventory', 'all servers that have or had the name'],
  ])
    .description('Explain which server a name resolves to in a view, and why not another.')
    .argument('<name>', 'the name')
    .action((name: string, _, command: Command) =>
      run(command, (client, flags) => explain(client, name, flags)),
    );
  withExamples(withConnectionFlags(withServerArgument(program.command('inspect'))), [
    ['inspect github', 'connects once; prints its tools, or the failure'],
  ])
    .description('Make the control plane connect to a server now, and print what it found.')
    .action((name: string, _, command: Command) =>
      run(command, (client, flags) => inspect(client, name, flags)),
    );
  withExamples(withConnectionFlags(withServerArgument(program.command('history'))), [
    ['history github', 'who changed it, when and why, newest first'],
  ])
    .description('List all versions of a server, newest first, even of a deleted one.')
    .action((name: string, _, command: Command) =>
      run(command, (client, flags) => history(client, name, flags)),
    );
  withExamples(withConnectionFlags(withServerArgument(program.command('diff'))), [
    ['diff github', 'what the latest version changed'],
    ['diff github --from 2 --to 5', 'what differs between two versions'],
  ])
    .description('Show the fields that differ between two versions of a server.')
    .option('--from <generation>', 'default: the version before --to')
    .option('--to <generation>', 'default: the latest')
    .action((name: string, _, command: Command) =>
      run(command, (client, flags) => diff(client, name, flags)),
    );
}
