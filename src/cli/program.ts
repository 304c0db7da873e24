import type { Command } from 'commander';
import type { RegistryClient } from '../wire/client/registry-client.js';
import type { Flags } from './connection.js';
import { withViewFlags } from './view.js';

/**
 * Runs `body` with a client as the flags of the command and of the program say. What it
 * answers is printed if it is text, and becomes the exit code if it is a number.
 */
export type Run = (
  command: Command,
  body: (client: RegistryClient, flags: Flags) => Promise<string | number | undefined>,
) => Promise<void>;

/** Gives a command the argument by which an administrator names one server. */
export function withServerArgument(command: Command): Command {
  return withViewFlags(command)
    .argument('<name>', 'its name; without a view, it must be unique. With --id, its id')
    .option('--id', 'the argument is an id');
}

/** Examples below the help of a command: what to type, and what for. */
export function withExamples(
  command: Command,
  examples: readonly (readonly [line: string, what: string])[],
): Command {
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, what]) => `  switchboard ${line.padEnd(width)}  ${what}`);
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}
