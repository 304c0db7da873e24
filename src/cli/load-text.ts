import { LoadState, type PrivateLoad } from '../wire/clients.js';
import { fromRpcStatus } from '../wire/status.js';
import { counted, localTime, printable, table } from './text.js';

/** How far a user's private servers are loaded, and what is wrong, for people. */
export function loadText(load: PrivateLoad): string {
  const rows = loadRows(load)
    .filter(([, value]) => value !== '')
    .map(([label, value]) => [`${label}:`, printable(value)]);
  const refused = refusedText(load);
  return refused === '' ? table(rows) : `${table(rows)}\n${refused}`;
}

function loadRows(load: PrivateLoad): readonly (readonly [label: string, value: string])[] {
  const { user, source, loading, serverCount, loadTime, failure, nextAttemptTime } = load;
  const { refusedCount } = load;
  const error = failure && fromRpcStatus(failure);
  return [
    ['User', user],
    [
      'Source',
      source === '' ? 'none in this tenant; private servers are stored in the catalog' : source,
    ],
    ['State', `${stateText(load)}${loading ? '; loading' : ''}`],
    ['Loaded', localTime(loadTime)],
    ['Servers', loadTime === undefined ? '' : String(serverCount)],
    ['Left out', refusedCount === 0 ? '' : counted(refusedCount, 'row')],
    ['Failure', error === undefined ? '' : `${error.reason}: ${error.message}`],
    ['Next try', nextAttemptTime === undefined ? '' : nextTry(load, nextAttemptTime)],
  ];
}

function stateText({ state, user, source }: PrivateLoad): string {
  switch (state) {
    case LoadState.STATE_COLD:
      return 'never loaded; the next read for the user loads';
    case LoadState.STATE_INVALIDATED:
      return 'invalidated; the next read for the user loads';
    case LoadState.STATE_PURGED:
      return `purged; nothing is loaded until \`switchboard load ${user} --force\``;
    case LoadState.STATE_LOADED:
      return source === '' ? 'needs no load' : 'loaded';
    default:
      return `unknown (${String(state)})`;
  }
}

function nextTry({ user }: PrivateLoad, time: Date): string {
  return `about ${localTime(time)}, or now with \`switchboard load ${user} --force\``;
}

/** The rows that were left out, so far as they are told. */
function refusedText({ refused, refusedCount }: PrivateLoad): string {
  if (refused.length === 0) return '';
  const rows = refused.map(({ rowId, name, error }) => {
    const { reason, message } = error === undefined ? UNTOLD : fromRpcStatus(error);
    return [rowId, name, `${reason}: ${message}`].map(printable);
  });
  const more = refusedCount - refused.length;
  const rest = more > 0 ? `… and ${counted(more, 'more row')}\n` : '';
  return `${table([['ROW', 'NAME', 'REASON'], ...rows])}${rest}`;
}

const UNTOLD = { reason: 'unknown', message: 'no reason given' };
