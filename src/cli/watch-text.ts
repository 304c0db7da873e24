import type { WatchEvent, WatchMessage } from '../wire/client/watch.js';
import { serverRow } from './server-text.js';
import { printable } from './text.js';

const RESET_WORDS: Readonly<Record<string, string | undefined>> = {
  too_old: 'the token is too old',
  epoch_changed: 'the log was restored',
  history_differs: 'the history differs',
  view_differs: 'the token belongs to another view',
  lagged: 'this reader fell behind',
};

/** A message for people; empty for those that only tell that the stream is alive. */
export function textLine({ content }: Pick<WatchMessage, 'content'>): string {
  switch (content.kind) {
    case 'event':
      return eventLine(content);
    case 'synced':
      return 'SYNCED     waiting for changes\n';
    case 'reset':
      return `RESET      ${RESET_WORDS[content.reason] ?? '?'}; the whole view follows\n`;
    default:
      return '';
  }
}

function eventLine({ type, id, name, server }: WatchEvent): string {
  const word = (type?.toUpperCase() ?? '?').padEnd(11);
  if (server === undefined) return `${word}${printable(name) || id}\n`;
  const [, ...facts] = serverRow(server);
  return `${word}${printable(name) || id}  ${facts.join('  ')}\n`;
}
