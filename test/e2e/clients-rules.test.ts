import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readScenarios } from '../support/clients/scenario.js';

// The rules of docs/clients.md, the scenarios and the examples name each other.

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

const page = read('docs/clients.md');
const rules = [...page.matchAll(/^- \*\*(K\d+)\./gm)].map(([, id = '']) => id);
const idsIn = (text: string): readonly string[] => [...new Set(text.match(/\bK\d+\b/g) ?? [])];

describe('the rules for clients in other languages', () => {
  it('are numbered without a gap', () => {
    expect(rules.length).toBeGreaterThan(0);
    expect(rules).toEqual(rules.map((_rule, index) => `K${String(index + 1)}`));
  });

  it('are each proven by a scenario, or the page says that they are not', () => {
    const proven = new Set(readScenarios().flatMap((scenario) => scenario.rules));
    const excepted = idsIn(/Five are not in it: [\s\S]*?\./.exec(page)?.[0] ?? '');
    expect(excepted).toHaveLength(5);
    expect([...proven].filter((id) => !rules.includes(id))).toEqual([]);
    expect(rules.filter((id) => !proven.has(id))).toEqual(excepted);
  });

  it.each(['examples/python/client.py', 'examples/go/main.go'])(
    'are those that %s names',
    (file) => {
      const named = idsIn(read(file));
      expect(named.length).toBeGreaterThan(0);
      expect(named.filter((id) => !rules.includes(id))).toEqual([]);
    },
  );

  it.each(['examples/python/client.py', 'examples/go/main.go'])(
    'fit on a page or two: %s',
    (file) => {
      expect(read(file).split('\n').length - 1).toBeLessThan(200);
    },
  );
});
