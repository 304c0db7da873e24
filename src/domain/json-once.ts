const texts = new WeakMap<object, string>();

/** What `JSON.stringify` gives, made once: for objects that are never changed in place. */
export function jsonOnce(value: object): string {
  const known = texts.get(value);
  if (known !== undefined) return known;
  const text = JSON.stringify(value);
  texts.set(value, text);
  return text;
}

/** Lets go of that text, of a value that is kept but will not be encoded again. */
export function forgetJson(value: object): void {
  texts.delete(value);
}
