import { describe, expect, it } from 'vitest';
import { MessageProgress } from '../../../src/server/connections/message-progress.js';
import { connectionsWithin } from '../../../src/server/open-files.js';
import { StartError } from '../../../src/server/start-error.js';

/** A gRPC message with a body of this many bytes. */
function message(length: number): Buffer {
  const bytes = Buffer.alloc(5 + length, 1);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

describe('the progress of a stream of messages', () => {
  const lengths = [0, 1, 300, 0, 70_000, 5];
  const bytes = Buffer.concat(lengths.map(message));
  const ends = lengths.map((_, n) =>
    lengths.slice(0, n + 1).reduce((sum, length) => sum + 5 + length, 0),
  );

  it.each([1, 2, 7, 300, 16_384, bytes.byteLength])(
    'is told of pieces of %i bytes: how much of each belongs to an unfinished message',
    (size) => {
      const progress = new MessageProgress();
      for (let at = 0; at < bytes.byteLength; at += size) {
        const piece = bytes.subarray(at, at + size);
        const end = at + piece.byteLength;
        const begun = ends.filter((whole) => whole <= end).at(-1) ?? 0;
        expect(progress.add(piece)).toBe(end - Math.max(begun, at));
        expect(progress.isWithinMessage).toBe(begun !== end);
      }
    },
  );
});

describe('the limit of open files', () => {
  it('leaves room for connections, or is too low to start', () => {
    expect(connectionsWithin(10_000, 1_024)).toBe(960);
    expect(connectionsWithin(100, 1_024)).toBe(100);
    expect(connectionsWithin(100, Infinity)).toBe(100);
    expect(connectionsWithin(10_000, 80)).toBe(16);
    expect(() => connectionsWithin(10_000, 79)).toThrow(StartError);
    expect(() => connectionsWithin(10_000, 64)).toThrow(/only 64 .*at least 80.*ulimit -n/);
  });
});
