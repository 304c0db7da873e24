import type { LoadStatus } from '../domain/load-record.js';
import { counted, localTime, printable, table } from './text.js';

/** How far a user's private servers are loaded, and what is wrong, for people. */
export function loadText(load: LoadStatus): string {
  const rows = loadRows(load)
    .filter(([, value]) => value !== '')
    .map(([label, value]) => [`${label}:`, printable(value)]);
  const refused = refusedText(load);
  return refused === '' ? table(rows) : `${table(rows)}\n${refused}`;
}

function loadRows(load: LoadStatus): readonly (readonly [label: string, value: string])[] {
  const { user, source, loading, serverCount, loadTime, failure, nextAttemptTime } = load;
  const { refusedCount } = load;
  return [
    ['User', user],
    [
      'Source',
      source === '' ? 'none in this tenant; private servers are stored in the catalog' : source,
    ],
    ['State', `${stateText(load)}${loading ? '; loading' : ''}`],
    ['Loaded', localTime(loadTime)],
    ['Servers', loadTime === 0 ? '' : String(serverCount)],
    ['Left out', refusedCount === 0 ? '' : counted(refusedCount, 'row')],
    ['Failure', failure === undefined ? '' : `${failure.reason}: ${failure.message}`],
    ['Next try', nextAttemptTime === undefined ? '' : nextTry(load, nextAttemptTime)],
  ];
}

function stateText({ state, user, source }: LoadStatus): string {
  switch (state) {
    case 'cold':
      return 'never loaded; the next read for the user loads';
    case 'invalidated':
      return 'invalidated; the next read for the user loads';
    case 'purged':
      return `purged; nothing is loaded until \`switchboard load ${user} --force\``;
    case 'loaded':
      return source === '' ? 'needs no load' : 'loaded';
  }
}

function nextTry({ user }: LoadStatus, time: number): string {
  return `about ${localTime(time)}, or now with \`switchboard load ${user} --force\``;
}

/** The rows that were left out, so far as they are told. */
function refusedText({ refused, refusedCount }: LoadStatus): string {
  if (refused.length === 0) return '';
  const rows = refused.map(({ rowId, name, reason, message }) =>
    [rowId, name, `${reason}: ${message}`].map(printable),
  );
  const more = refusedCount - refused.length;
  const rest = more > 0 ? `… and ${counted(more, 'more row')}\n` : '';
  return `${table([['ROW', 'NAME', 'REASON'], ...rows])}${rest}`;
}
