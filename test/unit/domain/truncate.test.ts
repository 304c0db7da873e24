import { describe, expect, it } from 'vitest';
import { ellipsize, truncate } from '../../../src/domain/truncate.js';

describe('a truncated text', () => {
  it('is cut between characters, and well-formed', () => {
    expect(truncate('abc', 3)).toBe('abc');
    expect(truncate('abcd', 3)).toBe('abc');
    expect(truncate('ab🙂', 3)).toBe('ab');
    expect(truncate('a\ud83d', 9)).toBe('a\ufffd');
  });

  it('ends with an ellipsis within its limit where people read it', () => {
    expect(ellipsize('abc', 3)).toBe('abc');
    expect(ellipsize('abcd', 3)).toBe('ab…');
    expect(ellipsize('a🙂b', 3)).toBe('a…');
    expect(ellipsize('\ud83d', 3)).toBe('\ufffd');
  });
});
