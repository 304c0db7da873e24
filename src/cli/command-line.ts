import { Command, CommanderError } from 'commander';
import {
  environment,
  resolveServeOptions,
  serve,
  serveCommand,
  type ServeFlags,
} from '../server/main.js';
import { type Flags, openClient, withConnectionFlags } from './connection.js';
import { describeFailure, EXIT_CODES, exitCodeOf } from './failure.js';
import { addAccessCommands } from './access-commands.js';
import { addLoadCommands } from './load-commands.js';
import type { Run } from './program.js';
import { addSourceCommands } from './source-commands.js';
import { addReadingCommands } from './reading-commands.js';
import { addWritingCommands } from './writing-commands.js';

const HELP = `
Exit codes: 0 done, 1 failed or not all done, 2 wrong command line or request, 3 no such
server, 4 not allowed, 5 the server cannot be reached or cannot answer now.`;

/** Runs the command line; answers the exit code. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  const env = environment();
  let exitCode: number = EXIT_CODES.ok;
  const program = withConnectionFlags(new Command('switchboard'))
    .description('A control plane for the MCP servers of multi-node applications.')
    .addHelpText('after', HELP)
    .enablePositionalOptions()
    .exitOverride();

  const run: Run = async (command, body) => {
    const flags: Flags = { ...program.opts(), ...command.opts() };
    const client = openClient(flags, env);
    try {
      const result = await body(client, flags);
      if (typeof result === 'string') process.stdout.write(result);
      if (typeof result === 'number') exitCode = result;
    } finally {
      client.close();
    }
  };

  program.addCommand(
    serveCommand()
      .copyInheritedSettings(program)
      .action(async (flags: ServeFlags) => {
        exitCode = await serve(() => resolveServeOptions(flags, env));
      }),
  );
  addReadingCommands(program, run);
  addWritingCommands(program, run);
  addAccessCommands(program, run);
  addLoadCommands(program, run);
  addSourceCommands(program, run);

  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_CODES.usage;
    process.stderr.write(describeFailure(error));
    return exitCodeOf(error);
  }
}
