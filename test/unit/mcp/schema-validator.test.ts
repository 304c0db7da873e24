import { describe, expect, it } from 'vitest';
import type { SchemaJob, SchemaVerdict } from '../../../src/mcp/schema-checker.js';
import { createResultValidator } from '../../../src/mcp/schema-validator.js';
import { mcpErrorOf } from '../../support/mcp/connect.js';

/** A validator whose checks end with `verdict`, and the jobs that reached its checker. */
function openValidator(verdict: SchemaVerdict) {
  const jobs: SchemaJob[] = [];
  const validator = createResultValidator({
    check: async (job) => {
      jobs.push(job);
      return Promise.resolve(verdict);
    },
    close: async () => Promise.resolve(),
  });
  /** What the SDK does with a result, and what a connection does then. */
  const validate = async (schema: object, value: unknown): Promise<void> => {
    expect(validator.forSdk.getValidator(schema)(value).valid).toBe(true);
    await validator.check(value);
  };
  return { validator, validate, jobs };
}

describe('createResultValidator', () => {
  it('checks what the SDK took, once, and nothing else', async () => {
    const { validator, validate, jobs } = openValidator({ kind: 'valid' });
    const value = { n: 1 };
    await validate({ type: 'object' }, value);
    await validator.check(value);
    await validator.check(undefined);
    expect(jobs).toEqual([{ schema: '{"type":"object"}', value: '{"n":1}' }]);
  });

  it('refuses a result that does not match', async () => {
    const { validate } = openValidator({ kind: 'invalid', reason: 'data/n must be number' });
    const error = await mcpErrorOf(validate({}, {}));
    expect([error.kind, error.sent]).toEqual(['invalid_answer', true]);
    expect(error.message).toContain('does not match');
    expect(error.message).toContain('data/n must be number');
  });

  it('tries a schema that overran its limits once, and after three of them none', async () => {
    const { validate, jobs } = openValidator({ kind: 'overrun', reason: 'it takes too long' });
    const titles = ['a', 'a', 'b', 'c', 'd', 'e'];
    for (const title of titles) {
      const error = await mcpErrorOf(validate({ title }, {}));
      expect(error.message).toContain('cannot be checked');
    }
    expect(jobs.map(({ schema }) => schema)).toEqual(
      ['a', 'b', 'c'].map((title) => JSON.stringify({ title })),
    );
  });

  it('refuses schemas that are too large before a tool is called', () => {
    const { validator } = openValidator({ kind: 'valid' });
    const schema = { description: 'x'.repeat(256 * 1024) };
    expect(() => validator.forSdk.getValidator(schema)).toThrow('larger than 262144 characters');
  });
});
