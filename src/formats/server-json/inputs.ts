import type { UserVariable } from '../../domain/config/spec.js';
import type { ValuePart } from '../../domain/config/value.js';
import { type Entry, lose, loseUnknown, origin, readField } from '../entry.js';
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

/** What every input may have beside its value: how it is called, and what is told elsewhere. */
const COMMON = ['name', 'type', 'isRepeated'];
/** What is made use of, in the four ways in which an input gets its value. */
const OF_TEMPLATE: ReadonlySet<string> = new Set([...COMMON, 'value', 'variables', 'isRequired']);
const OF_VALUE: ReadonlySet<string> = new Set([...COMMON, 'value', 'isRequired']);
const OF_DEFAULT: ReadonlySet<string> = new Set([...COMMON, 'default', 'isRequired', 'isSecret']);
const OF_VARIABLE: ReadonlySet<string> = new Set([
  ...COMMON,
  ...['default', 'isRequired', 'isSecret', 'description', 'valueHint'],
]);

const TEMPLATE = /\{([^{}]+)\}/g;

/**
 * The value of an input in our notation: its own; or, unless it is secret, its default; or
 * what each user fills in, if it is required or secret. Undefined if it is left out.
 */
export function readInput(reader: InputReader, placed: PlacedInput): string | undefined {
  const { input, path } = placed;
  const { entry } = reader;
  if (input.value !== undefined) {
    const text = input.value;
    loseUnknown(entry, OF_TEMPLATE, path);
    const variables = { variables: input.variables ?? {}, path: [...path, 'variables'] };
    return readField(entry, { path: [...path, 'value'], text }, (value) =>
      readTemplate(reader, value, variables),
    );
  }
  const part = partOf(reader, placed);
  if (part === undefined) return undefined;
  return readField(entry, { path, text: '' }, () => ({
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
  const used = new Map<string, ValuePart>();
  const find = (name: string): ValuePart | undefined => {
    const input = Object.hasOwn(from.variables, name) ? from.variables[name] : undefined;
    if (input === undefined) return undefined;
    const placed = { input, path: [...from.path, name], name };
    const part = used.get(name) ?? partOf(reader, placed) ?? { kind: 'literal', text: '' };
    used.set(name, part);
    return part;
  };
  const reading = readBy(
    TEMPLATE,
    ([, name = '']) => {
      const part = find(name);
      return part === undefined ? {} : { part };
    },
    text,
  );
  for (const name of Object.keys(from.variables)) {
    if (!used.has(name)) lose(reader.entry, [...from.path, name], 'is used by no placeholder');
  }
  return reading;
}

/** What an input without a value stands for. */
function partOf(reader: InputReader, { input, path, name }: PlacedInput): ValuePart | undefined {
  const { entry } = reader;
  if (input.value !== undefined) {
    loseUnknown(entry, OF_VALUE, path);
    return { kind: 'literal', text: input.value };
  }
  if (input.default !== undefined && input.isSecret !== true) {
    loseUnknown(entry, OF_DEFAULT, path);
    lose(entry, [...path, 'default'], 'is used as the value; users are not prompted');
    return { kind: 'literal', text: input.default };
  }
  if (input.isRequired !== true && input.isSecret !== true) {
    lose(entry, path, 'is optional and has no value: left out');
    return undefined;
  }
  loseUnknown(entry, OF_VARIABLE, path);
  if (input.isRequired !== true)
    lose(entry, path, 'is optional there; here each user must fill it in');
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
