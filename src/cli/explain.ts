import { ExplainAccessRequest, type ExplainAccessResponse, Verdict } from '../wire/clients.js';
import { answerLine } from '../wire/json.js';
import { toViewMessage } from '../wire/view-codec.js';
import type { Connection, Flags } from './connection.js';
import { tierAndOwner } from './server-text.js';
import { printable, table } from './text.js';
import { callUnary } from './unary.js';
import { viewOf } from './view.js';

const COLUMNS = ['ID', 'TIER', 'VERDICT', 'WHY'] as const;

/** `switchboard explain`: which server a name resolves to in a view, and what became of the others. */
export async function explain(connection: Connection, name: string, flags: Flags): Promise<string> {
  const { client, tenant, metadata } = connection;
  const request = ExplainAccessRequest.fromPartial({
    tenant,
    name,
    view: toViewMessage(viewOf(flags)),
  });
  const answer = await callUnary(client.explainAccess.bind(client), request, { metadata });
  if (flags['json'] === true) {
    return answerLine('ExplainAccessResponse', answer);
  }
  return explainText(answer);
}

/** The answer in a sentence, then a row for each server that has or had the name. */
export function explainText(answer: ExplainAccessResponse): string {
  const rows = answer.candidates.map((candidate) =>
    [
      candidate.id,
      tierAndOwner(candidate),
      `${verdictWord(candidate.verdict)}${candidate.disabled ? ' (disabled)' : ''}`,
      candidate.explanation,
    ].map(printable),
  );
  return [
    `${printable(answer.explanation)}\n`,
    ...(rows.length === 0 ? [] : ['\n', table([COLUMNS, ...rows])]),
    ...(answer.moreUnseen ? ['More servers outside this view have the name.\n'] : []),
    ...(answer.moreDeleted ? ['More deleted servers had the name.\n'] : []),
  ].join('');
}

const WORDS: Readonly<Record<number, string>> = {
  [Verdict.VERDICT_UNSPECIFIED]: 'exists',
  [Verdict.VERDICT_WINS]: 'wins',
  [Verdict.VERDICT_SHADOWED_BY_SHARED]: 'shadowed',
  [Verdict.VERDICT_SHADOWED_BY_OWNED]: 'shadowed',
  [Verdict.VERDICT_SHADOWED_BY_EARLIER_GRANT]: 'shadowed',
  [Verdict.VERDICT_NOT_FOR_APP]: 'not for the app',
  [Verdict.VERDICT_NOT_GRANTED]: 'not granted',
  [Verdict.VERDICT_DELETED]: 'deleted',
};

function verdictWord(verdict: Verdict): string {
  return WORDS[verdict] ?? '?';
}
