import { parseValue, type Reference, type ValuePart } from '../domain/config/value.js';

/**
 * A value with parts, between the notation of a dialect and ours. A text is parsed once,
 * by the rules of the dialect that it is written in, and what a part then holds is never
 * scanned again: text that only looks like a placeholder stays text.
 */

/** What a dialect makes of a text. */
export interface Reading {
  readonly parts: readonly ValuePart[];
  /** What cannot be carried over, one sentence each. */
  readonly losses: readonly string[];
  /** What keeps the text from being read, one sentence each. */
  readonly problems: readonly string[];
}

export type ReadText = (text: string) => Reading;

/** What one match of a dialect's pattern stands for. */
export interface Found {
  readonly part?: ValuePart;
  readonly loss?: string;
  readonly problem?: string;
}

/** A reference as a dialect writes it. */
export interface Printed {
  readonly text: string;
  /** What the text means there, where that is another thing than what was printed. */
  readonly becomes?: Reference;
  readonly loss?: string;
}

/** Undefined: the dialect cannot say it. */
export type PrintReference = (reference: Reference) => Printed | undefined;

/** A dialect, as far as one server is concerned. */
export interface Dialect {
  readonly read: ReadText;
  readonly print: PrintReference;
}

/** Reads by `pattern` (global): each match is what `find` says, all else is literal. */
export function readBy(
  pattern: RegExp,
  find: (match: RegExpExecArray) => Found,
  text: string,
): Reading {
  const parts: ValuePart[] = [];
  const losses: string[] = [];
  const problems: string[] = [];
  let done = 0;
  for (const match of text.matchAll(pattern)) {
    parts.push({ kind: 'literal', text: text.slice(done, match.index) });
    done = match.index + match[0].length;
    const { part, loss, problem } = find(match);
    parts.push(part ?? { kind: 'literal', text: match[0] });
    if (loss !== undefined) losses.push(loss);
    if (problem !== undefined) problems.push(problem);
  }
  parts.push({ kind: 'literal', text: text.slice(done) });
  return { parts: merged(parts), losses, problems };
}

/** A text without any placeholder. */
export function readLiteral(text: string): Reading {
  return { parts: merged([{ kind: 'literal', text }]), losses: [], problems: [] };
}

/** `parts` in our notation. Undefined if it has no spelling: a `$` directly before a reference. */
export function toNotation(parts: readonly ValuePart[]): string | undefined {
  const [only] = parts;
  if (parts.length === 1 && only?.kind === 'literal') return escaped(only.text);
  const text = merged(parts)
    .map((part) => (part.kind === 'literal' ? escaped(part.text) : `\${${part.kind}:${part.name}}`))
    .join('');
  return sameParts(parseValue(text), parts) ? text : undefined;
}

function escaped(text: string): string {
  return text.replaceAll('${', () => '$${');
}

export interface PrintedText {
  readonly text: string;
  /** In our notation, what the text means there: the value, unless there are losses. */
  readonly means: string;
  readonly losses: readonly string[];
}

/**
 * `value`, in our notation, as the dialect writes it. Undefined if the dialect cannot say
 * it, also where its own reader would find something else in the text, such as a
 * placeholder in what is literal here.
 */
export function printValue(value: string, dialect: Dialect): PrintedText | undefined {
  const losses: string[] = [];
  const meant: ValuePart[] = [];
  let text = '';
  for (const part of parseValue(value)) {
    if (part.kind === 'literal') {
      text += part.text;
      meant.push(part);
      continue;
    }
    const printed = dialect.print(part);
    if (printed === undefined) return undefined;
    text += printed.text;
    meant.push(printed.becomes ?? part);
    if (printed.loss !== undefined) losses.push(printed.loss);
  }
  const reading = dialect.read(text);
  const same = reading.problems.length === 0 && sameParts(reading.parts, meant);
  const means = toNotation(meant);
  return same && means !== undefined ? { text, means, losses } : undefined;
}

function merged(parts: readonly ValuePart[]): readonly ValuePart[] {
  const out: ValuePart[] = [];
  for (const part of parts) {
    const last = out.at(-1);
    if (part.kind === 'literal' && part.text === '') continue;
    if (part.kind === 'literal' && last?.kind === 'literal') {
      out[out.length - 1] = { kind: 'literal', text: last.text + part.text };
    } else out.push(part);
  }
  return out;
}

function sameParts(a: readonly ValuePart[], b: readonly ValuePart[]): boolean {
  return JSON.stringify(merged(a)) === JSON.stringify(merged(b));
}
