import { type HttpTransport, type ServerSpec, SPEC_DEFAULTS } from '../../domain/config/spec.js';
import type { UserVariable } from '../../domain/config/spec.js';
import type { Declared } from '../declare.js';
import {
  annotate,
  type Entry,
  fail,
  keepUnknown,
  lose,
  origin,
  parseEntry,
  readField,
} from '../entry.js';
import { fromFileName } from '../names.js';
import { type FilePath, toPlain, treeAt } from '../tree.js';
import { readKeyValues, readPackage, RUNTIMES } from './command.js';
import { type InputReader, readTemplate } from './inputs.js';
import {
  ICON_FIELDS,
  type Package,
  PACKAGE_FIELDS,
  type Remote,
  REMOTE_FIELDS,
  SCHEMA_URL,
  SERVER_FIELDS,
  type ServerJson,
  serverSchema,
} from './schema.js';

/**
 * A server.json. Of the ways to reach the server one is taken: the first remote, those of
 * streamable HTTP before SSE; without remotes the first package that can be run.
 */
export function readServerJson(entry: Entry): Declared | undefined {
  const server = parseEntry(entry, serverSchema);
  if (server === undefined) return undefined;
  const reader: InputReader = { entry, variables: new Map<string, UserVariable>() };
  const transport = readTransport(reader, server);
  if (transport === undefined) return undefined;
  keepUnknown(entry, SERVER_FIELDS);
  if (server.$schema !== undefined && server.$schema !== SCHEMA_URL)
    lose(entry, ['$schema'], 'is read as the schema of 2025-12-11');
  const spec: ServerSpec = {
    ...SPEC_DEFAULTS,
    transport,
    title: server.title ?? '',
    description: server.description,
    version: server.version,
    websiteUrl: server.websiteUrl ?? '',
    icons: readIcons(entry, server),
    userVariables: Object.fromEntries(reader.variables),
  };
  for (const [domain, field] of [
    ['name', 'name'],
    ['external_id', 'name'],
    ['spec.title', 'title'],
    ['spec.description', 'description'],
    ['spec.version', 'version'],
    ['spec.website_url', 'websiteUrl'],
  ] as const) {
    origin(entry, domain, [field]);
  }
  return { ...fromFileName(server.name), spec };
}

function readIcons(entry: Entry, { icons = [] }: ServerJson): ServerSpec['icons'] {
  return icons.map(({ src, mimeType = '', sizes = [], theme = '' }, index) => {
    origin(entry, `spec.icons[${String(index)}]`, ['icons', index]);
    origin(entry, `spec.icons[${String(index)}].src`, ['icons', index, 'src']);
    keepUnknown(entry, ICON_FIELDS, { path: ['icons', index], as: `icons[${String(index)}]` });
    return { src, mimeType, sizes, theme };
  });
}

function readTransport(
  reader: InputReader,
  server: ServerJson,
): ServerSpec['transport'] | undefined {
  const { entry } = reader;
  const { remotes = [], packages = [] } = server;
  const streamable = remotes.findIndex(({ type }) => type === 'streamable-http');
  const at = Math.max(streamable, 0);
  const remote = remotes[at];
  if (remote !== undefined) {
    keepOthers(entry, 'remotes', at);
    keepOthers(entry, 'packages', -1);
    return readRemote(reader, remote, ['remotes', at]);
  }
  const index = packages.findIndex(canRun);
  const pack = packages[index];
  if (pack === undefined) {
    fail(entry, packages.length > 0 ? ['packages'] : [], 'has no remote and no runnable package');
    return undefined;
  }
  keepOthers(entry, 'packages', index);
  keepUnknown(entry, PACKAGE_FIELDS, { path: ['packages', index], as: 'package' });
  return readPackage(reader, pack, ['packages', index]);
}

function canRun({ registryType, transport }: Package): boolean {
  return Object.hasOwn(RUNTIMES, registryType) && transport.type === 'stdio';
}

function readRemote(reader: InputReader, remote: Remote, path: FilePath): HttpTransport {
  const { entry } = reader;
  const kind = remote.type === 'sse' ? 'sse' : 'streamable_http';
  keepUnknown(entry, REMOTE_FIELDS, { path, as: 'remote' });
  origin(entry, `spec.${kind}`, path);
  origin(entry, `spec.${kind}.url`, [...path, 'url']);
  origin(entry, `spec.${kind}.headers`, [...path, 'headers']);
  const variables = { variables: remote.variables ?? {}, path: [...path, 'variables'] };
  return {
    kind,
    url: readField(entry, { path: [...path, 'url'], text: remote.url }, (text) =>
      readTemplate(reader, text, variables),
    ),
    headers: readKeyValues(reader, remote.headers ?? [], {
      path: [...path, 'headers'],
      domain: `spec.${kind}.headers`,
    }),
  };
}

/** Keeps every element of a list but the one that was taken. */
function keepOthers(entry: Entry, field: 'remotes' | 'packages', taken: number): void {
  const list = treeAt(entry.root, [field]);
  if (list?.kind !== 'list') return;
  const others = list.items.flatMap((item, index) => (index === taken ? [] : [{ item, index }]));
  if (others.length === 0) return;
  const values = others.map(({ item }) => toPlain(item));
  const kept = annotate(entry, field, values);
  for (const { index } of others) {
    lose(entry, [field, index], `is another way to reach the server; ${kept}`);
  }
}
