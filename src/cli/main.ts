#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import {
  environment,
  resolveServeOptions,
  serve,
  serveCommand,
  type ServeFlags,
} from '../server/main.js';
import { type Connection, type Flags, openConnection, withConnectionFlags } from './connection.js';
import { describeFailure, EXIT_CODES, exitCodeOf } from './failure.js';
import { get } from './get.js';
import { list } from './list.js';
import { withViewFlags } from './view.js';
import { watch } from './watch.js';

const HELP = `
Exit codes: 0 done, 1 failed, 2 wrong command line or request, 3 no such server,
4 not allowed, 5 the server cannot be reached or cannot answer now.`;

/** Runs the command line; answers the exit code. */
async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  let exitCode: number = EXIT_CODES.ok;
  const program = withConnectionFlags(new Command('switchboard'))
    .description('Tells every node of an application which MCP servers its users may reach.')
    .addHelpText('after', HELP)
    .enablePositionalOptions()
    .exitOverride();

  const connected = async (
    command: Command,
    body: (connection: Connection, flags: Flags) => Promise<void>,
  ): Promise<void> => {
    const flags: Flags = { ...program.opts(), ...command.opts() };
    const connection = openConnection(flags, env);
    try {
      await body(connection, flags);
    } finally {
      connection.client.close();
    }
  };

  program.addCommand(
    serveCommand()
      .copyInheritedSettings(program)
      .action(async (flags: ServeFlags) => {
        exitCode = await serve(() => resolveServeOptions(flags, env));
      }),
  );
  withConnectionFlags(withViewFlags(program.command('get')))
    .description('Show one server.')
    .argument('<name>', 'its name, as it resolves in the view; with --id, its id')
    .option('--id', 'the argument is an id; without a view, looked up in the inventory')
    .action((name: string, _: Flags, command: Command) =>
      connected(command, async (connection, flags) => {
        process.stdout.write(await get(connection, name, flags));
      }),
    );
  withConnectionFlags(withViewFlags(program.command('list')))
    .description('List the servers of a view.')
    .action((_: Flags, command: Command) =>
      connected(command, async (connection, flags) => {
        process.stdout.write(await list(connection, flags));
      }),
    );
  withConnectionFlags(withViewFlags(program.command('watch')))
    .description('Print a view and every change of it until stopped with Ctrl-C.')
    .action((_: Flags, command: Command) =>
      connected(command, (connection, flags) => watch(connection, flags, watchIo())),
    );

  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_CODES.usage;
    process.stderr.write(describeFailure(error));
    return exitCodeOf(error);
  }
}

function watchIo(): Parameters<typeof watch>[2] {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      controller.abort();
    });
  }
  return {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    signal: controller.signal,
  };
}

// A reader such as `head` that has enough is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT_CODES.ok);
});

process.exitCode = await main(process.argv.slice(2), environment());
