import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt, ensureInstalled } from './setup.mjs';
import { ROOT, main } from './run.mjs';

/**
 * Sets up what is missing, then runs a built program in this process and not in a child: signals, exit
 * code and terminal are then its own.
 * @param {string} program relative to dist/
 * @param {readonly string[]} args
 */
export async function become(program, args) {
  await main(async () => {
    await ensureInstalled();
    await ensureBuilt();
  });
  if (process.exitCode !== undefined) return;
  const entry = await realpath(path.join(ROOT, 'dist', program));
  // As if Node had been started with it: programs ask whether they are the entry.
  process.argv.splice(1, process.argv.length, entry, ...args);
  await import(pathToFileURL(entry).href);
}
