import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createGzip } from 'node:zlib';

/** An answer without an end, and how much of it was taken. */
export interface Flood {
  /** Bytes that were written, and taken by the sockets or by whom they are for. */
  readonly bytes: number;
  /** Whether its reader has gone. */
  readonly isOver: boolean;
}

/** Sends `begin` and then `piece` for as long as somebody reads, or `most` bytes of it. */
export function flood(
  response: ServerResponse,
  piece: string,
  { begin = '', most = 256 * 1024 * 1024 } = {},
): Flood {
  const state = { bytes: 0, isOver: false };
  const write = (): void => {
    while (!state.isOver && state.bytes < most) {
      state.bytes += piece.length;
      if (!response.write(piece)) return;
    }
    response.end();
  };
  response.once('close', () => (state.isOver = true)).on('drain', write);
  response.write(begin);
  write();
  return state;
}

/** Spaces in gzip: `mebibytes` of them in a thousandth of that. */
export async function gzipBomb(begin: string, mebibytes: number): Promise<Buffer> {
  const gzip = createGzip({ level: 9 });
  const chunks: Buffer[] = [];
  gzip.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = once(gzip, 'end');
  gzip.write(begin);
  for (let at = 0; at < mebibytes; at += 1) gzip.write(' '.repeat(1024 * 1024));
  gzip.end();
  await ended;
  return Buffer.concat(chunks);
}

/** Writes the same again and again until the other side has gone. */
export async function writeForever(response: ServerResponse, chunk: string): Promise<void> {
  let wake = (): void => undefined;
  response.on('drain', () => {
    wake();
  });
  response.once('close', () => {
    wake();
  });
  while (!response.destroyed) {
    const isRoom = response.write(chunk);
    await (isRoom ? nextTurn() : new Promise<void>((resolve) => (wake = resolve)));
  }
}
