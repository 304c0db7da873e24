import { describe, expect, it } from 'vitest';
import { createErrorRedactor } from '../../../src/mcp/redacted-error.js';
import { McpError } from '../../../src/mcp/mcp-error.js';
import { createRedactor, MAX_ERROR_TEXT } from '../../../src/mcp/redactor.js';

const SECRET = 'a/b "c" é 4711';
const { text, brief, json, stream } = createRedactor(() => [SECRET, 'abcd', 'abcd-efgh']);

describe('a redactor', () => {
  it.each([
    ['as it is', SECRET],
    ['percent-encoded', 'a%2Fb%20%22c%22%20%C3%A9%204711'],
    ['percent-encoded in lower case', 'a%2fb%20%22c%22%20%c3%a9%204711'],
    ['as in a form', 'a%2Fb+%22c%22+%C3%A9+4711'],
    ['in JSON', 'a/b \\"c\\" é 4711'],
    ['in JSON of ASCII', 'a/b \\"c\\" \\u00e9 4711'],
    ['in base64', Buffer.from(SECRET).toString('base64')],
    ['in base64 for URLs', Buffer.from(SECRET).toString('base64url')],
  ])('finds a value %s', (_, form) => {
    expect(text(`<${form}>`)).toMatch(/^<\[redacted\]=*>$/);
    expect(brief(`<${form}>`)).toMatch(/^<\[redacted\]=*>$/);
  });

  it('takes the longest value at a place', () => {
    expect(text('abcd-efgh abcd-efg')).toBe('[redacted] [redacted]-efg');
  });

  it('changes nothing without values', () => {
    const none = createRedactor(() => []);
    expect([none.text('abcd'), none.brief('abcd')]).toEqual(['abcd', 'abcd']);
    expect(none.brief('x'.repeat(1000))).toBe(`${'x'.repeat(MAX_ERROR_TEXT - 1)}…`);
  });

  it('leaves no part of a value at the cut, wherever it is', () => {
    for (let before = 0; before < MAX_ERROR_TEXT + 20; before += 1) {
      const cut = brief(`${'.'.repeat(before)}${SECRET}${'.'.repeat(1000)}`);
      expect(cut.length).toBeLessThanOrEqual(MAX_ERROR_TEXT);
      expect(cut).not.toContain('a/');
    }
    // Values that are longer than what stands for them move what is behind them before the cut.
    const many = brief(`${'abcd-efgh'.repeat(100)}${SECRET.repeat(100)}`);
    expect(many.replaceAll('[redacted]', '')).toMatch(/^\[?[a-z]*…?$/);
  });

  it('leaves no beginning of a value where somebody else has cut', () => {
    expect(brief('token a/b "c')).toBe('token [redacted]');
    expect(brief('token a/b')).toBe('token a/b');
  });

  it('finds a value in a text that comes in pieces', () => {
    const whole = `1 ${SECRET} 2 abcd 3 abcd-efgh 4 ${SECRET.slice(0, 9)}`;
    for (let size = 1; size <= whole.length; size += 1) {
      const { push, end } = stream();
      let told = '';
      for (let at = 0; at < whole.length; at += size) told += push(whole.slice(at, at + size));
      expect(told + end()).toBe('1 [redacted] 2 [redacted] 3 [redacted] 4 [redacted]');
    }
  });

  it('copies JSON, with names and numbers', () => {
    const redact = createRedactor(() => ['12345678', 'name-1']).json;
    const value = { 'name-1': [12_345_678, 1, true, null, 'is name-1'], deep: { a: '12345678' } };
    expect(redact(value)).toEqual({
      '[redacted]': ['[redacted]', 1, true, null, 'is [redacted]'],
      deep: { a: '[redacted]' },
    });
    expect(json('abcd')).toBe('[redacted]');
  });
});

describe('a redacted error', () => {
  const redact = createErrorRedactor(createRedactor(() => ['lost', 'secret-1']));

  it('keeps its class, kind and code, and what caused it', () => {
    const system = Object.assign(new TypeError('secret-1'), { code: 'ELOST', args: ['secret-1'] });
    const error = redact(
      new McpError('lost', 'is secret-1', { sent: true, code: 7, cause: system }),
    );
    expect(error).toBeInstanceOf(McpError);
    expect(error).toMatchObject({ kind: 'lost', message: 'is [redacted]', sent: true, code: 7 });
    expect(error.cause).toBeInstanceOf(TypeError);
    expect(error.cause).toMatchObject({ code: 'ELOST', args: ['[redacted]'] });
    expect(error.stack).toMatch(/^McpError: is \[redacted\]\n {4}at /);
    expect((error.cause as Error).stack).not.toContain('secret-1');
  });

  it('is one copy for one error, also if errors cause each other', () => {
    const error = new Error('secret-1');
    error.cause = new Error('other', { cause: error });
    const copy = redact(error);
    expect(redact(error)).toBe(copy);
    expect(redact(copy)).toBe(copy);
    expect((copy.cause as Error).cause).toBe(copy);
  });

  it('has texts of one length, and no more data than that', () => {
    const data = { list: Array.from({ length: 100 }, () => 'x'.repeat(1000)) };
    const error = redact(new McpError('refused', 'm'.repeat(10_000), { sent: true, data }));
    expect(error.message.length).toBe(MAX_ERROR_TEXT);
    expect(error.stack?.length).toBeLessThan(5000);
    expect(error.data).toBe('more than 16384 characters');
    const small = redact(new McpError('refused', '', { sent: true, data: ['x'.repeat(1000)] }));
    expect((small.data as string[])[0]?.length).toBe(MAX_ERROR_TEXT);
  });
});
