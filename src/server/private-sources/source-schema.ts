import { z } from 'zod';
import { SOURCE_NAME } from '../../domain/source-record.js';
import { LIMITS } from '../../domain/limits.js';
import { DEFAULT_TTL_MS } from '../../services/private-loads/private-source.js';
import { parseAddress, parseBytes, parseDelay, parseDuration } from '../option-values.js';
import { messageOf } from '../start-error.js';

/** A load is one commit, which may have 8 MB when encoded. */
const MAX_LOAD_BYTES = 6 * 1024 * 1024;
const MAX_LOAD_ROWS = 10_000;
const MAX_CONCURRENCY = 256;
const TTL_BOUNDS_MS = [1_000, 7 * 86_400_000] as const;

/** A value that is written as an option of the server would be. */
function written<T>(parse: (text: string) => T) {
  return z.union([z.string(), z.number()], { error: required }).transform((value, context) => {
    try {
      return parse(String(value));
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) });
      return z.NEVER;
    }
  });
}

function required({ input }: { readonly input?: unknown }): string | undefined {
  return input === undefined ? 'is required' : undefined;
}

function count(most: number) {
  const message = `expected a whole number from 1 to ${String(most)}`;
  return z.number(message).int(message).min(1, message).max(most, message);
}

const text = z.string({ error: required }).min(1, 'must not be empty');

const tls = z
  .strictObject({ ca: text.optional(), cert: text.optional(), key: text.optional() })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
    message: 'needs both cert and key, or neither',
  });

/** An entry of `sources`, with every default filled in. Paths are as they were written. */
const sourceSchema = z.strictObject({
  tenant: text.max(LIMITS.id, `must be at most ${String(LIMITS.id)} characters`),
  name: z.string({ error: required }).regex(SOURCE_NAME, 'expected 1 to 64 of a-z, 0-9 and -'),
  target: written(parseTarget),
  tls: tls.optional(),
  token_file: text.optional(),
  ttl: written(parseTtl).default(DEFAULT_TTL_MS),
  timeout: written(parseDelay).default(10_000),
  max_rows: count(MAX_LOAD_ROWS).default(1_000),
  max_bytes: written(parseLoadBytes).default(4 * 1024 * 1024),
  concurrency: count(MAX_CONCURRENCY).default(8),
  foreign_owners: z.boolean('expected true or false').default(false),
});

/** The file of `--private-sources`. */
export const sourcesFileSchema = z.strictObject({
  sources: z.array(sourceSchema, { error: required }),
});

export type SourceEntry = z.infer<typeof sourceSchema>;

function parseTarget(address: string): string {
  if (parseAddress(address).port === 0) throw new Error('expected a port from 1 up');
  return address;
}

function parseTtl(duration: string): number {
  const ms = parseDuration(duration);
  const [least, most] = TTL_BOUNDS_MS;
  if (ms < least || ms > most) throw new Error('expected from 1s to 7d');
  return ms;
}

function parseLoadBytes(size: string): number {
  const bytes = parseBytes(size);
  if (bytes > MAX_LOAD_BYTES) throw new Error('expected at most 6MiB: a load is one commit');
  return bytes;
}
