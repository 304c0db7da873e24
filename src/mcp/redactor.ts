import { ELLIPSIS, ellipsize } from '../domain/truncate.js';

/** Characters of a text in an error; what is beyond is cut. */
export const MAX_ERROR_TEXT = 500;

const REDACTED = '[redacted]';

/** A shorter beginning of a value says nothing. */
const MIN_BEGINNING = 4;

/** Replaces values, in the forms in which they are usually repeated. */
export interface Redactor {
  /** The whole text. */
  text(text: string): string;
  /** The text, cut to MAX_ERROR_TEXT characters. A value at the cut is not there in part. */
  brief(text: string): string;
  /** A copy of JSON, whose names and texts are redacted. */
  json(value: unknown): unknown;
  /** Redacts a text that comes in pieces. */
  stream(): RedactedStream;
}

/** A text that comes in pieces. What may be the beginning of a value waits for the next one. */
export interface RedactedStream {
  push(piece: string): string;
  /** What is left of it. */
  end(): string;
}

interface Forms {
  readonly all: readonly string[];
  /** Undefined if there are none. */
  readonly pattern: RegExp | undefined;
  readonly longest: number;
}

/** Makes one for the values that `values` returns, which is asked when the first text comes. */
export function createRedactor(values: () => readonly string[]): Redactor {
  let known: Forms | undefined;
  const forms = (): Forms => (known ??= toForms(values()));

  function text(whole: string): string {
    const { pattern } = forms();
    return pattern === undefined ? whole : whole.replace(pattern, REDACTED);
  }

  /** The text up to where a value may begin that goes on behind its end, and the rest. */
  function split(whole: string): readonly [string, string] {
    const { pattern } = forms();
    let at = 0;
    let end = beginningOf(whole, at);
    let safe = '';
    for (const { index, 0: found } of pattern === undefined ? [] : whole.matchAll(pattern)) {
      if (index >= end) break;
      safe += whole.slice(at, index) + REDACTED;
      at = index + found.length;
      if (at > end) end = beginningOf(whole, at);
    }
    return [safe + whole.slice(at, end), whole.slice(end)];
  }

  /** Where the text, from `from` on, ends with the beginning of a value; its length if nowhere. */
  function beginningOf(whole: string, from: number): number {
    let first = whole.length;
    for (const form of forms().all) {
      const start = Math.max(from, whole.length - form.length + 1);
      for (let at = whole.indexOf(form.charAt(0), start); at !== -1 && at < first;) {
        if (form.startsWith(whole.slice(at))) first = at;
        else at = whole.indexOf(form.charAt(0), at + 1);
      }
    }
    return first;
  }

  function brief(whole: string): string {
    const read = MAX_ERROR_TEXT + forms().longest;
    const [safe, rest] = split(whole.slice(0, read));
    const end = whole.length <= read ? withoutBeginning(rest) : ELLIPSIS;
    return ellipsize(safe + end, MAX_ERROR_TEXT);
  }

  function json(value: unknown): unknown {
    if (typeof value === 'string') return text(value);
    if (typeof value === 'number') {
      const digits = String(value);
      return text(digits) === digits ? value : REDACTED;
    }
    if (Array.isArray(value)) return value.map(json);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, of]) => [text(name), json(of)]));
  }

  function stream(): RedactedStream {
    let kept = '';
    return {
      push(piece) {
        const [safe, rest] = split(kept + piece);
        kept = rest;
        return safe;
      },
      end() {
        const rest = withoutBeginning(kept);
        kept = '';
        return rest;
      },
    };
  }

  return { text, brief, json, stream };
}

/** What is left of a text at its end. Somebody else may have cut it in the middle of a value. */
function withoutBeginning(rest: string): string {
  return rest.length < MIN_BEGINNING ? rest : REDACTED;
}

function toForms(values: readonly string[]): Forms {
  // At one place the longest that matches is meant.
  const all = [...new Set(values.flatMap(formsOf))].sort((a, b) => b.length - a.length);
  const pattern = all.length === 0 ? undefined : new RegExp(all.map(escaped).join('|'), 'g');
  return { all, pattern, longest: all[0]?.length ?? 0 };
}

/** A value as it is, percent-encoded, in JSON and in base64. */
function formsOf(value: string): readonly string[] {
  const percent = encodeURIComponent(value.toWellFormed());
  const json = JSON.stringify(value).slice(1, -1);
  const base64 = Buffer.from(value).toString('base64').replace(/=+$/, '');
  return [
    value,
    percent,
    percent.replace(/%[\dA-F]{2}/g, (code) => code.toLowerCase()),
    percent.replaceAll('%20', '+'),
    json,
    json.replace(/[^ -~]/g, (character) => `\\u${hex(character)}`),
    base64,
    base64.replaceAll('+', '-').replaceAll('/', '_'),
  ];
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, '0');
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
