import type { HttpTransport, StdioTransport, Transport } from '../domain/config/spec.js';
import { LIMITS } from '../domain/limits.js';
import { type Entry, fail, lose, origin, readField } from './entry.js';
import { splitCommand } from './split-command.js';
import type { FilePath } from './tree.js';
import type { ReadText } from './values.js';

/** A transport in the words that librechat.yaml, `mcpServers` and `servers` share. */
export interface DeclaredTransport {
  /** As declared; undefined: by whether there is a command or a url. */
  readonly kind: Transport['kind'] | undefined;
  /** What a url without a type means. */
  readonly urlKind: HttpTransport['kind'];
  readonly command?: string | undefined;
  readonly args?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly cwd?: string | undefined;
  readonly stderr?: StdioTransport['stderr'] | undefined;
  readonly url?: string | undefined;
  /** What the file calls the url. Default `url`. */
  readonly urlField?: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** The transport of a server. Undefined, and the problem told, if there is none or more than one. */
export function readTransport(
  entry: Entry,
  declared: DeclaredTransport,
  read: ReadText,
): Transport | undefined {
  const kind = declared.kind ?? inferKind(entry, declared);
  if (kind === undefined) return undefined;
  tellUnused(entry, declared, kind === 'stdio');
  return kind === 'stdio'
    ? readStdio(entry, declared, read)
    : readHttp(entry, { ...declared, kind }, read);
}

function inferKind(entry: Entry, declared: DeclaredTransport): Transport['kind'] | undefined {
  const { command, url, urlKind } = declared;
  if (command !== undefined && url !== undefined) {
    fail(entry, ['command'], 'is set together with a url: choose one with `type`');
    return undefined;
  }
  if (command === undefined && url === undefined) {
    fail(entry, [], 'has neither a command nor a url');
    return undefined;
  }
  if (url === undefined) return 'stdio';
  if (urlKind !== 'streamable_http' || !isSsePath(url)) return urlKind;
  // The products of these files try one transport after the other, and end up with this one.
  const field = declared.urlField ?? 'url';
  lose(entry, [field], 'ends in /sse and has no type: read as SSE; set `type` to choose another');
  return 'sse';
}

/** Whether a url names its transport by the end of its path, as servers of SSE do. */
export function isSsePath(url: string): boolean {
  return /\/sse\/?(?:[?#]|$)/i.test(url);
}

function tellUnused(entry: Entry, declared: DeclaredTransport, isStdio: boolean): void {
  const unused = isStdio
    ? { [declared.urlField ?? 'url']: declared.url, headers: declared.headers }
    : { command: declared.command, args: declared.args, env: declared.env, cwd: declared.cwd };
  for (const [field, value] of Object.entries(unused)) {
    if (value !== undefined) lose(entry, [field], 'has no meaning with this type of transport');
  }
}

function readStdio(
  entry: Entry,
  declared: DeclaredTransport,
  read: ReadText,
): StdioTransport | undefined {
  const { env = {}, cwd = '', stderr = 'ignore' } = declared;
  if (declared.command === undefined) {
    fail(entry, ['command'], 'is required with this type of transport');
    return undefined;
  }
  for (const field of ['command', 'args', 'env', 'cwd', 'stderr']) {
    origin(entry, `spec.stdio.${field}`, [field]);
  }
  const { command, args } = readCommand(entry, declared.command, declared.args ?? []);
  return {
    kind: 'stdio',
    command: readPlain(entry, { field: 'command', text: command }, read),
    args: args.map(({ path, text }, index) => {
      origin(entry, `spec.stdio.args[${String(index)}]`, path);
      return readField(entry, { path, text }, read);
    }),
    env: readMap(entry, { field: 'env', domain: 'spec.stdio.env', map: env }, read),
    cwd: readPlain(entry, { field: 'cwd', text: cwd }, read),
    stderr,
  };
}

/** The program, and its arguments with their places; those in its own text come first. */
function readCommand(
  entry: Entry,
  text: string,
  args: readonly string[],
): {
  readonly command: string;
  readonly args: readonly { readonly path: FilePath; readonly text: string }[];
} {
  const rest = args.map((arg, index) => ({ path: ['args', index], text: arg }));
  const split = splitCommand(text);
  if (split.kind === 'split') {
    lose(entry, ['command'], 'contains arguments: split at the blanks');
    const first = split.args.map((arg) => ({ path: ['command'], text: arg }));
    return { command: split.command, args: [...first, ...rest] };
  }
  if (split.kind === 'unclear')
    lose(
      entry,
      ['command'],
      'seems to contain arguments: taken as the name of a program; put them into `args`',
    );
  return { command: text, args: rest };
}

function readHttp(
  entry: Entry,
  declared: DeclaredTransport & { readonly kind: HttpTransport['kind'] },
  read: ReadText,
): HttpTransport | undefined {
  const { kind, url, urlField = 'url', headers = {} } = declared;
  if (url === undefined) {
    fail(entry, [urlField], 'is required with this type of transport');
    return undefined;
  }
  origin(entry, `spec.${kind}.url`, [urlField]);
  origin(entry, `spec.${kind}.headers`, ['headers']);
  return {
    kind,
    url: readField(entry, { path: [urlField], text: url }, read),
    headers: readMap(
      entry,
      { field: 'headers', domain: `spec.${kind}.headers`, map: headers },
      read,
    ),
  };
}

/** A map of texts, read one by one. */
export function readMap(
  entry: Entry,
  what: {
    readonly field: string;
    readonly domain: string;
    readonly map: Readonly<Record<string, string>>;
  },
  read: ReadText,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(what.map).map(([key, text]) => {
      const path = [what.field, key];
      origin(entry, `${what.domain}[${key}]`, path);
      return [key, readField(entry, { path, text }, read)];
    }),
  );
}

/** A command or folder, which the domain wants plain. */
function readPlain(
  entry: Entry,
  { field, text }: { readonly field: string; readonly text: string },
  read: ReadText,
): string {
  // The domain tells how long it may be.
  if (text.length > LIMITS.text) return text;
  const { parts, problems } = read(text);
  for (const message of problems) fail(entry, [field], message);
  if (problems.length === 0 && parts.some((part) => part.kind !== 'literal'))
    fail(entry, [field], 'must be plain text, without placeholders');
  return text;
}
