import { describe, expect, it } from 'vitest';
import { createLineBuffer } from '../../../src/mcp/process-lines.js';

/** The lines of `text`, which comes in chunks of `size` bytes. */
function linesOf(text: string, size: number): string[] {
  const bytes = Buffer.from(text);
  const buffer = createLineBuffer();
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    for (const line of buffer.push(bytes.subarray(at, at + size))) lines.push(line.toString());
  }
  expect(buffer.pendingBytes).toBe(bytes.length - bytes.lastIndexOf('\n') - 1);
  return lines;
}

describe('createLineBuffer', () => {
  it.each([1, 2, 3, 7, 1000])('puts lines together from chunks of %i bytes', (size) => {
    const text = 'one\r\n\n{"a":"ä€😀"}\nthree\n  \nno end';
    expect(linesOf(text, size)).toEqual(['one', '', '{"a":"ä€😀"}', 'three', '  ']);
  });
});
