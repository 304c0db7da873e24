import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { CommanderError } from 'commander';
import { environment, parseServeOptions, type ServeOptions } from './options.js';
import type * as RunServer from './run-server.js';
import { StartError } from './start-error.js';

export { environment, resolveServeOptions, serveCommand, type ServeFlags } from './options.js';

const require = createRequire(import.meta.url);

/**
 * Runs the server until it is told to stop; answers the exit code. What has to be put right
 * before it can start is said in one line.
 */
export async function serve(readOptions: () => ServeOptions): Promise<number> {
  try {
    const options = readOptions();
    // Only now: the command line tool imports this file and seldom serves. Not by import(): it
    // opens all files at once, more than a process may where the limit of open files is low.
    const { runServer } = require('./run-server.js') as typeof RunServer;
    return await runServer(options);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    if (!(error instanceof StartError)) throw error;
    process.stderr.write(`switchboard: ${error.message}\n`);
    return 1;
  }
}

function isEntry(): boolean {
  const [, entry] = process.argv;
  return entry !== undefined && realpathSync(entry) === fileURLToPath(import.meta.url);
}

if (isEntry()) {
  // Without an `await`: the command line tool loads this file with require().
  void serve(() => parseServeOptions(process.argv.slice(2), environment())).then((code) => {
    process.exitCode = code;
  });
}
