import { z } from 'zod';
import { valueFields } from '../../domain/config/connection-scope.js';
import { type ServerSpec, SPEC_DEFAULTS } from '../../domain/config/spec.js';
import { referencesIn } from '../../domain/config/value.js';
import type { Declared } from '../declare.js';
import { type Entry, keepUnknown, lose, parseEntry } from '../entry.js';
import { readClient } from '../mcp-servers/read.js';
import { fromFileName } from '../names.js';
import type { ReadText } from '../values.js';
import { readTransport } from '../read-transport.js';
import { vscodeDialect } from './dialect.js';
import type { Inputs } from './inputs.js';

const KINDS = { stdio: 'stdio', http: 'streamable_http', sse: 'sse' } as const;

const serverSchema = z.looseObject({
  type: z.enum(['stdio', 'http', 'sse']).optional(),
  command: z.string().optional(),
  args: z.array(z.string()).optional(),
  env: z.record(z.string(), z.union([z.string(), z.number(), z.null()])).optional(),
  cwd: z.string().optional(),
  url: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  oauth: z.looseObject({ clientId: z.string().optional() }).optional(),
});

export const VSCODE_FIELDS: ReadonlySet<string> = new Set(Object.keys(serverSchema.shape));

/** An entry of VS Code's `servers`. Undefined, and the problems told, if it is none. */
export function readVscodeServer(
  entry: Entry,
  { key, inputs }: { readonly key: string; readonly inputs: Inputs },
): Declared | undefined {
  const server = parseEntry(entry, serverSchema);
  if (server === undefined) return undefined;
  const read = noting(vscodeDialect(inputs.byId).read, inputs.used);
  const { type, command, args, cwd, url, headers, oauth } = server;
  const env = server.env && readEnv(entry, server.env);
  const kind = type && KINDS[type];
  const urlKind = 'streamable_http';
  const transport = readTransport(
    entry,
    { kind, urlKind, command, args, env, cwd, url, headers },
    read,
  );
  if (transport === undefined) return undefined;
  keepUnknown(entry, VSCODE_FIELDS);
  if (oauth !== undefined) keepUnknown(entry, new Set(['clientId']), { path: ['oauth'] });
  const spec: ServerSpec = {
    ...SPEC_DEFAULTS,
    transport,
    ...(oauth && {
      oauth: readClient(entry, { block: 'oauth', clientId: ['clientId', oauth.clientId] }, read),
    }),
  };
  if (entry.problems.length > 0) return undefined;
  return { ...fromFileName(key), spec: withVariables(entry, spec, inputs) };
}

/** `read`, which also notes the user variables that it comes upon. */
function noting(read: ReadText, used: Set<string>): ReadText {
  return (text) => {
    const reading = read(text);
    for (const part of reading.parts) if (part.kind === 'var') used.add(part.name);
    return reading;
  };
}

function readEnv(
  entry: Entry,
  env: Readonly<Record<string, string | number | null>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => {
      if (value !== null) return [[name, String(value)]];
      lose(entry, ['env', name], 'a variable cannot be removed from the environment');
      return [];
    }),
  );
}

/** `spec` with those inputs as user variables that it uses. */
function withVariables(entry: Entry, spec: ServerSpec, inputs: Inputs): ServerSpec {
  const used = new Set(
    valueFields(spec)
      .flatMap(({ text }) => referencesIn(text))
      .filter(({ kind }) => kind === 'var')
      .map(({ name }) => name),
  );
  const variables = [...inputs.byId.values()].filter(({ name }) => used.has(name));
  for (const { name, place } of variables) entry.origins.set(`spec.user_variables[${name}]`, place);
  const userVariables = Object.fromEntries(variables.map(({ name, variable }) => [name, variable]));
  return { ...spec, userVariables };
}
