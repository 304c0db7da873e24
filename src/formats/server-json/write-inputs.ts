import { valueFields } from '../../domain/config/connection-scope.js';
import type { ServerSpec, UserVariable } from '../../domain/config/spec.js';
import { parseValue, type Reference, referencesIn } from '../../domain/config/value.js';
import { type Draft, type JsonObject, lost } from '../draft.js';
import { variableName } from '../names.js';
import { type Dialect, printValue, readBy } from '../values.js';

/** Makes inputs of the values of one server. */
export interface InputWriter {
  readonly draft: Draft;
  readonly dialect: Dialect;
  /** Every name that may stand in braces. */
  readonly names: ReadonlyMap<string, JsonObject>;
}

/** A value as a template, and what it means to a reader. */
export interface Template {
  readonly text: string;
  readonly means: string;
  readonly variables: Readonly<Record<string, JsonObject>>;
}

/**
 * A server.json knows only what somebody fills in: user variables, and with a loss each
 * variable of the environment and each secret whose name nothing else has.
 */
export function openInputWriter(draft: Draft): InputWriter {
  const { spec } = draft.server;
  const names = new Map<string, JsonObject>();
  for (const [name, variable] of Object.entries(spec.userVariables)) {
    if (variable.title !== '')
      lost(draft, `spec.user_variables[${name}].title`, 'cannot be expressed in this format');
    names.set(name, inputOf(variable));
  }
  const foreign = foreignOf(spec, names);
  for (const { kind, name } of foreign.values()) {
    names.set(name, inputOf({ description: '', sensitive: kind === 'secret' }));
    lost(draft, `spec.user_variables[${name}]`, `is added for \${${kind}:${name}}`);
  }
  return { draft, names, dialect: dialectOf(names, foreign) };
}

function inputOf({ description, sensitive }: Omit<UserVariable, 'title'>): JsonObject {
  return {
    ...(description === '' ? {} : { description }),
    isRequired: true,
    ...(sensitive ? { isSecret: true } : {}),
  };
}

/** The variables of the environment and the secrets of which each has its name alone. */
function foreignOf(
  spec: ServerSpec,
  taken: ReadonlyMap<string, unknown>,
): ReadonlyMap<string, Reference> {
  const foreign = new Map<string, Reference>();
  const references = valueFields(spec)
    .filter(({ path }) => /^(?:stdio|streamable_http|sse)\./.test(path))
    .flatMap(({ text }) => referencesIn(text));
  for (const reference of references) {
    const { kind, name } = reference;
    if (kind !== 'env' && kind !== 'secret') continue;
    const isFree = !taken.has(name) && variableName(name) === name;
    const isAlone = references.every((other) => other.name !== name || other.kind === kind);
    if (isFree && isAlone) foreign.set(name, reference);
  }
  return foreign;
}

function dialectOf(
  names: ReadonlyMap<string, JsonObject>,
  foreign: ReadonlyMap<string, Reference>,
): Dialect {
  return {
    read: (text) =>
      readBy(
        /\{([^{}]+)\}/g,
        ([, name = '']) => (names.has(name) ? { part: { kind: 'var', name } } : {}),
        text,
      ),
    print: ({ kind, name }) => {
      if (kind === 'var') return { text: `{${name}}` };
      if (foreign.get(name)?.kind !== kind) return undefined;
      return {
        text: `{${name}}`,
        becomes: { kind: 'var', name },
        loss: `\${${kind}:${name}} becomes a variable that each user fills in`,
      };
    },
  };
}

/** A value as a template. Undefined, and the loss told, if it cannot be said. */
export function writeTemplate(
  { draft, dialect, names }: InputWriter,
  { field, value }: { readonly field: string; readonly value: string },
): Template | undefined {
  const printed = printValue(value, dialect);
  if (printed === undefined) {
    lost(draft, field, 'this format has no placeholder or spelling for it');
    return undefined;
  }
  for (const reason of printed.losses) lost(draft, field, reason);
  const used = referencesIn(printed.means).map(
    ({ name }) => [name, names.get(name) ?? {}] as const,
  );
  return { text: printed.text, means: printed.means, variables: Object.fromEntries(used) };
}

/** A template as an input with a value. */
export function templateInput({ text, variables }: Template): JsonObject {
  return { value: text, ...(Object.keys(variables).length === 0 ? {} : { variables }) };
}

/** A header or environment variable: what is only a variable of its own name needs no value. */
export function keyValueInput(name: string, template: Template): JsonObject {
  const parts = parseValue(template.means);
  const [part] = parts;
  const isOwn = parts.length === 1 && part?.kind === 'var' && part.name === variableName(name);
  if (isOwn) return { name, ...template.variables[part.name] };
  return { name, ...templateInput(template) };
}
