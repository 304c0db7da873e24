/** The bytes as the Buffer that grpc-js wants to send; not copied. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A message with fields of the same message that it does not have yet: their bytes after its own. */
export function appended(message: Uint8Array, fields: Uint8Array): Buffer {
  return Buffer.concat([message, fields]);
}
