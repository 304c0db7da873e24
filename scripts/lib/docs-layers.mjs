// The picture of folders and imports in docs/architecture.md, as the code is now.
import { createRequire } from 'node:module';
import path from 'node:path';
import { cruise } from 'dependency-cruiser';
import { withPart } from './docs-parts.mjs';
import { ROOT } from './run.mjs';

const require = createRequire(import.meta.url);

/** `page` with what stands between its markers renewed: the picture, and the table of the rules. */
export async function withLayers(page) {
  return withPart(withPart(page, 'layers', await picture()), 'rules', rules());
}

function rules() {
  const { forbidden } = require(path.join(ROOT, '.dependency-cruiser.cjs'));
  const rows = forbidden.map(({ name, comment }) => {
    const [meaning, fix] = comment.split(/ Fix: /);
    return `| \`${name}\` | ${meaning} | ${fix} |`.replaceAll('<', '&lt;');
  });
  return ['| rule | means | instead |', '| --- | --- | --- |', ...rows].join('\n');
}

async function picture() {
  const { output } = await cruise(['src'], {
    baseDir: ROOT,
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
  });
  const edges = new Set();
  const nodes = new Set();
  for (const { source, dependencies } of output.modules) {
    const from = boxOf(source);
    if (from === undefined) continue;
    nodes.add(from);
    for (const { resolved } of dependencies) {
      const to = boxOf(resolved);
      if (to === undefined || to === from) continue;
      nodes.add(to);
      edges.add(`  ${idOf(from)} --> ${idOf(to)}`);
    }
  }
  const boxes = [...nodes].sort().map((box) => `  ${idOf(box)}["${box}"]`);
  return ['```mermaid', 'flowchart TD', ...boxes, ...[...edges].sort(), '```'].join('\n');
}

/** The box of a file: its folder of src/, with contracts, engines and the choice between them apart. */
function boxOf(file) {
  const [top, folder, ...rest] = file.split(path.sep).join('/').split('/');
  if (top === 'generated') return 'generated';
  if (top !== 'src' || rest.length === 0) return undefined;
  if (folder !== 'storage') return folder;
  if (rest[0] === 'open-storage.ts') return 'storage/open-storage';
  return rest.length === 1 ? 'storage contracts' : `storage/${rest.slice(0, 2).join('/')}`;
}

function idOf(box) {
  return box.replaceAll(/[^a-z]/g, '_');
}
