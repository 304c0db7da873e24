/** Puts the lines of a byte stream together. */
export interface LineBuffer {
  /** The lines that `chunk` completes, without their ends. What follows the last one is kept. */
  push(chunk: Buffer): Iterable<Buffer>;
  /** Bytes of the line that is not complete yet. */
  readonly pendingBytes: number;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Makes an empty one. A byte is copied once at most, however many chunks its line has. */
export function createLineBuffer(): LineBuffer {
  let pending: Buffer[] = [];
  let pendingBytes = 0;

  function keep(part: Buffer): void {
    pending.push(part);
    pendingBytes += part.length;
  }

  function take(): Buffer {
    const line = pending.length === 1 ? (pending[0] as Buffer) : Buffer.concat(pending);
    pending = [];
    pendingBytes = 0;
    return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
  }

  return {
    *push(chunk) {
      let from = 0;
      for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
        keep(chunk.subarray(from, end));
        from = end + 1;
        yield take();
      }
      if (from < chunk.length) keep(chunk.subarray(from));
    },
    get pendingBytes() {
      return pendingBytes;
    },
  };
}
