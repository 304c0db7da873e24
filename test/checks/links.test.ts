import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readTests } from '../../scripts/lib/promises.mjs';
import { linkComplaints, type Tree } from './links.js';

const root = path.resolve(import.meta.dirname, '../..');

const pagesIn = (folder: string): readonly string[] =>
  readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.posix.join(folder, name));

describe('links in the docs', () => {
  const titles = new Map<string, string[]>();
  const tree: Tree = {
    exists: (file) => existsSync(path.join(root, file)),
    read: (file) => readFileSync(path.join(root, file), 'utf8'),
    titlesOf: (file) => titles.get(file) ?? [],
  };

  beforeAll(async () => {
    for (const { file, title, proves } of await readTests(path.join(root, 'test')))
      if (proves) titles.set(file, [...(titles.get(file) ?? []), title]);
  });

  it.each(['', 'docs', 'docs/adr'].flatMap(pagesIn))('of %s lead somewhere', (page) => {
    expect(linkComplaints(page, tree.read(page), tree)).toEqual([]);
  });
});

describe('the check of links', () => {
  const files: Record<string, string> = {
    'docs/other.md': '# Other page\n\n## What, and why?\n',
    'test/unit/a.test.ts': '',
  };
  const tree: Tree = {
    exists: (file) => file in files || file === 'docs/page.md',
    read: (file) => files[file] ?? '',
    titlesOf: () => ['group > does it [W1, D2]'],
  };

  it.each([
    ['[a](missing.md)', 'docs/page.md links to docs/missing.md, which is not there'],
    ['[a](other.md#what)', 'docs/page.md links to #what of docs/other.md, which is not there'],
    [
      '[does it](../test/unit/a.test.ts)',
      'docs/page.md links to a test of test/unit/a.test.ts that is not there, or does not run: does it',
    ],
  ])('complains of %s', (text, complaint) => {
    expect(linkComplaints('docs/page.md', text, tree)).toEqual([complaint]);
  });

  it.each([
    '[a](other.md)',
    '[a](other.md#what-and-why)',
    '[a](https://example.com/missing.md)',
    '[group > does it](../test/unit/a.test.ts)',
    '[test/unit/a.test.ts](../test/unit/a.test.ts)',
    '```\n[a](missing.md)\n```\n',
  ])('takes %s', (text) => {
    expect(linkComplaints('docs/page.md', text, tree)).toEqual([]);
  });
});
