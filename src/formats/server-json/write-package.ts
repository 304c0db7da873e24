import type { StdioTransport } from '../../domain/config/spec.js';
import type { JsonObject } from '../draft.js';
import { RUNTIMES } from './command.js';
import { type Template, templateInput } from './write-inputs.js';

/** The arguments of a command, divided as a package divides them. */
interface Division {
  readonly runtime: readonly Template[];
  readonly name: Template;
  readonly rest: readonly Template[];
}

/**
 * Packages that might be what `command` runs, the plainest first. Whether one of them is
 * shows only when it is read again. None for a command that runs no package.
 */
export function packagesOf(
  { command, env }: StdioTransport,
  args: readonly Template[],
): readonly JsonObject[] {
  const registryType = Object.keys(RUNTIMES).find((type) => RUNTIMES[type] === command);
  if (registryType === undefined) return [];
  const divided =
    registryType === 'oci' ? divideDocker(args) : divide(args, registryType === 'nuget');
  if (divided === undefined || Object.keys(divided.name.variables).length > 0) return [];
  const { runtime, name, rest } = divided;
  const plain = registryType === 'oci' ? withoutAdded(runtime, Object.keys(env)) : runtime;
  return [plain, runtime].map((runtimeArguments) => ({
    registryType,
    ...identify(name.text, registryType),
    transport: { type: 'stdio' },
    ...(runtimeArguments.length === 0
      ? {}
      : { runtimeHint: command, runtimeArguments: runtimeArguments.map(positional) }),
    ...(rest.length === 0 ? {} : { packageArguments: rest.map(positional) }),
  }));
}

function positional(template: Template): JsonObject {
  return { type: 'positional', ...templateInput(template) };
}

/** Flags of the runtime, the package, and what the package is given. */
function divide(args: readonly Template[], hasDivider: boolean): Division | undefined {
  const at = args.findIndex(({ text }) => !text.startsWith('-'));
  const name = args[at];
  if (name === undefined) return undefined;
  const runtime = args.slice(0, at);
  if (!hasDivider) return { runtime, name, rest: args.slice(at + 1) };
  const [yes, divider, ...rest] = args.slice(at + 1);
  if (yes?.text !== '--yes' || (divider !== undefined && divider.text !== '--')) return undefined;
  return { runtime, name, rest };
}

/** Flags of docker that take no value after them. */
const LONE_FLAGS =
  /^(?:-[itdPq]+|--(?:rm|init|interactive|tty|detach|privileged|read-only|publish-all|quiet|no-healthcheck|[^=]+=.*))$/s;

function divideDocker([run, ...args]: readonly Template[]): Division | undefined {
  if (run?.text !== 'run') return undefined;
  let at = 0;
  for (let text = args[at]?.text; text?.startsWith('-') === true; text = args[at]?.text) {
    at += LONE_FLAGS.test(text) ? 1 : 2;
  }
  const name = args[at];
  return name && { runtime: args.slice(0, at), name, rest: args.slice(at + 1) };
}

/** Without the flags that a reader adds by itself. */
function withoutAdded(args: readonly Template[], env: readonly string[]): readonly Template[] {
  const kept: Template[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at];
    const next = args[at + 1]?.text ?? '';
    if (arg === undefined || arg.text === '-i' || arg.text === '--rm') continue;
    if (arg.text === '-e' && env.includes(next)) at += 1;
    else kept.push(arg);
  }
  return kept;
}

/** A package with its exact version apart; an image keeps its tag. */
function identify(text: string, registryType: string): JsonObject {
  const at = text.lastIndexOf('@');
  const version = text.slice(at + 1);
  const isExact = registryType !== 'oci' && at > 0 && /^\d+\.\d+\.\d+[\w.+-]*$/.test(version);
  return isExact ? { identifier: text.slice(0, at), version } : { identifier: text };
}
