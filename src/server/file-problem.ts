import type { Problem } from '../formats/format.js';

/**
 * The first problem of a file in one line, with its place, and how many more there are.
 * Undefined if there is none.
 */
export function firstProblem(problems: readonly Problem[]): string | undefined {
  const [first, ...others] = problems;
  if (first === undefined) return undefined;
  const { line, column, field, server, message } = first;
  const where = `line ${String(line)}, column ${String(column)}`;
  const what = [field, server === undefined ? '' : `(${server})`].filter((part) => part !== '');
  const more = others.length === 0 ? '' : `, and ${String(others.length)} more`;
  return `${[where, what.join(' '), message].filter((part) => part !== '').join(': ')}${more}`;
}
