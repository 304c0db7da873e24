import type { ServerRecord, StoredServer } from '../../domain/server.js';

/**
 * What the servers of one answer may come to, in bytes of JSON: most gRPC clients refuse
 * answers above 4 MiB unless told otherwise. Facts make records large.
 */
const ANSWER_BYTES = 3 * 1024 * 1024;

/** Records are immutable, so their sizes are counted once. */
const sizes = new WeakMap<ServerRecord, number>();

/** How many of the servers, from the first on, fit in one answer. */
export function countFitting(servers: Iterable<StoredServer>): number {
  let bytes = 0;
  let count = 0;
  for (const { record } of servers) {
    bytes += sizeOf(record);
    if (bytes > ANSWER_BYTES) break;
    count += 1;
  }
  return count;
}

function sizeOf(record: ServerRecord): number {
  const known = sizes.get(record);
  if (known !== undefined) return known;
  const size = Buffer.byteLength(JSON.stringify(record));
  sizes.set(record, size);
  return size;
}
