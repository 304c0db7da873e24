import { describe, expect, it, onTestFinished } from 'vitest';
import { createSchemaChecker } from '../../../src/mcp/schema-checker.js';

/** As short as it may be: what overruns it in these tests would take years. */
const DEADLINE_MS = 500;

function openChecker() {
  const checker = createSchemaChecker({ deadlineMs: DEADLINE_MS });
  onTestFinished(() => checker.close());
  return async (schema: unknown, value: unknown) =>
    checker.check({ schema: JSON.stringify(schema), value: JSON.stringify(value) });
}

/** A schema that branches twice at each of its levels, so that checking doubles with each. */
function branching(levels: number) {
  const both = (level: number) => ({
    anyOf: [{ $ref: `#/$defs/d${String(level + 1)}` }, { $ref: `#/$defs/d${String(level + 1)}` }],
  });
  const $defs: Record<string, unknown> = { [`d${String(levels)}`]: { type: 'null' } };
  for (let level = 0; level < levels; level += 1) $defs[`d${String(level)}`] = both(level);
  return { $ref: '#/$defs/d0', $defs };
}

describe('createSchemaChecker', () => {
  it('validates, and says what does not match or cannot be compiled', async () => {
    const check = openChecker();
    const schema = { type: 'object', properties: { n: { type: 'number', minimum: 1 } } };
    expect(await check(schema, { n: 1 })).toEqual({ kind: 'valid', reason: '' });
    expect(await check(schema, { n: 0 })).toEqual({
      kind: 'invalid',
      reason: 'data/n must be >= 1',
    });
    expect(await check({ pattern: '(' }, 'x')).toMatchObject({ kind: 'unchecked' });
    expect(await check({ $ref: '#/$defs/none' }, 'x')).toMatchObject({ kind: 'unchecked' });
    expect(await check({ $ref: '#' }, 'x')).toMatchObject({ kind: 'unchecked' });
  });

  it('does not mix up schemas that call themselves the same', async () => {
    const check = openChecker();
    const $id = 'https://example.com/tool';
    expect(await check({ $id, minimum: 0 }, 1)).toMatchObject({ kind: 'valid' });
    expect(await check({ $id, minimum: 5 }, 1)).toMatchObject({ kind: 'invalid' });
  });

  it('begins anew at its limit of compiled schemas, and stays right', async () => {
    const check = openChecker();
    for (let minimum = 0; minimum < 300; minimum += 1) {
      expect(await check({ minimum }, minimum)).toMatchObject({ kind: 'valid' });
    }
    expect(await check({ minimum: 0 }, -1)).toMatchObject({ kind: 'invalid' });
  });

  it.each([
    ['a pattern that backtracks', { pattern: '^(a+)+$' }, `${'a'.repeat(200)}!`],
    ['branches of branches', branching(60), 'x'],
    [
      'unique items',
      { uniqueItems: true },
      Array.from({ length: 20_000 }, (_, n) => [n, 'x'.repeat(10)]),
    ],
  ])('ends %s at the deadline, and then checks for others', async (_, schema, value) => {
    const check = openChecker();
    const [bad, good] = await Promise.all([check(schema, value), check({ type: 'string' }, 'x')]);
    expect(bad).toEqual({ kind: 'overrun', reason: 'it takes more than 500 ms' });
    expect(good).toMatchObject({ kind: 'valid' });
  });
});
