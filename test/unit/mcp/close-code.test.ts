import { describe, expect, it } from 'vitest';
import { closeError } from '../../../src/mcp/close-code.js';

describe('closeError', () => {
  it.each([
    [1000, 'lost'],
    [1005, 'lost'],
    [1006, 'lost'],
    [1012, 'lost'],
    [1013, 'unavailable'],
    [3000, 'unauthorized'],
    [3003, 'refused'],
    [4000, 'lost'],
    [4401, 'unauthorized'],
    [4403, 'refused'],
    [4429, 'unavailable'],
    [4503, 'unavailable'],
  ])('takes %i as %s, and never as not sent', (code, kind) => {
    expect(closeError(code, '')).toMatchObject({ kind, sent: true });
  });

  it('tells what the server gave as its reason', () => {
    expect(closeError(1001, 'restarting').message).toBe('the server closed with 1001: restarting');
    expect(closeError(1001, '').message).toBe('the server closed with 1001');
    expect(closeError(1006, '').message).toBe('the connection broke');
  });
});
