import { describe, expect, it } from 'vitest';
import { createSchemaValidator } from '../../../src/mcp/schema-validator.js';

const withMinimum = (minimum: number, more = {}) =>
  ({ type: 'object', properties: { n: { type: 'number', minimum } }, ...more }) as const;

describe('createSchemaValidator', () => {
  it('compiles equal schemas once and validates', () => {
    const validator = createSchemaValidator();
    const first = validator.getValidator(withMinimum(1));
    expect(validator.getValidator(withMinimum(1))).toBe(first);
    expect([first({ n: 1 }).valid, first({ n: 0 }).valid]).toEqual([true, false]);
  });

  it('begins anew at its limit instead of growing', () => {
    const validator = createSchemaValidator(3);
    const first = validator.getValidator(withMinimum(0));
    for (let n = 1; n < 10; n += 1) {
      const check = validator.getValidator(withMinimum(n));
      expect([check({ n }).valid, check({ n: n - 1 }).valid]).toEqual([true, false]);
    }
    expect(validator.getValidator(withMinimum(0))).not.toBe(first);
    expect(first({ n: -1 }).valid).toBe(false);
  });

  it('does not mix up schemas that call themselves the same', () => {
    const validator = createSchemaValidator();
    const $id = 'https://example.com/tool';
    const loose = validator.getValidator(withMinimum(0, { $id }));
    const strict = validator.getValidator(withMinimum(5, { $id }));
    expect([loose({ n: 1 }).valid, strict({ n: 1 }).valid]).toEqual([true, false]);
  });
});
