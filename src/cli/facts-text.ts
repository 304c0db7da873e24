import { InspectionFailureReason, OauthNeed, ProtocolEra } from '../wire/clients.js';
import type { ServerMessage } from '../wire/json.js';
import { ellipsize } from '../domain/truncate.js';
import { localTime, printable, table } from './text.js';

type Row = readonly [label: string, value: string];
type Facts = NonNullable<ServerMessage['facts']>;

const NEEDS: Readonly<Record<number, string>> = {
  [OauthNeed.OAUTH_NEED_UNKNOWN]: 'unknown',
  [OauthNeed.OAUTH_NEED_NO]: 'not needed',
  [OauthNeed.OAUTH_NEED_YES]: 'needed',
};

const ERAS: Readonly<Record<number, string>> = {
  [ProtocolEra.PROTOCOL_ERA_LEGACY]: 'with a handshake',
  [ProtocolEra.PROTOCOL_ERA_MODERN]: 'without a handshake',
};

/** What inspection found, in a few rows; what is not known has none. */
export function factRows(server: ServerMessage): readonly Row[] {
  const { facts } = server;
  if (facts === undefined) return [];
  return [
    ...observationRows(server, facts.observation),
    ['OAuth', NEEDS[facts.oauthNeed] ?? ''],
    ...failureRows(server, facts.failure),
  ];
}

function observationRows(server: ServerMessage, observation: Facts['observation']): readonly Row[] {
  if (observation === undefined) return [];
  const { observeTime, observedBy, protocolVersion, protocolEra, tools, toolCount } = observation;
  const known = tools.length < toolCount ? `, ${String(tools.length)} of them known` : '';
  return [
    ['Inspected', `${localTime(observeTime)} by ${observedBy}${ofOlder(server, observation)}`],
    ['Speaks', `MCP ${protocolVersion}${bracketed(ERAS[protocolEra])}`],
    ['Calls itself', [observation.serverName, observation.serverVersion].join(' ').trim()],
    ['Tools', `${String(toolCount)}${known}`],
  ];
}

function failureRows(server: ServerMessage, failure: Facts['failure']): readonly Row[] {
  if (failure === undefined) return [];
  const { message, attempts, failTime, nextAttemptTime } = failure;
  const reason = (REASONS[failure.reason] ?? '').replace(/^.*REASON_/, '');
  const times = attempts > 1 ? `, ${String(attempts)} times in a row` : '';
  return [
    ['Inspection', `failed: ${reason}: ${message}${ofOlder(server, failure)}`],
    ['Failed at', `${localTime(failTime)}${times}`],
    [
      'Next try',
      nextAttemptTime === undefined ? 'no automatic retry' : `about ${localTime(nextAttemptTime)}`,
    ],
  ];
}

function ofOlder(server: ServerMessage, { configHash }: { readonly configHash: string }): string {
  return configHash === server.configHash ? '' : ' (older configuration)';
}

function bracketed(text: string | undefined): string {
  return text === undefined ? '' : ` (${text})`;
}

/** What a later version tells has no name here. */
const REASONS: Readonly<Record<number, string | undefined>> = InspectionFailureReason;
const INSTRUCTION_LINES = 10;

/** Everything that inspection found, for people. */
export function inspectionText(server: ServerMessage): string {
  const facts: readonly Row[] = [['Name', server.name], ['Id', server.id], ...factRows(server)];
  const rows = facts
    .filter(([, value]) => value !== '')
    .map(([label, value]) => [`${label}:`, printable(value)]);
  if (server.facts === undefined) rows.push(['Inspected:', 'never']);
  const { tools = [], instructions = '' } = server.facts?.observation ?? {};
  return [table(rows), toolsText(tools), instructionsText(instructions)]
    .filter((part) => part !== '')
    .join('\n');
}

function toolsText(tools: NonNullable<Facts['observation']>['tools']): string {
  if (tools.length === 0) return '';
  const rows = tools.map(({ name, title, description }) =>
    [name, ellipsize(firstLine(title === '' ? description : title), 80)].map(printable),
  );
  return table([['TOOL', 'WHAT IT DOES'], ...rows]);
}

function instructionsText(instructions: string): string {
  if (instructions === '') return '';
  const lines = instructions.trim().split('\n');
  const shown = lines.slice(0, INSTRUCTION_LINES).map((line) => `  ${printable(line)}\n`);
  const more = lines.length - shown.length;
  return [
    'INSTRUCTIONS\n',
    ...shown,
    ...(more > 0 ? [`  … and ${String(more)} more lines (--json has them all)\n`] : []),
  ].join('');
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] ?? '';
}
