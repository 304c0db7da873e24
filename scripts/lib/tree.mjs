// Comparing and mirroring folders of generated files.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Relative paths of all files under `dir`, sorted; none if it does not exist. */
export async function listFiles(dir) {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch((error) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)))
    .sort();
}

/** What has to happen to `actual` so that it equals `wanted`: relative path and add, change or remove. */
export async function differences(wanted, actual) {
  const [want, have] = [await listFiles(wanted), new Set(await listFiles(actual))];
  const found = [];
  for (const file of want) {
    if (!have.delete(file)) {
      found.push({ file, kind: 'add' });
      continue;
    }
    const [a, b] = [
      await readFile(path.join(wanted, file)),
      await readFile(path.join(actual, file)),
    ];
    if (!a.equals(b)) found.push({ file, kind: 'change' });
  }
  for (const file of have) found.push({ file, kind: 'remove' });
  return found;
}

/** Makes `to` equal `from`, touching only what differs (so that a build is not stale without a reason). */
export async function mirror(from, to) {
  const found = await differences(from, to);
  for (const { file, kind } of found) {
    const target = path.join(to, file);
    if (kind === 'remove') await rm(target);
    else {
      await mkdir(path.dirname(target), { recursive: true });
      await writeFile(target, await readFile(path.join(from, file)));
    }
  }
  return found;
}
