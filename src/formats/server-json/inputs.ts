import type { UserVariable } from '../../domain/spec.js';
import type { ValuePart } from '../../domain/value.js';
import { type Entry, lose, origin, readField } from '../entry.js';
import { variableName } from '../names.js';
import type { FilePath } from '../tree.js';
import { type Reading, readBy } from '../values.js';
import type { Input, TemplateInput } from './schema.js';

/** A server.json while its inputs become values and user variables. */
export interface InputReader {
  readonly entry: Entry;
  readonly variables: Map<string, UserVariable>;
}

/** An input, where it stands, and what it is called if a user has to fill it in. */
export interface PlacedInput {
  readonly input: TemplateInput;
  readonly path: FilePath;
  readonly name: string;
}

const TEMPLATE = /\{([^{}]+)\}/g;

/**
 * The value of an input in our notation: its own; or, unless it is secret, its default; or
 * what each user fills in, if it is required or secret. Undefined if it is left out.
 */
export function readInput(reader: InputReader, placed: PlacedInput): string | undefined {
  const { input, path } = placed;
  if (input.value !== undefined) {
    const text = input.value;
    const variables = { variables: input.variables ?? {}, path: [...path, 'variables'] };
    return readField(reader.entry, { path: [...path, 'value'], text }, (value) =>
      readTemplate(reader, value, variables),
    );
  }
  const part = partOf(reader, placed);
  if (part === undefined) return undefined;
  return readField(reader.entry, { path, text: '' }, () => ({
    parts: [part],
    losses: [],
    problems: [],
  }));
}

/** A text in which `{name}` stands for a variable. Names of no variable stay text. */
export function readTemplate(
  reader: InputReader,
  text: string,
  from: { readonly variables: Readonly<Record<string, Input>>; readonly path: FilePath },
): Reading {
  return readBy(
    TEMPLATE,
    ([, name = '']) => {
      if (!Object.hasOwn(from.variables, name)) return {};
      const input = from.variables[name] ?? {};
      const path = [...from.path, name];
      if (input.value !== undefined) return { part: { kind: 'literal', text: input.value } };
      return { part: partOf(reader, { input, path, name }) ?? { kind: 'literal', text: '' } };
    },
    text,
  );
}

/** What an input without a value stands for. */
function partOf(reader: InputReader, { input, path, name }: PlacedInput): ValuePart | undefined {
  const { entry } = reader;
  for (const field of ['choices', 'placeholder', 'format'] as const) {
    if (input[field] !== undefined) lose(entry, [...path, field], 'a value has no such field here');
  }
  if (input.default !== undefined && input.isSecret !== true) {
    lose(entry, [...path, 'default'], 'is used as the value; nobody is asked for another');
    return { kind: 'literal', text: input.default };
  }
  if (input.isRequired !== true && input.isSecret !== true) {
    lose(entry, path, 'is optional and has no value: left out');
    return undefined;
  }
  if (input.isRequired !== true)
    lose(entry, path, 'is optional there; here each user has to fill it in');
  if (input.default !== undefined)
    lose(entry, [...path, 'default'], 'a user variable has no default');
  return { kind: 'var', name: variableOf(reader, { input, path, name }) };
}

/** The user variable of an input; equal inputs of one name share it. */
function variableOf({ entry, variables }: InputReader, { input, path, name }: PlacedInput): string {
  const variable = {
    title: '',
    description: input.description ?? '',
    sensitive: input.isSecret === true,
  };
  const plain = variableName(name);
  const same = variables.get(plain);
  if (JSON.stringify(same) === JSON.stringify(variable)) return plain;
  const own = variableName(name, new Set(variables.keys()));
  variables.set(own, variable);
  origin(entry, `spec.user_variables[${own}]`, path);
  return own;
}
