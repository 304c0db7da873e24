// What `npm start`, `npm test` and `npm run check` need before they can do their own work.
// Runs without node_modules, so only Node's own modules here.
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ROOT, bin, mustRun, run, say } from './run.mjs';
import { withSetupLock } from './setup-lock.mjs';
import { listFiles, mirror } from './tree.mjs';

const LOCK_FILE = path.join(ROOT, 'package-lock.json');
// npm writes this one last: it is missing after an install that was broken off.
const INSTALLED_LOCK = path.join(ROOT, 'node_modules', '.package-lock.json');
const INSTALL_STAMP = path.join(ROOT, 'node_modules', '.cache', 'switchboard', 'installed');
const BUILD_STAMP = path.join(ROOT, 'dist', '.built-from');
const BUILD_INPUTS = ['src', 'generated', 'examples'];
const BUILD_FILES = ['package-lock.json', 'tsconfig.base.json', 'tsconfig.build.json'];

/** Installs the locked dependencies if they are missing or older than the lock file. */
export async function ensureInstalled() {
  refuseOldNode();
  const wanted = digest(await readFile(LOCK_FILE));
  if (await isInstalled(wanted)) return;
  await withSetupLock(async () => {
    if (!(await isInstalled(wanted))) await install(wanted);
  });
}

async function install(wanted) {
  say('installing the locked dependencies (npm ci), which takes about a minute …');
  // stdout belongs to whoever called us, for example to the count line of the tests.
  const code = await run('npm', ['ci', '--no-audit', '--no-fund'], { stdio: ['ignore', 2, 2] });
  if (code !== 0) throw new Error('npm ci failed: see its messages above');
  await mkdir(path.dirname(INSTALL_STAMP), { recursive: true });
  await writeFile(INSTALL_STAMP, wanted);
}

/** The floor of package.json's `engines`, which npm only warns about. */
function refuseOldNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const isKnown = major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19);
  if (isKnown) return;
  const needed = 'Node 20.19, or 22.12 or newer, is needed';
  throw new Error(`${needed}, this is ${process.versions.node}`);
}

async function isInstalled(wanted) {
  const installedAt = await modifiedAt(INSTALLED_LOCK);
  if (installedAt === undefined) return false;
  // The stamp is ours; after an install by hand only the times can tell.
  if ((await readOrEmpty(INSTALL_STAMP)) === wanted) return true;
  return installedAt >= (await modifiedAt(LOCK_FILE));
}

/** Compiles to dist/ if dist/ was not made from exactly these sources. */
export async function ensureBuilt({ force = false } = {}) {
  const wanted = await digestOfSources();
  const isBuilt = async () => !force && (await readOrEmpty(BUILD_STAMP)) === wanted;
  if (await isBuilt()) return;
  await withSetupLock(async () => {
    if (!(await isBuilt())) await build(wanted);
  });
}

async function build(wanted) {
  say('building dist/ …');
  // Built aside and then mirrored: a failed build leaves the old dist/ whole, a removed source
  // leaves nothing behind, and processes that run from dist/ never miss a file. The scratch folder
  // lies as deep as dist/, so that source maps stay true.
  const scratch = path.join(ROOT, `.dist-${process.pid}`);
  try {
    const tsc = [bin('tsc'), ['-p', 'tsconfig.build.json', '--outDir', scratch]];
    await mustRun(...tsc, { stdio: ['ignore', 2, 2] });
    await copyDescriptorSet(scratch);
    // The stamp goes first and comes back last: a build broken off in between is never taken for whole.
    await rm(BUILD_STAMP, { force: true });
    await mirror(scratch, path.join(ROOT, 'dist'));
    await writeFile(BUILD_STAMP, wanted);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Beside the compiled code, so that one relative path finds it from src/ and from dist/src/. */
async function copyDescriptorSet(scratch) {
  const name = path.join('generated', 'switchboard.binpb');
  await mkdir(path.join(scratch, 'generated'), { recursive: true });
  await copyFile(path.join(ROOT, name), path.join(scratch, name));
}

/** By content, not by time: a checkout or a branch change alters times without a change, and the reverse. */
async function digestOfSources() {
  const hash = createHash('sha256');
  const files = [...BUILD_FILES];
  for (const dir of BUILD_INPUTS) {
    const inputs = (await listFiles(path.join(ROOT, dir))).filter((file) =>
      /\.(ts|binpb)$/.test(file),
    );
    files.push(...inputs.map((file) => path.join(dir, file)));
  }
  for (const file of files) {
    hash.update(`${file}\0${digest(await readFile(path.join(ROOT, file)))}\n`);
  }
  return hash.digest('hex');
}

function digest(content) {
  return createHash('sha256').update(content).digest('hex');
}

function readOrEmpty(file) {
  return readFile(file, 'utf8').catch(() => '');
}

async function modifiedAt(file) {
  return (await stat(file).catch(() => undefined))?.mtimeMs;
}
