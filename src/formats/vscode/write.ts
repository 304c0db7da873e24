import type { UserVariable } from '../../domain/config/spec.js';
import { valueFields } from '../../domain/config/connection-scope.js';
import { referencesIn } from '../../domain/config/value.js';
import { type Draft, type JsonObject, lost, tellUnsaid, withAnnotations } from '../draft.js';
import { tellHeaders } from '../mcp-servers/write.js';
import { variableName } from '../names.js';
import { printValue } from '../values.js';
import { writeOAuthTexts } from '../write-oauth.js';
import { writeTransport } from '../write-transport.js';
import { type InputVariable, type VariablesById, vscodeDialect } from './dialect.js';
import { VSCODE_FIELDS } from './read.js';

const TYPES = { stdio: 'stdio', streamable_http: 'http', sse: 'sse', websocket: undefined };

/** The fields with placeholders that the format has. */
const SAID = /^(?:stdio|streamable_http|sse)\.|^oauth\.client_id$/;

/** The inputs of a file while it is written: they are shared by its servers. */
export interface InputList {
  readonly byId: Map<string, JsonObject>;
  /** The id that a reader will give the name to. */
  readonly ids: Map<string, string>;
}

/** A server as an entry of VS Code's `servers`. Undefined, and the reason told, if it is left out. */
export function writeVscodeServer(draft: Draft, inputs: InputList): JsonObject | undefined {
  const { spec } = draft.server;
  // Inputs of a server that is then left out must not stay.
  const own: InputList = { byId: new Map(inputs.byId), ids: new Map(inputs.ids) };
  const variables = writeVariables(draft, own);
  const dialect = vscodeDialect(variables);
  const transport = writeTransport(draft, {
    dialect,
    types: TYPES,
    hasCwd: true,
    stderr: 'ignore',
    tellsStderr: false,
  });
  if (transport === undefined) return undefined;
  for (const [id, input] of own.byId) inputs.byId.set(id, input);
  for (const [name, id] of own.ids) inputs.ids.set(name, id);
  if (spec.oauth !== undefined) {
    tellHeaders(draft, spec.oauth.headers);
    if (spec.oauth.scopes.length > 0)
      lost(draft, 'spec.oauth.scopes', 'cannot be expressed in this format');
  }
  const oauth = spec.oauth && {
    oauth: writeOAuthTexts(draft, { oauth: spec.oauth, words: { clientId: 'clientId' } }, dialect),
  };
  tellUnsaid(draft, ['oauth', 'userVariables']);
  return withAnnotations(
    draft,
    { ...transport, ...oauth },
    {
      known: VSCODE_FIELDS,
      blocks: { oauth: new Set(['clientId']) },
    },
  );
}

/** Adds the user variables to the inputs; answers them by id. */
function writeVariables(draft: Draft, inputs: InputList): VariablesById {
  const used = usedVariables(draft);
  const variables = new Map<string, InputVariable>();
  for (const [of, variable] of Object.entries(draft.server.spec.userVariables)) {
    if (!used.has(of)) {
      const reason = 'is not used by anything that this format can express';
      lost(draft, `spec.user_variables[${of}]`, reason);
      continue;
    }
    const input = {
      type: 'promptString',
      description: variable.description,
      ...(variable.sensitive ? { password: true } : {}),
    };
    const id = freeId({ id: idOf(of, variable), input }, inputs);
    const name = variableName(id);
    tellRenamed(draft, { of, variable, id });
    inputs.byId.set(id, { id, ...input });
    inputs.ids.set(name, id);
    variables.set(id, { name, of });
  }
  return variables;
}

/** Tells of a variable that a reader finds under another name or title. */
function tellRenamed(
  draft: Draft,
  {
    of,
    variable,
    id,
  }: { readonly of: string; readonly variable: UserVariable; readonly id: string },
): void {
  const field = `spec.user_variables[${of}]`;
  const name = variableName(id);
  if (name !== of) {
    lost(draft, field, `another server has an input of this name: it becomes ${name}`);
    lost(draft, `spec.user_variables[${name}]`, `takes the place of ${of}`);
  } else if (variable.title !== (id === name ? '' : id))
    lost(draft, `${field}.title`, 'cannot be expressed in this format');
}

/** The user variables in those fields that the format has and can say. */
function usedVariables({ server: { spec } }: Draft): ReadonlySet<string> {
  const names = Object.keys(spec.userVariables);
  const dialect = vscodeDialect(new Map(names.map((name) => [name, { name }])));
  const texts = valueFields(spec).filter(
    ({ path, text }) => SAID.test(path) && printValue(text, dialect) !== undefined,
  );
  const references = texts.flatMap(({ text }) => referencesIn(text));
  return new Set(references.filter(({ kind }) => kind === 'var').map(({ name }) => name));
}

/** The title, if a reader makes the name of it; else the name. */
function idOf(name: string, { title }: UserVariable): string {
  return title !== name && variableName(title) === name ? title : name;
}

/** `id`, or one made of it, that means this input and no other to a reader of the file. */
function freeId(
  wanted: { readonly id: string; readonly input: JsonObject },
  { byId, ids }: InputList,
): string {
  const means = (id: string): boolean => {
    const there = byId.get(id);
    if (there !== undefined)
      return JSON.stringify(there) === JSON.stringify({ id, ...wanted.input });
    return !ids.has(variableName(id));
  };
  let id = wanted.id;
  for (let count = 2; !means(id); count += 1) id = `${wanted.id}-${String(count)}`;
  return id;
}
