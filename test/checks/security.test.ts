import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ATTACKS } from '../hostile/attacks/index.js';
import { PAGE, renderPage } from '../hostile/docs.js';

const root = path.resolve(import.meta.dirname, '../..');

describe('docs/security.md', () => {
  it('shows the run that was kept, and nothing typed by hand (else: npm run hostile -- --render)', async () => {
    expect(await readFile(path.join(root, PAGE), 'utf8')).toBe(await renderPage(root));
  });

  it('names each attack once', () => {
    const names = ATTACKS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});
