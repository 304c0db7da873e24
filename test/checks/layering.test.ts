import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { cruise, type ICruiseResult, type IFlattenedRuleSet } from 'dependency-cruiser';
import { describe, expect, it } from 'vitest';

// The rules are data; a rule that never fires is worse than none. For each there is a small bad tree in
// fixtures/layering/<rule>, and exactly that rule must be reported for it.

interface Config {
  readonly forbidden: readonly { readonly name: string; readonly comment: string }[];
  readonly options: Record<string, unknown>;
}

const root = path.resolve(import.meta.dirname, '../..');
const fixtures = path.join(import.meta.dirname, 'fixtures/layering');
const config = createRequire(import.meta.url)(path.join(root, '.dependency-cruiser.cjs')) as Config;
const ruleNames = config.forbidden.map((rule) => rule.name);

async function reportedRules(baseDir: string): Promise<string[]> {
  const { doNotFollow, exclude, tsPreCompilationDeps, enhancedResolveOptions } = config.options;
  const result = await cruise(
    ['src'],
    {
      baseDir,
      doNotFollow: doNotFollow as { path: string },
      exclude: exclude as { path: string },
      tsPreCompilationDeps: tsPreCompilationDeps as boolean,
      ruleSet: { forbidden: config.forbidden } as unknown as IFlattenedRuleSet,
      validate: true,
    },
    enhancedResolveOptions as object,
  );
  const { violations } = (result.output as ICruiseResult).summary;
  return [...new Set(violations.map((violation) => violation.rule.name))].sort();
}

describe('import rules', () => {
  it('have one bad example each, and no example is left without a rule', () => {
    expect(readdirSync(fixtures).sort()).toEqual([...ruleNames].sort());
  });

  it('each say what they mean and how to satisfy them', () => {
    for (const rule of config.forbidden) expect(rule.comment, rule.name).toMatch(/Fix: /);
  });

  it.each(ruleNames)('%s fires on its bad example, and it alone', async (name) => {
    expect(await reportedRules(path.join(fixtures, name))).toEqual([name]);
  });

  it('find nothing to say about src/', async () => {
    expect(await reportedRules(root)).toEqual([]);
  });
});
