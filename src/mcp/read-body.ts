/** What is read of the body of an error, or of one that carries nothing for us, in bytes. */
export const MAX_ERROR_BYTES = 64 * 1024;

/** The first `limit` bytes of a body. What is beyond is cancelled. */
export async function readAtMost(
  body: ReadableStream<Uint8Array>,
  limit: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes >= limit) break;
  }
  return Buffer.concat(chunks).subarray(0, limit);
}

/** The beginning of the text of an answer that is an error. */
export async function errorText({ body }: Response): Promise<string> {
  if (body === null) return '';
  return new TextDecoder().decode(await readAtMost(body, MAX_ERROR_BYTES));
}
