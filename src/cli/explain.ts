import type { AccessCandidate, Verdict } from '../domain/explain.js';
import type { AccessExplanation } from '../wire/client/access.js';
import type { RegistryClient } from '../wire/client/registry-client.js';
import type { Flags } from './connection.js';
import { tierAndOwner } from './server-text.js';
import { jsonLine, printable, table } from './text.js';
import { viewOf } from './view.js';

const COLUMNS = ['ID', 'TIER', 'VERDICT', 'WHY'] as const;

/** `switchboard explain`: which server a name resolves to in a view, and what became of the others. */
export async function explain(client: RegistryClient, name: string, flags: Flags): Promise<string> {
  const answer = await client.explainAccess(viewOf(flags), name);
  return flags['json'] === true ? jsonLine(answer) : explainText(answer);
}

/** The answer in a sentence, then a row for each server that has or had the name. */
export function explainText(answer: AccessExplanation): string {
  const rows = answer.candidates.map((candidate) =>
    [
      candidate.id,
      tierAndOwner(candidate),
      `${WORDS[candidate.verdict]}${candidate.disabled ? ' (disabled)' : ''}`,
      [candidate.explanation, refusalOf(candidate)].join('').trim(),
    ].map(printable),
  );
  return [
    `${printable(answer.explanation)}\n`,
    ...(rows.length === 0 ? [] : ['\n', table([COLUMNS, ...rows])]),
    ...(answer.moreUnseen ? ['More servers outside this view have the name.\n'] : []),
    ...(answer.moreDeleted ? ['More deleted servers had the name.\n'] : []),
  ].join('');
}

function refusalOf({ transportRefusal }: AccessCandidate): string {
  return transportRefusal === undefined ? '' : ` Nobody may connect to it: ${transportRefusal}.`;
}

const WORDS: Readonly<Record<Verdict, string>> = {
  untold: 'exists',
  wins: 'wins',
  shadowed_by_shared: 'shadowed',
  shadowed_by_owned: 'shadowed',
  shadowed_by_earlier_grant: 'shadowed',
  not_for_app: 'not for the app',
  not_granted: 'not granted',
  deleted: 'deleted',
};
