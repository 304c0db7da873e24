import type { StdioTransport } from '../../domain/config/spec.js';
import { type Entry, lose, loseUnknown, origin } from '../entry.js';
import type { FilePath } from '../tree.js';
import { type InputReader, readInput } from './inputs.js';
import type { Argument, KeyValue, Package } from './schema.js';

/** The program that runs a kind of package, unless the package says another. */
export const RUNTIMES: Readonly<Record<string, string>> = {
  npm: 'npx',
  pypi: 'uvx',
  oci: 'docker',
  nuget: 'dnx',
};

/** Arguments and where they come from. */
interface PlacedArgs {
  readonly texts: readonly string[];
  readonly path: FilePath;
}

/** The process that a package of a kind in `RUNTIMES` is. `path` is where the package stands. */
export function readPackage(reader: InputReader, pack: Package, path: FilePath): StdioTransport {
  const { entry } = reader;
  const read = (field: 'runtimeArguments' | 'packageArguments'): readonly PlacedArgs[] =>
    (pack[field] ?? []).map((argument, index) => {
      const at = [...path, field, index];
      return { texts: readArgument(reader, argument, at), path: at };
    });
  const env = readKeyValues(reader, pack.environmentVariables ?? [], {
    path: [...path, 'environmentVariables'],
    domain: 'spec.stdio.env',
  });
  loseUnknown(entry, new Set(['type']), [...path, 'transport']);
  if (pack.registryType === 'oci' && hasTag(pack.identifier) && pack.version !== undefined)
    lose(entry, [...path, 'version'], 'the identifier already has a tag');
  const frame = FRAMES[pack.registryType]?.(pack, Object.keys(env)) ?? NO_FRAME;
  const runtime = read('runtimeArguments');
  const rest = read('packageArguments');
  const given = runtime.flatMap(({ texts }) => texts);
  const missing = (flags: Frame['before']): readonly string[] =>
    flags.filter((flag) => !isGiven(given, flag)).flat();
  const args = [
    { texts: [...frame.first, ...missing(frame.before)], path },
    ...runtime,
    { texts: missing(frame.after), path },
    { texts: [frame.name], path: [...path, 'identifier'] },
    { texts: [...frame.last, ...(rest.length > 0 ? frame.divider : [])], path },
    ...rest,
  ].flatMap(({ texts, path: from }) => texts.map((text) => ({ text, from })));
  args.forEach(({ from }, index) => {
    origin(entry, `spec.stdio.args[${String(index)}]`, from);
  });
  origin(entry, 'spec.stdio', path);
  origin(entry, 'spec.stdio.command', [...path, 'runtimeHint']);
  origin(entry, 'spec.stdio.env', [...path, 'environmentVariables']);
  return {
    kind: 'stdio',
    command: pack.runtimeHint ?? RUNTIMES[pack.registryType] ?? '',
    args: args.map(({ text }) => text),
    env,
    cwd: '',
    stderr: 'ignore',
  };
}

/** What a runtime wants around the arguments of a package. */
interface Frame {
  readonly first: readonly string[];
  /** Flags that come before the arguments of the runtime, unless they are among them. */
  readonly before: readonly (readonly string[])[];
  /** Likewise after them. */
  readonly after: readonly (readonly string[])[];
  readonly name: string;
  readonly last: readonly string[];
  /** What comes before the arguments of the package. */
  readonly divider: readonly string[];
}

const NO_FRAME: Frame = { first: [], before: [], after: [], name: '', last: [], divider: [] };

const FRAMES: Readonly<Record<string, (pack: Package, env: readonly string[]) => Frame>> = {
  npm: (pack) => ({ ...NO_FRAME, name: versioned(pack, '@') }),
  pypi: (pack) => ({ ...NO_FRAME, name: versioned(pack, '@') }),
  nuget: (pack) => ({ ...NO_FRAME, name: versioned(pack, '@'), last: ['--yes'], divider: ['--'] }),
  // The container has to keep its input open, go when it ends, and be handed the environment.
  oci: (pack, env) => ({
    ...NO_FRAME,
    first: ['run'],
    before: [['-i'], ['--rm']],
    after: env.map((name) => ['-e', name]),
    name: hasTag(pack.identifier) ? pack.identifier : versioned(pack, ':'),
  }),
};

function versioned({ identifier, version }: Package, sign: string): string {
  return version === undefined || version === '' ? identifier : `${identifier}${sign}${version}`;
}

function hasTag(image: string): boolean {
  return /(?::[^/]+|@sha256:.*)$/.test(image);
}

/** Whether `args` have the flag: `-i` also in `-it`, and `-e NAME` also with a value. */
function isGiven(args: readonly string[], flag: readonly string[]): boolean {
  const [name = '', value] = flag;
  return args.some((arg, index) => {
    if (value === undefined)
      return arg === name || (name === '-i' && (/^-[a-z]*i/.test(arg) || arg === '--interactive'));
    const next = args[index + 1] ?? '';
    return ['-e', '--env'].includes(arg) && (next === value || next.startsWith(`${value}=`));
  });
}

function readArgument(reader: InputReader, argument: Argument, path: FilePath): readonly string[] {
  if (argument.isRepeated === true) lose(reader.entry, [...path, 'isRepeated'], 'is given once');
  if (argument.type === 'positional') {
    const name = argument.valueHint ?? `argument_${String(path.at(-1))}`;
    const value = readInput(reader, { input: argument, path, name });
    return value === undefined ? [] : [value];
  }
  const { name } = argument;
  if (isFlag(argument)) {
    loseUnknown(reader.entry, OF_FLAG, path);
    return [name];
  }
  const value = readInput(reader, { input: argument, path, name: name.replace(/^-+/, '') });
  return value === undefined ? [] : [name, value];
}

const OF_FLAG: ReadonlySet<string> = new Set(['type', 'name', 'isRepeated']);

/** A named argument that asks for nothing is a flag alone. */
function isFlag(argument: Argument): boolean {
  const { value, default: fallback, isRequired, isSecret, format, choices, placeholder } = argument;
  const asks = value ?? fallback ?? isRequired ?? isSecret ?? format ?? choices ?? placeholder;
  return asks === undefined;
}

/** Headers or environment variables, as far as they have a value. */
export function readKeyValues(
  reader: InputReader,
  inputs: readonly KeyValue[],
  from: { readonly path: FilePath; readonly domain: string },
): Readonly<Record<string, string>> {
  const entries: [string, string][] = [];
  const { entry } = reader;
  inputs.forEach((input, index) => {
    const path = [...from.path, index];
    origin(entry, `${from.domain}[${input.name}]`, path);
    if (entries.some(([name]) => name === input.name)) tellTwice(entry, path, input.name);
    const value = readInput(reader, { input, path, name: input.name });
    if (value !== undefined) entries.push([input.name, value]);
  });
  return Object.fromEntries(entries);
}

function tellTwice(entry: Entry, path: FilePath, name: string): void {
  lose(entry, path, `${name} is given twice: the last one is used`);
}
