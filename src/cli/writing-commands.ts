import type { Command } from 'commander';
import { apply } from './apply/apply.js';
import { FORMAT_NAMES } from './apply/options.js';
import { withConnectionFlags } from './connection.js';
import { processIo } from './io.js';
import { type Run, withExamples, withServerArgument } from './program.js';
import { rollback } from './rollback.js';
import { undelete } from './undelete.js';

/** Adds the commands that change the registry. */
export function addWritingCommands(program: Command, run: Run): void {
  withExamples(withConnectionFlags(program.command('apply')), [
    ['apply librechat.yaml --dry-run', 'what would be done'],
    [
      'apply servers.yaml --yes --prune',
      'for scripts; deletes servers that the file no longer contains',
    ],
    ['apply .mcp.json .vscode/mcp.json', 'several files, each a set of its own'],
    ['export | switchboard apply - --target other:7070', 'from one registry to another'],
  ])
    .description('Make the registry match config files. Shows the plan first.')
    .argument('<file...>', 'files with servers; - for standard input')
    .option('--format <name>', `${FORMAT_NAMES}; default: detected per file`)
    .option('--set <name>', 'the name of the set; default: the host and the path of the file')
    .option('--tier <tier>', 'app or user, for servers whose file states none')
    .option('--dry-run', 'show the plan, and exit')
    .option('--prune', 'delete the servers of the set that the file no longer contains')
    .option('--all-or-nothing', 'change nothing if anything is wrong; one commit per file')
    .option('--take-over', 'take over servers of another set, and move back what somebody moved')
    .option('--allow-shared-secrets', 'allow values that look like secrets in APP servers')
    .option('--shadow', 'let new shared servers hide private servers of their names')
    .option('--reason <text>', 'recorded in the history')
    .option('--yes', 'do not ask')
    .action((files: string[], _, command: Command) =>
      run(command, (client, flags) => apply(client, files, { flags, io: processIo() })),
    );
  withExamples(withConnectionFlags(withServerArgument(program.command('rollback'))), [
    ['rollback github --to 3 --dry-run', 'what would change'],
    ["rollback github --to 3 --reason 'wrong url'", ''],
  ])
    .description('Roll a server back to an older version. Shows the diff first.')
    .option('--to <generation>', 'the version, as listed by `switchboard history`')
    .option('--shadow', 'let the older name hide private servers that have it')
    .option('--reason <text>', 'recorded in the history')
    .option('--dry-run', 'show what would change, and exit')
    .option('--yes', 'do not ask')
    .action((name: string, _, command: Command) =>
      run(command, (client, flags) => rollback(client, name, { flags, io: processIo() })),
    );
  withExamples(withConnectionFlags(program.command('undelete')), [
    ['undelete github', 'the only deleted server that had the name'],
    ['undelete --id 14dbc808-6677-4858-87e9-9936e4d78a73', ''],
  ])
    .description('Restore a deleted server as it was, with its grants.')
    .argument('<name>', 'the name that it had; with --id, its id')
    .option('--id', 'the argument is an id')
    .option('--shadow', 'let the server hide private servers of its name')
    .option('--reason <text>', 'recorded in the history')
    .option('--dry-run', 'check only')
    .option('--yes', 'with --shadow: do not ask')
    .action((name: string, _, command: Command) =>
      run(command, (client, flags) => undelete(client, name, { flags, io: processIo() })),
    );
}
