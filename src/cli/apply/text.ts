import type { Loss, Problem, ReadServer } from '../../formats/format.js';
import { placeOf } from '../../formats/format.js';
import type { ApplyResult } from '../../wire/client/apply.js';
import { MAX_NAMESAKES } from '../../domain/commands/shadow.js';
import type { SwitchboardError } from '../../domain/errors.js';
import { briefChange } from '../changes-text.js';
import { whereOf } from '../server-text.js';
import { counted, localTime, printable } from '../text.js';
import { countsOf, type Counts, outcomeCounts } from './counts.js';
import { refusalOf } from './request.js';
import type { PlannedSet } from './plan.js';
import type { Outcome } from './run.js';
import type { DeclaredSet } from './sets.js';

/** `file:line:column: field: what is wrong`, as compilers say it. */
export function problemLine(file: string, problem: Problem): string {
  const { field, line, column, message } = problem;
  return lineOf([`${file}:${String(line)}:${String(column)}`, field, message]);
}

/** `file:line: note: field: what is not carried over as it is`. */
export function lossLine(file: string, loss: Loss): string {
  return remarkLine(file, 'note', loss);
}

/** `file:line: warning: field: what looks wrong`. */
export function warningLine(file: string, warning: Loss): string {
  return remarkLine(file, 'warning', warning);
}

function remarkLine(file: string, kind: string, { line, field, reason }: Loss): string {
  const place = line === undefined ? file : `${file}:${String(line)}`;
  return lineOf([place, kind, field, reason]);
}

function lineOf(parts: readonly string[]): string {
  return `${printable(parts.filter((part) => part !== '').join(': '))}\n`;
}

/** What would be done, a line for each server that is not as declared. */
export function planText({ set, plan }: PlannedSet): string {
  const counts = countsOf(set, plan.results);
  return [
    `${printable(set.file)} (${set.read.format ?? '?'}): ${counted(set.read.servers.length, 'server')}\n`,
    ...plan.results.map((result, index) => resultLines(set, result, index)),
    ...(counts.unchanged === 0 ? [] : [`  = ${String(counts.unchanged)} unchanged\n`]),
    ...(counts.broken === 0 ? [] : [`  ! ${String(counts.broken)} broken, see above\n`]),
  ].join('');
}

/** One server of a plan or an outcome; empty for those that are as declared. */
function resultLines(set: DeclaredSet, result: ApplyResult, index: number): string {
  const declared = set.read.servers[index];
  const name = labelOf(result.server ?? declared);
  switch (result.action) {
    case 'created':
      return `  + ${name}${createdText(result)}\n`;
    case 'updated':
      return `  ~ ${name}${hiddenText(result)}\n${result.changes.map((change) => `      ${briefChange(change)}\n`).join('')}`;
    case 'deleted':
      return `  - ${name}\n`;
    case 'left':
      return `  . ${name}  no longer in the file; ${leftText(set, result)}\n`;
    case 'refused':
      return `  ! ${name}  ${refusalText(set, result, declared)}\n`;
    case 'held_back':
      return `  . ${name}  held back, because another server was refused\n`;
    case 'unchanged':
      return '';
  }
}

function createdText(result: ApplyResult): string {
  const { server } = result;
  if (server === undefined) return '';
  return `  ${printable(`${server.tier}  ${whereOf(server)}`)}${hiddenText(result)}`;
}

function hiddenText({ shadowed }: ApplyResult): string {
  if (shadowed === 0) return '';
  const what = 'private server';
  const most = String(MAX_NAMESAKES);
  const count = shadowed > MAX_NAMESAKES ? `more than ${most} ${what}s` : counted(shadowed, what);
  return `  hides ${count}`;
}

/** Names are unique among the shared servers, and for each owner. */
function labelOf(server: Partial<Pick<ReadServer, 'name' | 'owner'>> = {}): string {
  const { name = '?', owner = '' } = server;
  return printable(owner === '' ? name : `${name} of ${owner}`);
}

function leftText({ prune }: DeclaredSet, { moved }: ApplyResult): string {
  if (moved !== undefined) {
    const who = printable(moved.actor);
    return `kept, because ${who} moved it on ${localTime(moved.time)}; --prune with --take-over deletes it`;
  }
  return prune ? 'kept, because another server of its name was refused' : '--prune deletes it';
}

/** Why a server was refused, with the place in the file of what is wrong. */
function refusalText(
  { file }: DeclaredSet,
  result: ApplyResult,
  server: ReadServer | undefined,
): string {
  const error = refusalOf(result);
  if (error === undefined) return 'refused';
  if (error.reason === 'ETAG_MISMATCH') {
    return 'has changed since the plan was made: apply again to see the new differences';
  }
  if (server === undefined) return printable(`${error.reason}: ${error.message}`);
  const violations =
    error.violations.length > 0
      ? error.violations
      : [{ field: 'name', description: `${error.message}${remedyOf(error)}` }];
  return violations
    .map(({ field, description }) => {
      const place = placeOf(server, field);
      const at = `${file}:${String(place.line)}:${String(place.column)}`;
      return printable(`${error.reason}: ${at}: ${place.field}: ${description}`);
    })
    .join('\n    ');
}

/** What to do on this command line; empty for what the message says itself. */
function remedyOf({ reason, metadata }: SwitchboardError): string {
  switch (reason) {
    case 'OTHER_SET': {
      const set = JSON.stringify(metadata['set'] ?? '');
      return `: pass --set ${set} if this file is that set, or --take-over to move the server to this one`;
    }
    case 'MOVED':
      return ': change the file to match, or pass --take-over to move the server back';
    case 'WOULD_SHADOW':
      return ': choose another name, or pass --shadow to hide them';
    default:
      return '';
  }
}

/** What was done: the counts, and each server that did not go as planned. */
export function outcomeText({ set, plan }: PlannedSet, outcome: Outcome): string {
  const lines = outcome.results.map((result, index) => {
    if (result === undefined || result.action === plan.results[index]?.action) return '';
    const line = resultLines(set, result, index);
    return line === '' ? `  = ${labelOf(set.read.servers[index])}  is already as declared\n` : line;
  });
  const planned = new Map(plan.results.map(({ server, action }) => [server?.id, action]));
  const others = outcome.surplus
    .filter(({ server, action }) => planned.get(server?.id) !== action)
    .map((result) => resultLines(set, result, Infinity));
  const counts = countsText(outcomeCounts(set, outcome));
  return `${printable(set.file)}: ${counts}\n${[...lines, ...others].join('')}`;
}

/** `199 applied (190 created, 9 updated), 1 broken`. */
export function countsText(counts: Counts): string {
  const { created, updated, unchanged, deleted, left, refused, heldBack, broken, open } = counts;
  const how = told([
    [created, 'created'],
    [updated, 'updated'],
  ]);
  const parts = told([
    [created + updated, `applied${how === '' ? '' : ` (${how})`}`],
    [unchanged, 'unchanged'],
    [deleted, 'deleted'],
    [left, 'no longer in the file, left'],
    [refused, 'refused'],
    [heldBack, 'held back'],
    [broken, 'broken'],
    [open, 'not known to be applied'],
  ]);
  return parts === '' ? 'nothing declared' : parts;
}

function told(parts: readonly (readonly [number, string])[]): string {
  return parts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${String(count)} ${what}`)
    .join(', ');
}
