/**
 * Values with parts. A string of a spec is parsed once; its parts are put together at
 * the node and the result is never scanned again, so that text which came from a user
 * cannot name anything.
 */

/** Where a part comes from. */
export type ReferenceSource = 'env' | 'user' | 'var' | 'request' | 'secret';

export type ValuePart =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: ReferenceSource; readonly name: string };

export type Reference = Exclude<ValuePart, { kind: 'literal' }>;

/** What is wrong with a value; `position` counts UTF-16 units from 0. */
export class ValueSyntaxError extends Error {
  readonly position: number;

  constructor(message: string, position: number) {
    super(message);
    this.position = position;
  }
}

const REFERENCE = /^(env|user|var|request|secret):([A-Za-z_][A-Za-z0-9_.-]*)$/;

/**
 * The parts of `text`: `${source:NAME}` is a reference, `$${` a literal `${`, all else
 * is literal. Throws ValueSyntaxError for any other `${`.
 */
export function parseValue(text: string): readonly ValuePart[] {
  const parts: ValuePart[] = [];
  let literal = '';
  let at = 0;
  while (at < text.length) {
    if (text.startsWith('$${', at)) {
      literal += '${';
      at += 3;
    } else if (text.startsWith('${', at)) {
      const { reference, end } = parseReference(text, at);
      if (literal !== '') parts.push({ kind: 'literal', text: literal });
      literal = '';
      parts.push(reference);
      at = end;
    } else {
      literal += text.charAt(at);
      at += 1;
    }
  }
  if (literal !== '' || parts.length === 0) parts.push({ kind: 'literal', text: literal });
  return parts;
}

function parseReference(text: string, start: number): { reference: Reference; end: number } {
  const close = text.indexOf('}', start);
  if (close < 0) throw new ValueSyntaxError('`${` without `}`', start);
  const match = REFERENCE.exec(text.slice(start + 2, close));
  if (match === null) {
    throw new ValueSyntaxError(
      // Not quoted: it may be a secret that was pasted there.
      'unknown placeholder: write ${env:NAME}, or user, var, request or secret in place of env, or $${ for a literal ${',
      start,
    );
  }
  const [, kind, name] = match as unknown as [string, ReferenceSource, string];
  return { reference: { kind, name }, end: close + 1 };
}

/** The references in `text`, in order, with repetitions. */
export function referencesIn(text: string): readonly Reference[] {
  return parseValue(text).filter((part): part is Reference => part.kind !== 'literal');
}

/** Puts the parts together; `lookup` gives the text of a reference and is never rescanned. */
export function joinValue(
  parts: readonly ValuePart[],
  lookup: (reference: Reference) => string,
): string {
  return parts.map((part) => (part.kind === 'literal' ? part.text : lookup(part))).join('');
}
