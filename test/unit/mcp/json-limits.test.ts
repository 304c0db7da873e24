import { describe, expect, it } from 'vitest';
import { jsonExcess, MAX_JSON_DEPTH, MAX_JSON_VALUES } from '../../../src/mcp/json-limits.js';

const excessOf = (json: string) => jsonExcess(Buffer.from(json));
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

describe('jsonExcess', () => {
  it('counts levels', () => {
    expect(excessOf(nested(MAX_JSON_DEPTH))).toBeUndefined();
    expect(excessOf(nested(MAX_JSON_DEPTH + 1))).toBe('more than 128 levels');
    expect(excessOf(`[${Array(1000).fill('[{}]').join()}]`)).toBeUndefined();
  });

  it('counts values', () => {
    expect(excessOf(`[${'1,'.repeat(MAX_JSON_VALUES - 1)}1]`)).toBeUndefined();
    expect(excessOf(`[${'1,'.repeat(MAX_JSON_VALUES)}1]`)).toBe('more than 100000 values');
    expect(excessOf(`[${'{}'.repeat(MAX_JSON_VALUES)}]`)).toBe('more than 100000 values');
  });

  it('does not count what is in texts', () => {
    for (const text of [',[{', '"', '\\', '\\"', '"[,', 'ä"[']) {
      expect(excessOf(JSON.stringify({ [text]: text.repeat(MAX_JSON_VALUES) }))).toBeUndefined();
      expect(excessOf(JSON.stringify([text, nested(200)]))).toBeUndefined();
      expect(excessOf(`[${JSON.stringify(text)},${nested(200)}]`)).toBe('more than 128 levels');
    }
  });
});
