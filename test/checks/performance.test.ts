import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderFiles } from '../bench/report/docs.js';

const root = path.resolve(import.meta.dirname, '../..');

describe('docs/performance.md', () => {
  it('shows the run that was kept, and nothing typed by hand (else: npm run bench -- --render)', async () => {
    const files = await renderFiles(root);
    expect(files.length).toBeGreaterThan(1);
    for (const { file, text } of files) {
      expect(await readFile(path.join(root, file), 'utf8'), file).toBe(text);
    }
  });
});
