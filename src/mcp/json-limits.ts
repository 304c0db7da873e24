/** Levels of lists and objects in a message. Many more fill the stack of recursive code. */
export const MAX_JSON_DEPTH = 128;

/**
 * Values in a message, counted as its commas, lists and objects. How long JSON takes to parse
 * and to check depends on them and not on its bytes: in 10 MB, one text takes some 50 ms, and
 * a million small objects more than a second.
 */
export const MAX_JSON_VALUES = 100_000;

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const OPEN_OBJECT = 0x7b;
const CLOSE_LIST = 0x5d;
const CLOSE_OBJECT = 0x7d;

/** Which limit `json` exceeds, for people; undefined if none. Reads it without parsing. */
export function jsonExcess(json: Uint8Array): string | undefined {
  let depth = 0;
  let values = 0;
  let isText = false;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at];
    if (isText) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) {
      isText = true;
    } else if (byte === COMMA) {
      values += 1;
    } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      values += 1;
      depth += 1;
      if (depth > MAX_JSON_DEPTH) return `more than ${String(MAX_JSON_DEPTH)} levels`;
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      depth -= 1;
    }
    if (values > MAX_JSON_VALUES) return `more than ${String(MAX_JSON_VALUES)} values`;
  }
  return undefined;
}
