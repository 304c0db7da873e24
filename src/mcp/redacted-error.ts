import { jsonSize } from './json-size.js';
import type { Redactor } from './redactor.js';

/** Characters of the data of an error, all in all. */
const MAX_DATA = 16 * 1024;

/** By these we tell errors apart; none of them comes from a server as a text. */
const OUR_OWN = new Set<unknown>(['name', 'kind', 'code']);

/** Copies errors, with what caused them, without the values that their texts repeat. */
export interface ErrorRedactor {
  /** Returns the same copy for the same error, and a copy as it is. */
  <E extends Error>(error: E): E;
}

/** Makes one. Every text of an error is cut at one length. */
export function createErrorRedactor(redactor: Redactor): ErrorRedactor {
  const copies = new WeakMap<object, object>();

  function copyError(error: Error): Error {
    const copy = Object.create(Object.getPrototypeOf(error) as object) as Error;
    copies.set(error, copy);
    copies.set(copy, copy);
    for (const key of Reflect.ownKeys(error)) {
      const { enumerable = false } = Reflect.getOwnPropertyDescriptor(error, key) ?? {};
      const value = copyProperty(error, key);
      Object.defineProperty(copy, key, { value, enumerable, writable: true, configurable: true });
    }
    return copy;
  }

  function copyProperty(error: Error, key: string | symbol): unknown {
    const value: unknown = Reflect.get(error, key);
    // Symbols mark the classes of the SDK.
    if (typeof key === 'symbol' || OUR_OWN.has(key)) return value;
    if (key === 'stack') return typeof value === 'string' ? copyStack(error, value) : undefined;
    const copied = copyValue(value);
    return key === 'data' ? bounded(copied) : copied;
  }

  /** The stack repeats the whole message. */
  function copyStack({ name, message }: Error, stack: string): string {
    const at = stack.indexOf(message);
    const frames = at === -1 ? '' : stack.slice(at + message.length);
    return message === '' ? stack : `${name}: ${redactor.brief(message)}${frames}`;
  }

  function copyValue(value: unknown): unknown {
    if (typeof value === 'string') return redactor.brief(value);
    if (typeof value !== 'object' || value === null) {
      return typeof value === 'function' ? undefined : redactor.json(value);
    }
    const known = copies.get(value);
    if (known !== undefined) return known;
    if (value instanceof Error) return copyError(value);
    if (Array.isArray(value)) return copyList(value);
    return isPlain(value) ? copyPlain(value) : undefined;
  }

  function copyList(list: readonly unknown[]): readonly unknown[] {
    const copy: unknown[] = [];
    copies.set(list, copy);
    for (const item of list) copy.push(copyValue(item));
    return copy;
  }

  function copyPlain(value: object): object {
    const copy: Record<string, unknown> = {};
    copies.set(value, copy);
    for (const [name, of] of Object.entries(value)) copy[redactor.brief(name)] = copyValue(of);
    return copy;
  }

  return <E extends Error>(error: E) => copyValue(error) as E;
}

/** Data is the server's, and may be as large as a message. */
function bounded(data: unknown): unknown {
  return jsonSize(data) <= MAX_DATA ? data : `more than ${String(MAX_DATA)} characters`;
}

/** Other objects of libraries, such as sockets, hold what nobody needs to know. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
