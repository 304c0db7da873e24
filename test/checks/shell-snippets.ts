import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fieldsUnknownTo, methodRequests } from './proto-requests.js';
import { root, type Snippet } from './snippets.js';

/** What a shell snippet may name. */
export interface Known {
  readonly npmScripts: ReadonlySet<string>;
  readonly serverFlags: ReadonlySet<string>;
  readonly environment: ReadonlySet<string>;
  /** The help text of `switchboard <subcommand…>`; undefined for an unknown subcommand. */
  readonly cliHelp: (subcommand: string) => string | undefined;
}

type Command = readonly string[];

/** Commands that are not ours and whose arguments are taken as they are. */
const FOREIGN = new Set(
  'cat cd curl docker echo export git go grep head jq kill ls mkdir rm sleep tail'.split(' '),
);

/** What is wrong with the commands of a shell snippet; nothing is run. */
export function shellErrors({ where, text }: Snippet, known: Known): string[] {
  return commandsOf(text).flatMap((words) => {
    return commandErrors(words, known).map((error) => `${where}: ${error} in: ${words.join(' ')}`);
  });
}

function commandErrors(words: Command, known: Known): string[] {
  const assignments = words.filter((word, index) => {
    const leading = words.slice(0, index).every((each) => each === 'export' || each.includes('='));
    return leading && /^\w+=/.test(word);
  });
  const unknown = assignments
    .map((word) => word.split('=')[0] ?? '')
    .filter((name) => name.startsWith('SWITCHBOARD_') && !known.environment.has(name))
    .map((name) => `unknown variable ${name}`);
  const [command = 'export', ...rest] = words.slice(words[0] === 'export' ? 0 : assignments.length);
  return [...unknown, ...callErrors(command, rest, known)];
}

function callErrors(command: string, args: Command, known: Known): string[] {
  if (command === 'npm') return npmErrors(args, known);
  if (command === 'npx' && args[0] === 'switchboard') return cliErrors(args.slice(1), known);
  if (command === 'switchboard') return cliErrors(args, known);
  if (command === 'grpcurl') return grpcurlErrors(args);
  return FOREIGN.has(command) ? [] : [`unknown command ${command}`];
}

function npmErrors(args: Command, known: Known): string[] {
  const [verb = '', ...rest] = args;
  if (['ci', 'install', 'i'].includes(verb)) return [];
  const script = verb === 'run' ? (rest[0] ?? '') : verb;
  if (!known.npmScripts.has(script)) return [`no script ${script}`];
  const own = rest.includes('--') ? rest.slice(rest.indexOf('--') + 1) : [];
  return script === 'start' ? unknownFlags(own, (flag) => known.serverFlags.has(flag)) : [];
}

function cliErrors(args: Command, known: Known): string[] {
  const [subcommand = '', ...rest] = args;
  const group = known.cliHelp(subcommand.startsWith('-') ? '' : subcommand);
  if (group === undefined) return [`unknown subcommand ${subcommand}`];
  // A command that has commands of its own, such as `access list`, takes no flags.
  const isGroup = !subcommand.startsWith('-') && /^Commands:/m.test(group);
  const help = isGroup ? known.cliHelp(`${subcommand} ${rest[0] ?? ''}`) : group;
  if (help === undefined) return [`unknown subcommand ${subcommand} ${rest[0] ?? ''}`];
  return unknownFlags(rest, (flag) => new RegExp(`(^|[\\s,])${flag}(?![\\w-])`, 'm').test(help));
}

function unknownFlags(args: Command, isKnown: (flag: string) => boolean): string[] {
  const flags = args
    .filter((word) => word.startsWith('--'))
    .map((word) => word.split('=')[0] ?? '');
  return flags.filter((flag) => !isKnown(flag)).map((flag) => `unknown flag ${flag}`);
}

function grpcurlErrors(args: Command): string[] {
  const symbol = args.at(-1) ?? '';
  if (!symbol.startsWith('switchboard.')) return [];
  const request = methodRequests().get(symbol.replace(/\.(?=\w+$)/, '/').replace(/^\/?/, ''));
  const isDescribed = args.includes('describe') || args.includes('list');
  if (request === undefined) return isDescribed ? [] : [`no method ${symbol}`];
  const data = args[args.indexOf('-d') + 1];
  if (!args.includes('-d') || data === undefined || data === '@' || data.includes('$')) return [];
  try {
    return fieldsUnknownTo(request, JSON.parse(data)).map((field) => `no field ${field}`);
  } catch (error) {
    return [`-d is not JSON (${String(error)})`];
  }
}

/** Commands of a script as words: quotes taken away; pipes, `&&`, `;` and line ends separate. */
export function commandsOf(script: string): Command[] {
  const text = script.replaceAll(/\\\n\s*/g, ' ');
  const commands: string[][] = [[]];
  const token = /#[^\n]*|&&|\|\||[|;&\n]|(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"|;&\\])+/g;
  for (const [word] of text.matchAll(token)) {
    if (word.startsWith('#')) continue;
    if (/^(&&|\|\||[|;&\n])$/.test(word)) commands.push([]);
    else commands.at(-1)?.push(unquoted(word));
  }
  return commands.filter((words) => words.length > 0);
}

function unquoted(word: string): string {
  return word.replaceAll(
    /'([^']*)'|"((?:\\.|[^"\\])*)"/g,
    (_all, single?: string, double?: string) => {
      return single ?? (double ?? '').replaceAll(/\\(.)/g, '$1');
    },
  );
}

/** What this project has: scripts of package.json, options of the server, help of the built command. */
export async function knownHere(): Promise<Known> {
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const { OPTIONS } = (await import(path.join(root, 'src/server/options.ts'))) as {
    OPTIONS: readonly { flag?: string; env?: string }[];
  };
  return {
    npmScripts: new Set(Object.keys(manifest.scripts)),
    serverFlags: new Set(OPTIONS.map(({ flag }) => flag?.split(/[ ,=]/)[0] ?? '')),
    environment: new Set(OPTIONS.map(({ env }) => env ?? '')),
    cliHelp: helpOf,
  };
}

const helps = new Map<string, string>();

function helpOf(subcommand: string): string | undefined {
  if (subcommand === '') return printedHelp('');
  // commander answers an unknown subcommand with the help of what is around it.
  const [last = '', ...around] = subcommand.split(' ').toReversed();
  const isKnown = new RegExp(`^\\s+${last}\\b`, 'm').test(printedHelp(around.join(' ')));
  return isKnown ? printedHelp(subcommand) : undefined;
}

/** Asked of the built command once: the docs name each subcommand many times. */
function printedHelp(subcommand: string): string {
  const main = path.join(root, 'dist/src/cli/main.js');
  const args = [...subcommand.split(' ').filter((word) => word !== ''), '--help'];
  const help =
    helps.get(subcommand) ?? execFileSync(process.execPath, [main, ...args], { encoding: 'utf8' });
  helps.set(subcommand, help);
  return help;
}
