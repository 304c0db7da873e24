import type { InspectionFailure, OAuthNeed, Observation } from '../domain/facts.js';
import { foundRefusal, sharedSignIn } from '../domain/inspection.js';
import type { ReportedServer } from '../domain/server.js';
import { ellipsize } from '../domain/truncate.js';
import { localTime, printable, table } from './text.js';

type Row = readonly [label: string, value: string];
/** What facts are about: a server with the hash of its configuration. */
type Inspected = Pick<ReportedServer, 'facts' | 'configHash' | 'tier' | 'spec'>;

const NEEDS: Readonly<Record<OAuthNeed, string>> = {
  unknown: 'unknown',
  no: 'not needed',
  yes: 'needed',
};

const ERAS: Readonly<Record<Observation['protocolEra'], string>> = {
  legacy: 'with a handshake',
  modern: 'without a handshake',
};

/** What inspection found, in a few rows; what is not known has none. */
export function factRows(server: Inspected): readonly Row[] {
  const { facts } = server;
  const warning: Row = ['WARNING', sharedSignIn(server) ?? foundRefusal(server) ?? ''];
  if (facts === undefined) return [warning];
  return [
    warning,
    ...observationRows(server, facts.observation),
    ['OAuth', facts.oauthNeed === undefined ? '' : NEEDS[facts.oauthNeed]],
    ...failureRows(server, facts.failure),
  ];
}

function observationRows(server: Inspected, observation: Observation | undefined): readonly Row[] {
  if (observation === undefined) return [];
  const { observeTime, observedBy, protocolVersion, protocolEra, tools, toolCount } = observation;
  const known = tools.length < toolCount ? `, ${String(tools.length)} of them known` : '';
  return [
    ['Inspected', `${localTime(observeTime)} by ${observedBy}${ofOlder(server, observation)}`],
    ['Speaks', `MCP ${protocolVersion} (${ERAS[protocolEra]})`],
    ['Calls itself', [observation.serverName, observation.serverVersion].join(' ').trim()],
    ['Tools', `${String(toolCount)}${known}`],
  ];
}

function failureRows(server: Inspected, failure: InspectionFailure | undefined): readonly Row[] {
  if (failure === undefined) return [];
  const { reason, message, attempts, failTime, nextAttemptTime } = failure;
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

function ofOlder(server: Inspected, { configHash }: { readonly configHash: string }): string {
  return configHash === server.configHash ? '' : ' (older configuration)';
}

const INSTRUCTION_LINES = 10;

/** Everything that inspection found, for people. */
export function inspectionText(server: Inspected & Pick<ReportedServer, 'id' | 'name'>): string {
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

function toolsText(tools: Observation['tools']): string {
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
