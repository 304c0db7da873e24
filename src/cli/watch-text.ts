import type { ServerEvent, WatchServersResponse } from '../wire/clients.js';
import { answerLine } from '../wire/json.js';
import { serverRow } from './server-text.js';

/** A message as proto JSON on a line of its own. */
export function jsonLine(message: WatchServersResponse): string {
  return answerLine('WatchServersResponse', message);
}

const EVENT_WORDS: Readonly<Record<number, string>> = {
  1: 'ADDED',
  2: 'MODIFIED',
  3: 'REMOVED',
  4: 'UNCHANGED',
};

const RESET_WORDS: Readonly<Record<number, string>> = {
  1: 'the token is too old',
  2: 'the log was restored',
  3: 'the history differs',
  4: 'the token belongs to another view',
  5: 'this reader fell behind',
};

/** A message for people; empty for those that only tell that the stream is alive. */
export function textLine({ message }: WatchServersResponse): string {
  switch (message?.$case) {
    case 'event':
      return eventLine(message.value);
    case 'synced':
      return 'SYNCED     waiting for changes\n';
    case 'reset':
      return `RESET      ${RESET_WORDS[message.value.reason] ?? '?'}; the whole view follows\n`;
    default:
      return '';
  }
}

function eventLine({ type, server }: ServerEvent): string {
  const word = (EVENT_WORDS[type] ?? '?').padEnd(11);
  if (server === undefined) return `${word}\n`;
  const [name = '', ...facts] = serverRow(server);
  const known = server.spec === undefined ? '' : `  ${facts.join('  ')}`;
  return `${word}${name || server.id}${known}\n`;
}
