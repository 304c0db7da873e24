import type { Format, Problem } from './format.js';
import { placeIn, type Tree, treeAt } from './tree.js';

/** What is known of a file besides its content. */
export interface Hints {
  readonly notation: 'json' | 'yaml';
  readonly file: string | undefined;
}

/** The format that the content has, or why that cannot be told. */
export function detectFormat(root: Tree, hints: Hints): Format | Problem {
  const found = candidates(root, hints);
  const [format, ...others] = found;
  if (format !== undefined && others.length === 0) return format;
  return {
    field: '',
    ...placeIn(root, []),
    message:
      format === undefined
        ? 'is not a config file of a known format: it has neither servers nor mcpServers, and is not a server.json'
        : `could be ${found.join(' or ')}: say which`,
  };
}

function candidates(root: Tree, hints: Hints): readonly Format[] {
  const servers = treeAt(root, ['servers']);
  const formats: Format[] = [];
  if (servers?.kind === 'list') formats.push('switchboard');
  else if (servers !== undefined) formats.push('vscode');
  if (treeAt(root, ['mcpServers']) !== undefined) formats.push(dialectOf(hints));
  if (isServerJson(root)) formats.push('server-json');
  return formats;
}

/** Which product's `mcpServers` it is: they differ in placeholders, which only the name tells. */
function dialectOf({ notation, file = '' }: Hints): Format {
  const name = file.replaceAll('\\', '/');
  if (notation === 'yaml' || /(?:^|\/)librechat[^/]*$/i.test(name)) return 'librechat';
  const isCursor = /(?:^|\/)\.cursor\/|(?:^|\/)cursor[^/]*$/i.test(name);
  // Windsurf's file, which has Cursor's placeholders.
  return isCursor || /(?:^|\/)mcp_config\.json$/i.test(name) ? 'cursor' : 'claude';
}

function isServerJson(root: Tree): boolean {
  const schema = treeAt(root, ['$schema']);
  if (schema?.kind === 'scalar' && /\/server\.schema\.json$/.test(String(schema.value)))
    return true;
  const hasWay = ['packages', 'remotes'].some((key) => treeAt(root, [key]) !== undefined);
  return hasWay && treeAt(root, ['name'])?.kind === 'scalar';
}
