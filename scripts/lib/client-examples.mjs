// What the examples in other languages need before they can run: packages, generated code, a build.
// All of it goes to folders that git ignores. Done once in a clone, and again when its inputs change.
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { firstWorking, once } from './once.mjs';
import { ROOT, bin, mustRun, say } from './run.mjs';
import { withSetupLock } from './setup-lock.mjs';
import { listFiles } from './tree.mjs';

const PYTHON = path.join(ROOT, 'examples', 'python');
const GO = path.join(ROOT, 'examples', 'go');
const CACHE = path.join(ROOT, 'node_modules', '.cache', 'switchboard', 'clients');
// What these say is no output of whoever called us.
const QUIET = { stdio: ['ignore', 2, 2] };

/**
 * @typedef {{ command: readonly string[] } | { missing: string }} Prepared
 * The command line that runs an example; or why it cannot run here: its language is not installed.
 */

/** The languages there are examples in, each with what prepares its example. */
export const CLIENT_EXAMPLES = Object.freeze({ python: preparePython, go: prepareGo });

/** @returns {Promise<Prepared>} */
async function preparePython() {
  const found = await firstWorking(['python3', 'python'], ['-c', PYTHON_PROBE]);
  if (found.command === undefined) {
    return { missing: `Python 3.10 or newer with venv and pip is needed: ${found.why}` };
  }
  const venv = path.join(CACHE, 'python');
  const python = path.join(
    venv,
    ...(process.platform === 'win32' ? ['Scripts'] : ['bin']),
    'python',
  );
  const requirements = path.join(PYTHON, 'requirements.txt');
  await withSetupLock(async () => {
    await once(path.join(venv, '.made-from'), [requirements], found.version, async () => {
      say('installing the packages of examples/python into a virtual environment, once …');
      await rm(venv, { recursive: true, force: true });
      await mustRun(found.command, ['-m', 'venv', venv], QUIET);
      const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
      await mustRun(python, [...install, '--requirement', requirements], QUIET);
    });
    const inputs = [...(await protos()), requirements, path.join(PYTHON, 'generate.py')];
    await once(path.join(PYTHON, 'gen', '.made-from'), inputs, '', () =>
      mustRun(python, [path.join(PYTHON, 'generate.py')], QUIET),
    );
  });
  return { command: [python, path.join(PYTHON, 'client.py')] };
}

// Fails where the language is too old, or where a distribution has split off venv or pip.
const PYTHON_PROBE =
  'import sys, venv, ensurepip; assert sys.version_info >= (3, 10), sys.version; print(sys.version)';

/** @returns {Promise<Prepared>} */
async function prepareGo() {
  // In the folder of the module: an older Go fetches the version that go.mod asks for, or says that it cannot.
  const found = await firstWorking(['go'], ['-C', GO, 'version']);
  if (found.command === undefined) return { missing: `Go is needed: ${found.why}` };
  const program = path.join(CACHE, process.platform === 'win32' ? 'go-client.exe' : 'go-client');
  // Nothing of the repository's state belongs into the program.
  const env = { ...process.env, GOFLAGS: '-buildvcs=false' };
  await withSetupLock(async () => {
    const template = path.join(GO, 'buf.gen.yaml');
    const inputs = [...(await protos()), template, path.join(GO, 'go.mod')];
    await once(path.join(GO, 'gen', '.made-from'), inputs, '', async () => {
      say('downloading and building what examples/go needs, once: about a minute …');
      await rm(path.join(GO, 'gen'), { recursive: true, force: true });
      await mustRun(bin('buf'), ['generate', '--template', template], { ...QUIET, env });
    });
    // Both are quick when nothing has changed.
    await mustRun('go', ['-C', GO, 'vet', './...'], { ...QUIET, env });
    await mustRun('go', ['-C', GO, 'build', '-o', program, '.'], { ...QUIET, env });
  });
  return { command: [program] };
}

async function protos() {
  const folder = path.join(ROOT, 'proto', 'switchboard');
  return (await listFiles(folder)).map((file) => path.join(folder, file));
}
