import type { Reference } from '../../domain/config/value.js';
import type { Format } from '../format.js';
import { type Dialect, type Found, type Printed, readBy } from '../values.js';

/**
 * The dialects of `mcpServers`. Claude: `${NAME}` and `${NAME:-default}`. Cursor and
 * Windsurf: `${env:NAME}`, and some that mean folders of the user's machine.
 */

const PLACEHOLDER = /\$\{([^}]*)\}/g;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const LOCAL = new Set([
  'workspaceFolder',
  'workspaceFolderBasename',
  'userHome',
  'pathSeparator',
  '/',
]);

/** The dialect of `mcpServers` in a file of `format`. */
export function mcpDialect(format: Format): Dialect {
  return format === 'cursor' ? cursorDialect : claudeDialect;
}

const claudeDialect: Dialect = {
  read: (text) => readBy(PLACEHOLDER, ([whole, inside = '']) => findClaude(whole, inside), text),
  print: (reference) => printEnv(reference, (name) => `\${${name}}`),
};

const cursorDialect: Dialect = {
  read: (text) => readBy(PLACEHOLDER, ([whole, inside = '']) => findCursor(whole, inside), text),
  print: (reference) => printEnv(reference, (name) => `\${env:${name}}`),
};

function findClaude(whole: string, inside: string): Found {
  const [name = '', fallback] = inside.split(/:-(.*)/s);
  if (!ENV_NAME.test(name)) {
    const hint = inside.startsWith('env:') ? '; it is a placeholder in cursor and vscode' : '';
    return { loss: `${whole} is not a placeholder of this format and is kept as text${hint}` };
  }
  const part = { kind: 'env', name } as const;
  if (fallback === undefined) return { part };
  return { part, loss: `the default of ${whole} is dropped: ${name} must be set on the nodes` };
}

function findCursor(whole: string, inside: string): Found {
  if (inside.startsWith('env:') && ENV_NAME.test(inside.slice(4)))
    return { part: { kind: 'env', name: inside.slice(4) } };
  if (LOCAL.has(inside)) return { problem: `${whole} has no meaning on a server` };
  return { loss: `${whole} is not a placeholder of this format and is kept as text` };
}

/**
 * These files are of one person: what is filled in per user, or secret, comes from that
 * person's environment.
 */
export function printEnv(
  { kind, name }: Reference,
  print: (name: string) => string,
): Printed | undefined {
  if (!ENV_NAME.test(name)) return undefined;
  if (kind === 'env') return { text: print(name) };
  if (kind !== 'var' && kind !== 'secret') return undefined;
  return {
    text: print(name),
    becomes: { kind: 'env', name },
    loss: `\${${kind}:${name}} becomes the environment variable ${name}`,
  };
}
