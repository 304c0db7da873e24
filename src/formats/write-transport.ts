import type { StdioTransport, Transport } from '../domain/config/spec.js';
import { type Draft, type JsonObject, leaveOut, lost, printField, printMap } from './draft.js';
import { isSsePath } from './read-transport.js';
import type { Dialect } from './values.js';

/** What a format that has servers by name can say of a transport. */
export interface TransportWords {
  readonly dialect: Dialect;
  /** The word for a kind; '' if it goes without saying; undefined if there is none. */
  readonly types: Readonly<Record<Transport['kind'], string | undefined>>;
  readonly hasCwd: boolean;
  /** What becomes of standard error where the file does not tell. */
  readonly stderr: StdioTransport['stderr'];
  /** Whether the file can tell another. */
  readonly tellsStderr: boolean;
}

/**
 * The fields of a transport. Undefined, and the reason told, if the server could not be
 * reached by what the format can say of it: then it is left out as a whole.
 */
export function writeTransport(draft: Draft, words: TransportWords): JsonObject | undefined {
  const { transport } = draft.server.spec;
  const type = typeWord(transport, words);
  if (type === undefined) {
    leaveOut(draft, `spec.${transport.kind}`, 'this format has no such transport');
    return undefined;
  }
  const fields =
    transport.kind === 'stdio' ? writeStdio(draft, transport, words) : writeHttp(draft, words);
  return fields && { ...(type === '' ? {} : { type }), ...fields };
}

function typeWord(transport: Transport, { types }: TransportWords): string | undefined {
  const word = types[transport.kind];
  const isMistaken = transport.kind === 'streamable_http' && isSsePath(transport.url);
  // Without a type it would be read as SSE.
  return word === '' && isMistaken ? 'http' : word;
}

function writeStdio(
  draft: Draft,
  transport: StdioTransport,
  words: TransportWords,
): JsonObject | undefined {
  const { dialect } = words;
  const print = (field: string, value: string): string | undefined =>
    printField(draft, { field: `spec.stdio.${field}`, value }, dialect);
  const command = print('command', transport.command);
  const args = transport.args.map((value, index) => print(`args[${String(index)}]`, value));
  if (command === undefined || args.includes(undefined)) {
    leaveOut(draft, 'spec.stdio', 'its command cannot be expressed in this format');
    return undefined;
  }
  const env = printMap(draft, { field: 'spec.stdio.env', map: transport.env }, dialect);
  return {
    command,
    ...(args.length === 0 ? {} : { args }),
    ...(env === undefined ? {} : { env }),
    ...writeSurroundings(draft, transport, words),
  };
}

function writeSurroundings(
  draft: Draft,
  { cwd, stderr }: StdioTransport,
  words: TransportWords,
): JsonObject {
  const out: JsonObject = {};
  if (cwd !== '' && words.hasCwd) {
    const text = printField(draft, { field: 'spec.stdio.cwd', value: cwd }, words.dialect);
    if (text !== undefined) out['cwd'] = text;
  } else if (cwd !== '') lost(draft, 'spec.stdio.cwd', 'cannot be expressed in this format');
  if (stderr !== words.stderr && words.tellsStderr) out['stderr'] = stderr;
  else if (stderr !== words.stderr)
    lost(draft, 'spec.stdio.stderr', 'cannot be expressed in this format');
  return out;
}

function writeHttp(draft: Draft, { dialect }: TransportWords): JsonObject | undefined {
  const { transport } = draft.server.spec;
  if (transport.kind === 'stdio') return undefined;
  const field = `spec.${transport.kind}`;
  const url = printField(draft, { field: `${field}.url`, value: transport.url }, dialect);
  if (url === undefined) {
    leaveOut(draft, `${field}.url`, 'its url cannot be expressed in this format');
    return undefined;
  }
  const headers = printMap(draft, { field: `${field}.headers`, map: transport.headers }, dialect);
  return { url, ...(headers === undefined ? {} : { headers }) };
}
