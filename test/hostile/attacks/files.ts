import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Lab } from '../../bench/lab/lab.js';
import { startWorker, type Worker } from '../../bench/lab/worker.js';
import type { Attack } from '../attack.js';
import { BOMBS } from '../lab/bombs.js';
import type { ReaderRole } from '../roles/reader.js';

async function readAll(lab: Lab, reader: Worker<ReaderRole>): Promise<string> {
  const folder = await lab.folder();
  const wrong: string[] = [];
  const bombs = Object.entries(BOMBS);
  for (const [name, { file, text, should }] of bombs) {
    const place = path.join(folder, file);
    await writeFile(place, text());
    const outcome = await reader.call('read', place);
    if (outcome !== should) wrong.push(`${name} (${outcome})`);
    if (await reader.call('isPolluted')) wrong.push(`${name} (adds to all objects)`);
  }
  const right = bombs.length - wrong.length;
  const told = wrong.length === 0 ? '' : `; not so: ${wrong.join(', ')}`;
  return `${String(right)} of ${String(bombs.length)} are refused or read as they should be${told}`;
}

/** Config files that mean harm to whoever applies them. */
export const FILE_ATTACKS: readonly Attack[] = [
  {
    name: 'bombs in files',
    about: `${String(Object.keys(BOMBS).length)} config files: aliases, nesting, numbers, keys, bytes and sizes that no config has.`,
    defence:
      'Aliases and levels are counted, keys are data, and whatever is wrong is told with its place.',
    target: 'files',
    held: /should be$/,
    // A command that reads a file does nothing else meanwhile.
    maxRatio: 200,
    maxGrowthMiB: 768,
    async open(lab) {
      const reader = startWorker<ReaderRole>(lab, new URL('../roles/reader.js', import.meta.url));
      await reader.call('start');
      return {
        victim: { measured: () => reader.call('measured') },
        attack: () => readAll(lab, reader),
      };
    },
  },
];
