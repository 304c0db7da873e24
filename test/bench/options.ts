import { tmpdir } from 'node:os';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { BENCHES } from './rows/index.js';
import { toPattern } from './to-pattern.js';

/** What the arguments say. */
export interface BenchOptions {
  readonly pairs: number;
  readonly quick: boolean;
  /** Only benches whose name, or the name of one of whose rows, has it. */
  readonly only?: RegExp;
  /** File for the rows as JSON. */
  readonly json?: string;
  /** Whether docs/performance.md is written from this run. */
  readonly docs: boolean;
  /** Whether docs/performance.md is written from the last run that was kept, and nothing else done. */
  readonly render: boolean;
  /** Folder for temporary data. */
  readonly dir: string;
  /** Folder for CPU profiles of all processes. */
  readonly profile?: string;
}

const PAIRS = 5;

/** Reads the arguments; a number is an exit code with which there is nothing left to do. */
export function readOptions(argv: readonly string[]): BenchOptions | number {
  const command = new Command('npm run bench --')
    .description('Measures Switchboard beside bare baselines and prints a table.')
    .option('--only <pattern>', 'only what has this regular expression in its name', toPattern)
    .option('--pairs <n>', `runs of each arm, in turns (default ${PAIRS}, with --quick 1)`, toCount)
    .option('--quick', 'as little as possible: shows that it runs, the numbers mean nothing', false)
    .option('--json <file>', 'also write the rows to this file')
    .option(
      '--docs',
      'also write docs/performance.md from this run, which must be a whole one',
      false,
    )
    .option('--render', 'only regenerate docs/performance.md from the stored run', false)
    .option('--dir <folder>', 'where temporary data goes; on the disk to be measured', tmpdir())
    .option(
      '--profile <folder>',
      'write a CPU profile of every process there, for Chrome or an editor',
    )
    .addHelpText('after', `\nBenches:\n${BENCHES.map(({ name }) => `  ${name}\n`).join('')}`)
    .exitOverride();
  try {
    command.parse([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    throw error;
  }
  const given = command.opts<Omit<BenchOptions, 'pairs'> & { readonly pairs?: number }>();
  if (given.docs && (given.quick || given.only !== undefined)) {
    process.stderr.write('error: --docs wants a whole run, without --quick and --only\n');
    return 1;
  }
  return { ...given, pairs: given.pairs ?? (given.quick ? 1 : PAIRS) };
}

function toCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new InvalidArgumentError('not a whole number above 0');
}
