import { tmpdir } from 'node:os';
import { Command, CommanderError } from 'commander';
import { ATTACKS } from './attacks/index.js';
import { toPattern } from '../bench/to-pattern.js';

/** What the arguments say. */
export interface HostileOptions {
  /** Only attacks whose name or target matches. */
  readonly only?: RegExp;
  /** File for the results as JSON. */
  readonly json?: string;
  /** Whether the table of docs/security.md is written from this run. */
  readonly docs: boolean;
  /** Whether that table is written from the run that was kept, and nothing else done. */
  readonly render: boolean;
  /** Folder for temporary data. */
  readonly dir: string;
}

/** Reads the arguments; a number is an exit code with which there is nothing left to do. */
export function readOptions(argv: readonly string[]): HostileOptions | number {
  const names = ATTACKS.map(({ name, target }) => `  ${target}: ${name}\n`).join('');
  const command = new Command('npm run hostile --')
    .description(
      'Attacks a control plane and a node as hostile peers would, and prints what it did to them. ' +
        'Exits with 1 if a bound was exceeded.',
    )
    .option(
      '--only <pattern>',
      'only attacks whose name or target matches this regular expression',
      toPattern,
    )
    .option('--json <file>', 'also write the results to this file')
    .option('--docs', 'also write docs/security.md from this run, which must be a whole one', false)
    .option('--render', 'only write docs/security.md from the run that was kept', false)
    .option('--dir <folder>', 'folder for temporary data', tmpdir())
    .addHelpText('after', `\nAttacks:\n${names}`)
    .exitOverride();
  try {
    command.parse([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    throw error;
  }
  const options = command.opts<HostileOptions>();
  if (options.docs && options.only !== undefined) {
    process.stderr.write('error: --docs wants a whole run, without --only\n');
    return 1;
  }
  return options;
}
