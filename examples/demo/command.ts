import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(import.meta.url);
const MANIFEST = require.resolve('switchboard/package.json');
const { bin } = require(MANIFEST) as { bin: { switchboard: string } };

/** The file that the command `switchboard` runs. */
export const COMMAND = path.join(path.dirname(MANIFEST), bin.switchboard);

/** Runs `switchboard <args>` in `folder`; answers what it printed. Fails if it failed. */
export function runCommand(folder: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [COMMAND, ...args], { cwd: folder }, (error, stdout, stderr) => {
      if (error === null) resolve(`${stdout}${stderr}`.trimEnd());
      else reject(new Error(`switchboard ${args.join(' ')}: ${stdout}${stderr}`));
    });
  });
}
