import path from 'node:path';
import { ESLint, type Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { beforeAll, describe, expect, it } from 'vitest';
import { houseRules } from '../../scripts/lib/eslint-rules.mjs';

// The project's own restrictions, each shown to fire on the line of fixtures/lint/bad.ts that names it.

// What the house switches off needs no example.
const enforced = Object.keys(houseRules).filter((rule) => houseRules[rule] !== 'off');

const fixtures = path.join(import.meta.dirname, 'fixtures/lint');

const eslint = new ESLint({
  cwd: fixtures,
  overrideConfigFile: true,
  overrideConfig: {
    files: ['**/*.ts'],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: fixtures },
    },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: {
      ...houseRules,
      // So that the example stays short.
      'max-lines': ['error', { max: 90 }],
    },
  } as unknown as Linter.Config,
});

const reported = new Map<string, string[]>();

beforeAll(async () => {
  for (const result of await eslint.lintFiles(['bad.ts', 'long.ts'])) {
    for (const { ruleId, message } of result.messages) {
      const rule = ruleId ?? 'parse error';
      reported.set(rule, [...(reported.get(rule) ?? []), message]);
    }
  }
});

describe('lint rules of the house', () => {
  it.each(enforced)('%s fires on its bad example', (rule) => {
    expect([...reported.keys()]).toContain(rule);
  });

  it('are all that is reported', () => {
    expect([...reported.keys()].sort()).toEqual([...enforced].sort());
  });

  it.each([
    ['no-restricted-syntax', 'No default export'],
    ['no-restricted-syntax', 'No enum'],
    ['no-restricted-syntax', 'Wait with `eventually`'],
    ['no-restricted-properties', 'src/server/options.ts'],
    ['no-restricted-imports', "Write 'node:fs'"],
    ['no-restricted-imports', 'src/server/options.ts'],
  ])('%s says "%s"', (rule, text) => {
    expect(reported.get(rule)?.join('\n')).toContain(text);
  });
});
