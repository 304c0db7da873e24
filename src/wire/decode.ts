import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { invalidField, isSwitchboardError, SwitchboardError } from '../domain/errors.js';
import { asBuffer } from './frame.js';

// Decoding well-formed UTF-8 never yields a lone surrogate, so this marks a bad string.
const BAD_STRING = '\ud800';
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The most fields of a request, each item of a list being one. A field can be as short as two
 * bytes and take a hundred times as much once it is decoded.
 */
const MAX_FIELDS = 200_000;
/** A request of so few bytes cannot have too many. */
const FEW_BYTES = 2 * MAX_FIELDS;

/** A request as it came: decoded, or what is wrong with it. */
export type Decoded<T> =
  | { readonly ok: true; readonly message: T }
  | { readonly ok: false; readonly error: SwitchboardError };

/**
 * Decodes `bytes` and refuses what the generated decoders let pass: strings that are not
 * UTF-8, which they would change silently, and trailing bytes. Never throws, because
 * grpc-js answers INTERNAL for whatever a deserializer throws; the error is INVALID_FIELD
 * with the path of the field, or of `request` if the message itself is broken; or
 * REQUEST_TOO_LARGE for a request of more than 200,000 fields.
 */
export function decodeStrictly<T>(
  decode: (reader: BinaryReader) => T,
  bytes: Uint8Array,
): Decoded<T> {
  const seen = { badString: false };
  const reader = new BinaryReader(bytes, (text) => {
    try {
      return UTF8.decode(text);
    } catch {
      seen.badString = true;
      return BAD_STRING;
    }
  });
  if (bytes.byteLength > FEW_BYTES) limitFields(reader);
  try {
    const message = decode(reader);
    if (reader.pos !== reader.len) throw new Error('the message ends before its bytes do');
    if (seen.badString) throw invalidField(findBadString(message) ?? 'request', 'not valid UTF-8');
    return { ok: true, message };
  } catch (error) {
    if (isSwitchboardError(error)) return { ok: false, error };
    const reason = error instanceof Error ? error.message : String(error);
    return { ok: false, error: invalidField('request', `not a valid message: ${reason}`) };
  }
}

/**
 * Calls `check` with every tenant that an encoded request names at `fields`, without decoding
 * the rest: with an empty one if the message that could name it does not. Bytes that are no
 * message end the search; decoding them is to say so.
 */
export function eachNamedTenant(
  bytes: Uint8Array,
  fields: readonly number[],
  check: (tenant: string) => void,
): void {
  const [field, ...below] = fields;
  const reader = new BinaryReader(bytes);
  let isNamed = false;
  for (let value = nextValue(reader, field); value; value = nextValue(reader, field)) {
    if (below.length > 0) eachNamedTenant(value, below, check);
    else check(asBuffer(value).toString('utf8'));
    isNamed = true;
  }
  if (below.length === 0 && !isNamed) check('');
}

/** The next value of a length-delimited field; undefined once there is none. */
function nextValue(reader: BinaryReader, field: number | undefined): Uint8Array | undefined {
  try {
    while (reader.pos < reader.len) {
      const [number, type] = reader.tag();
      if (number === field && type === WireType.LengthDelimited) return reader.bytes();
      reader.skip(type, number);
    }
  } catch {
    // Not a message from here on.
  }
  return undefined;
}

/** Ends the decoding of a message that has too many fields. */
function limitFields(reader: BinaryReader): void {
  // The generated decoders read each tag with it, and the length of nearly each value.
  const read = reader.uint32.bind(reader);
  let left = 2 * MAX_FIELDS;
  reader.uint32 = () => {
    left -= 1;
    if (left < 0) throw tooManyFields();
    return read();
  };
}

function tooManyFields(): SwitchboardError {
  return new SwitchboardError(
    'REQUEST_TOO_LARGE',
    `a request has at most ${String(MAX_FIELDS)} fields and items of lists`,
    { metadata: { limit: String(MAX_FIELDS) } },
  );
}

/** The path of the first bad string in a decoded message, in the words of the .proto file. */
function findBadString(value: unknown): string | undefined {
  for (const [step, child] of children(value)) {
    if (child === BAD_STRING) return step;
    const rest = findBadString(child);
    if (rest !== undefined) return `${step}${rest.startsWith('[') ? '' : '.'}${rest}`;
  }
  return undefined;
}

function* children(value: unknown): Iterable<readonly [string, unknown]> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield [`[${index}]`, item];
  } else if (value instanceof Map) {
    for (const [key, item] of value as Map<unknown, unknown>) {
      yield key === BAD_STRING ? ['[?]', key] : [`[${String(key)}]`, item];
    }
  } else if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
    for (const [key, item] of Object.entries(value)) {
      // A oneof is `{ $case: 'user', value: … }`; its path is that of the case.
      if (isCase(item)) yield [snakeCase(item.$case), item.value];
      else yield [snakeCase(key), item];
    }
  }
}

function isCase(value: unknown): value is { $case: string; value: unknown } {
  return typeof value === 'object' && value !== null && '$case' in value;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
