// npm run docs: writes the generated pages of docs/. With --check: says which differ and changes nothing.
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, main, say } from './lib/run.mjs';
import { ensureBuilt, ensureInstalled } from './lib/setup.mjs';

const check = process.argv.includes('--check');

await main(async () => {
  await ensureInstalled();
  await ensureBuilt();
  // Only now: these need the installed packages.
  const { PAGES } = await import('./lib/docs.mjs');
  for (const { file, render } of PAGES) {
    const text = await render(load).catch((error) => {
      if (error.code !== 'ENOENT') throw error;
      say(`${file}: skipped, ${path.relative(ROOT, error.path)} is not there yet`);
    });
    if (text !== undefined) await settle(file, text);
  }
  if (process.exitCode)
    say('docs/ does not fit the code. Run `npm run docs` and commit the result.');
});

async function settle(file, text) {
  const target = path.join(ROOT, file);
  if ((await readFile(target, 'utf8').catch(() => '')) === text) return;
  if (check) {
    say(`${file} would change`);
    process.exitCode = 1;
    return;
  }
  await mkdir(path.dirname(target), { recursive: true });
  await writeFile(target, text);
  say(`${file}: written`);
}

async function load(module) {
  if (module.startsWith('test/')) return loadSource(`${module}.ts`);
  const built = path.join(ROOT, 'dist', `${module}.js`);
  await access(built);
  return import(pathToFileURL(built).href);
}

/** Tests are not built; a list without imports needs only its types taken away. */
async function loadSource(file) {
  const { default: ts } = await import('typescript');
  const source = await readFile(path.join(ROOT, file), 'utf8');
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
  });
  return import(`data:text/javascript,${encodeURIComponent(outputText)}`);
}
