import { createHash } from 'node:crypto';

/**
 * The id of the server that a row is, by the rule and not by the product: SHA-256 over the label
 * `source-row`, the first name of the source and the id of the row, each after its length in four
 * bytes; of it the first 16 bytes as base64url. It stays so for good: servers are found by it.
 */
export function idOfSourceRow(firstName: string, rowId: string): string {
  const hash = createHash('sha256');
  for (const part of ['source-row', firstName, rowId]) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(part));
    hash.update(length).update(part);
  }
  return hash.digest().subarray(0, 16).toString('base64url');
}
