import { declare, type Declared, failTaken } from './declare.js';
import { detectFormat } from './detect.js';
import { type Entry, fail, lose, openEntry } from './entry.js';
import type { Format, Loss, Problem, ReadResult, ReadServer } from './format.js';
import { type Item, itemsOfList, itemsOfMap, nameAt } from './items.js';
import { readLibrechatServer } from './librechat/read.js';
import { readMcpServer } from './mcp-servers/read.js';
import { parseText } from './parse-text.js';
import { readServerJson } from './server-json/read.js';
import { readOwnServer, tellUnknown } from './switchboard/read.js';
import { treeAt } from './tree.js';
import { readInputs, tellUnused } from './vscode/inputs.js';
import { readVscodeServer } from './vscode/read.js';

export interface ReadOptions {
  /** Name of the file: a hint at its format. */
  readonly file?: string | undefined;
  /** Overrides what the text looks like. */
  readonly format?: Format | undefined;
}

/** An item and how to read it. */
interface ReadableItem extends Item {
  readonly read: () => Declared | undefined;
}

/** What there is to read, and what is to be done afterwards. */
interface Work {
  readonly items: readonly ReadableItem[];
  readonly finish?: () => void;
}

/** The work that a file is. What concerns the whole of it is told to `file`. */
const WORK: Readonly<Record<Format, (file: Entry) => Work>> = {
  switchboard: (file) => {
    tellUnknown(file);
    return readable(itemsOfList(file, 'servers'), readOwnServer);
  },
  librechat: (file) => {
    if (treeAt(file.root, ['mcpSettings']) !== undefined)
      lose(file, ['mcpSettings'], 'concerns LibreChat itself');
    return readable(itemsOfMap(file, 'mcpServers'), readLibrechatServer);
  },
  claude: (file) => readable(itemsOfMap(file, 'mcpServers'), readMcpServer),
  cursor: (file) => readable(itemsOfMap(file, 'mcpServers'), readMcpServer),
  vscode: (file) => {
    const inputs = readInputs(file);
    const work = readable(itemsOfMap(file, 'servers'), (entry, key) =>
      readVscodeServer(entry, { key, inputs }),
    );
    const finish = (): void => {
      tellUnused(file, inputs);
    };
    return { ...work, finish };
  },
  'server-json': (file) => {
    const key = nameAt(file, []) ?? '';
    return readable([{ key, entry: openEntry(file, [], key) }], readServerJson);
  },
};

/**
 * The servers of a config file, whichever product it was written for. Everything that is
 * wrong is told with its place, and a broken entry hides no other. Placeholders are
 * translated, never filled in.
 */
export function readServers(text: string, options: ReadOptions = {}): ReadResult {
  const { root, notation, problems, relaxations } = parseText(text, options.file);
  if (root === undefined) return withoutServers(options.format, problems);
  const format = options.format ?? detectFormat(root, { notation, file: options.file });
  if (typeof format === 'object') return withoutServers(undefined, [format]);
  if (format !== 'vscode' && format !== 'cursor' && relaxations.length > 0)
    return withoutServers(format, relaxations);
  const file = openEntry({ format, root }, []);
  if (root.kind === 'map') return readItems(file, WORK[format](file));
  fail(file, [], 'must be a map of fields');
  return readItems(file, { items: [] });
}

function withoutServers(format: Format | undefined, problems: readonly Problem[]): ReadResult {
  return { format, servers: [], problems, losses: [] };
}

function readItems(file: Entry, { items, finish }: Work): ReadResult {
  const servers: ReadServer[] = [];
  const problems: Problem[] = [];
  const losses: Loss[] = [];
  const takers = new Map<string, string>();
  for (const { key, entry, read } of items) {
    const declared = read();
    const server = declared && declareOnce(entry, { declared, key }, takers);
    if (server !== undefined) servers.push(server);
    problems.push(...entry.problems);
    losses.push(...entry.losses);
  }
  finish?.();
  return {
    format: file.format,
    servers,
    problems: byLine([...file.problems, ...problems]),
    losses: byLine([...file.losses, ...losses]),
  };
}

function byLine<T extends { readonly line?: number }>(list: readonly T[]): readonly T[] {
  return list.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

/** Names are unique in a file as they are in a tenant: per owner, and among the shared. */
function declareOnce(
  entry: Entry,
  { declared, key }: { readonly declared: Declared; readonly key: string },
  takers: Map<string, string>,
): ReadServer | undefined {
  const scope = JSON.stringify([declared.owner ?? '', declared.name]);
  const taker = takers.get(scope);
  if (taker !== undefined) failTaken(entry, declared.name, taker);
  takers.set(scope, key);
  return declare(entry, declared);
}

function readable(
  items: readonly Item[],
  read: (entry: Entry, key: string) => Declared | undefined,
): Work {
  return { items: items.map((item) => ({ ...item, read: () => read(item.entry, item.key) })) };
}
