import type { FieldChange } from '../domain/field-change.js';
import { ellipsize } from '../domain/truncate.js';
import { printable, printableLines, withoutUserinfo } from './text.js';

/** Fields whose plain text may be a secret: what they hold stays out of plans, which land in logs. */
const TELLING = /\.(?:headers|env)(?:\[|$)|client_secret|proxy_url/;
const BRIEF_LENGTH = 60;

/** Changed fields as a unified diff has lines: the field, what it was, what it is. */
export function diffLines(changes: readonly FieldChange[]): string {
  return changes
    .map(
      ({ path, before, after }) =>
        `  ${printable(path)}\n${valueLines('-', before)}${valueLines('+', after)}`,
    )
    .join('');
}

function valueLines(sign: string, json: string): string {
  if (json === '') return '';
  return `${printableLines(withoutUserinfo(readable(json)))}\n`.replace(/^(?=.)/gm, `${sign}     `);
}

/** JSON text as people read it: text without quotes where that is plain, all else over lines. */
function readable(json: string): string {
  const value = parsed(json);
  return value === undefined ? json : JSON.stringify(value, null, 2);
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** A changed field on a line of its own, cut short; without what may hold a secret. */
export function briefChange({ path, before, after }: FieldChange): string {
  if (TELLING.test(path)) return printable(path);
  const values = [before, after].map((json) =>
    ellipsize(json === '' ? 'nothing' : withoutUserinfo(json), BRIEF_LENGTH),
  );
  return printable(`${path}: ${values.join(' -> ')}`);
}
