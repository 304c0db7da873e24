import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { PAGES } from '../../scripts/lib/docs.mjs';

const root = path.resolve(import.meta.dirname, '../..');

const load = async (module: string): Promise<Record<string, unknown>> =>
  (await import(path.join(root, `${module}.ts`))) as Record<string, unknown>;

describe('generated pages', () => {
  it.each(PAGES)('$file fits the code (else: npm run docs)', async ({ file, render }) => {
    expect(await readFile(path.join(root, file), 'utf8')).toBe(await render(load));
  });
});
