import { invalidField } from './errors.js';
import { compareText } from './resolve.js';
import { checkId } from './validate.js';
import type { Subject } from './view.js';
import { collectViolations } from './violations.js';

/** A server can be granted to so many subjects. */
export const MAX_GRANTS = 10_000;

/**
 * The subjects in a request, sorted, each once. Throws INVALID_FIELD that names those
 * which are none, as `subjects[n]`, or the whole list if it has more than `MAX_GRANTS`.
 */
export function readSubjects(texts: readonly string[]): readonly Subject[] {
  const given = new Map<string, number>();
  texts.forEach((text, index) => given.set(text, given.get(text) ?? index));
  if (given.size > MAX_GRANTS)
    throw invalidField('subjects', `at most ${String(MAX_GRANTS)}: use a group for more`);
  const { report, throwIfAny } = collectViolations();
  for (const [text, index] of given) {
    const field = `subjects[${String(index)}]`;
    if (!isSubject(text)) {
      report(field, 'must start with `user:` or `group:`');
      continue;
    }
    checkId(text.slice(text.indexOf(':') + 1), field, report);
  }
  throwIfAny();
  return [...given.keys()].filter(isSubject).sort(compareText);
}

function isSubject(text: string): text is Subject {
  return text.startsWith('user:') || text.startsWith('group:');
}
