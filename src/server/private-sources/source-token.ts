import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Metadata } from '@grpc/grpc-js';
import { messageOf } from '../start-error.js';
import { type SourceIdentity, unavailable } from './source-failure.js';

/**
 * What a call to the source carries: the bearer token in `tokenFile`, read anew for each
 * call, so that a token that was exchanged is used from then on. Throws SOURCE_UNAVAILABLE.
 */
export async function sourceMetadata(
  source: Pick<SourceIdentity, 'name'>,
  tokenFile: string | undefined,
): Promise<Metadata> {
  const metadata = new Metadata();
  if (tokenFile === undefined) return metadata;
  try {
    const token = tokenIn(await readFile(tokenFile, 'utf8'));
    metadata.set('authorization', `Bearer ${token}`);
    return metadata;
  } catch (cause) {
    // The cause names the path, which is nobody's business but the operator's.
    const what = 'its token_file cannot be used: check that it is readable and contains a token';
    throw unavailable(source, { code: 'UNAUTHENTICATED', what, cause });
  }
}

/** What is wrong with a token file; undefined if it can be used. */
export function tokenFileProblem(file: string): string | undefined {
  try {
    tokenIn(readFileSync(file, 'utf8'));
    return undefined;
  } catch (error) {
    return `cannot be used: ${messageOf(error)}`;
  }
}

/** The token itself is never part of an error. */
function tokenIn(text: string): string {
  const token = text.trim();
  if (token === '') throw new Error('the file contains no token');
  if (!/^[\x21-\x7e]+$/.test(token)) throw new Error('the file contains more than one token');
  return token;
}
