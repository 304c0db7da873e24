import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { withPart } from '../../../scripts/lib/docs-parts.mjs';
import type { RowResult } from '../result.js';
import { BENCHES } from '../rows/index.js';
import type { RunFacts } from './machine.js';
import { renderAbouts, renderMachine, renderMarkdownTable } from './markdown.js';
import { renderPlots } from './plots.js';

/** A whole run, as docs/performance.md shows it. */
export interface Results {
  readonly run: RunFacts;
  readonly rows: readonly RowResult[];
}

/** The page, written by hand but for its parts. */
export const PAGE = 'docs/performance.md';
const FOLDER = 'docs/performance';
const RESULTS = `${FOLDER}/results.json`;

/** Keeps a run for the docs. */
export async function saveResults(root: string, results: Results): Promise<void> {
  await mkdir(path.join(root, FOLDER), { recursive: true });
  await writeFile(path.join(root, RESULTS), `${JSON.stringify(results, null, 2)}\n`);
}

/** Writes the parts of the page and the plots anew from the run that was kept. */
export async function renderDocs(root: string): Promise<void> {
  for (const { file, text } of await renderFiles(root)) {
    await writeFile(path.join(root, file), text);
  }
}

/** Every file that is made from the run that was kept, as it should be. */
export async function renderFiles(
  root: string,
): Promise<readonly { readonly file: string; readonly text: string }[]> {
  const results = JSON.parse(await readFile(path.join(root, RESULTS), 'utf8')) as Results;
  const page = await readFile(path.join(root, PAGE), 'utf8');
  const parts: readonly (readonly [string, string])[] = [
    ['machine', renderMachine(results.run)],
    ['table', renderMarkdownTable(results.rows)],
    ['benches', renderAbouts(BENCHES)],
  ];
  const text = parts.reduce((whole, [name, part]) => withPart(whole, name, part), page);
  const plots = await renderPlots(results.rows);
  return [
    { file: PAGE, text },
    ...plots.map(({ name, svg }) => ({ file: `${FOLDER}/${name}.svg`, text: `${svg}\n` })),
  ];
}
