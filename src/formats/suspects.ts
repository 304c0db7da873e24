import type { ServerSpec } from '../domain/config/spec.js';
import { parseValue } from '../domain/config/value.js';
import { type FilePlace, placeOf, type ReadServer } from './format.js';
import { suspicionOf, type Suspicion } from './secret-patterns.js';

/** Something in a file that should perhaps not be there. */
export interface Suspect extends FilePlace {
  readonly server: string;
  readonly reason: string;
}

/** A text of a spec, by its path in the domain, and the name under which it stands. */
interface NamedText {
  readonly field: string;
  readonly name: string;
  readonly text: string;
}

/**
 * What in a server looks like a secret, or like a placeholder that nobody filled in. Says where
 * it stands in the file and what it looks like, never the text. References are no secrets.
 */
export function suspectsIn(server: ReadServer): readonly Suspect[] {
  return textsOf(server.spec).flatMap(({ field, name, text }) => {
    const found = literalsIn(text).flatMap((literal) => suspicionOf(name, literal) ?? [])[0];
    if (found === undefined) return [];
    return [{ server: server.name, ...placeOf(server, field), reason: reasonOf(found) }];
  });
}

function reasonOf(suspicion: Suspicion): string {
  return suspicion.kind === 'unfilled'
    ? 'contains a placeholder that nobody filled in'
    : `looks like ${suspicion.what}: refer to an environment variable of the nodes, or to a user variable`;
}

function textsOf({ transport, oauth, proxyUrl }: ServerSpec): readonly NamedText[] {
  const texts: NamedText[] = [];
  if (transport.kind === 'stdio') {
    texts.push(...ofMap('spec.stdio.env', transport.env), ...ofArgs(transport.args));
  } else {
    const field = `spec.${transport.kind}`;
    texts.push(...ofUrl(`${field}.url`, transport.url));
    texts.push(...ofMap(`${field}.headers`, transport.headers));
  }
  texts.push(...ofUrl('spec.proxy_url', proxyUrl));
  if (oauth !== undefined) {
    texts.push({ field: 'spec.oauth.client_id', name: 'client_id', text: oauth.clientId });
    texts.push({
      field: 'spec.oauth.client_secret',
      name: 'client_secret',
      text: oauth.clientSecret,
    });
    texts.push(...ofMap('spec.oauth.headers', oauth.headers));
  }
  return texts;
}

function ofMap(field: string, map: Readonly<Record<string, string>>): readonly NamedText[] {
  return Object.entries(map).map(([name, text]) => ({ field: `${field}[${name}]`, name, text }));
}

/** An argument may be named by its option: `--token=x`, or `--token x`. */
function ofArgs(args: readonly string[]): readonly NamedText[] {
  return args.map((arg, index) => {
    const field = `spec.stdio.args[${String(index)}]`;
    const own = /^(--?[A-Za-z][\w-]*)=(.*)$/s.exec(arg);
    if (own !== null) return { field, name: own[1] ?? '', text: own[2] ?? '' };
    const before = args[index - 1] ?? '';
    const name = /^--?[A-Za-z][\w-]*$/.test(before) && !arg.startsWith('-') ? before : '';
    return { field, name, text: arg };
  });
}

/** A URL as a whole, its parameters, and the password in it. */
function ofUrl(field: string, text: string): readonly NamedText[] {
  const plain = literalsIn(text).join('x');
  if (!URL.canParse(plain)) return [];
  const { searchParams, password } = new URL(plain);
  const parameters = [...searchParams].map(([name, value]) => ({ field, name, text: value }));
  const secret = { field, name: 'password', text: password };
  return [{ field, name: '', text }, ...parameters, secret];
}

/** The parts of a text that are no references. */
function literalsIn(text: string): readonly string[] {
  return parseValue(text).flatMap((part) => (part.kind === 'literal' ? [part.text] : []));
}
