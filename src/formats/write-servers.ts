import { impliedTier } from '../domain/commands/apply.js';
import { invalidField } from '../domain/errors.js';
import {
  type Draft,
  type JsonObject,
  leaveOut,
  lost,
  tellIdentity,
  type WritableServer,
} from './draft.js';
import type { Format, Loss, ReadServer } from './format.js';
import { writeLibrechatServer } from './librechat/write.js';
import { writeMcpServer } from './mcp-servers/write.js';
import { toFileName } from './names.js';
import { readServers } from './read-servers.js';
import { writeServerJson } from './server-json/write.js';
import { writeOwnServer } from './switchboard/write.js';
import { type InputList, writeVscodeServer } from './vscode/write.js';
import { jsonText, yamlText } from './write-text.js';

export type { WritableServer };

export interface WriteOptions {
  /** Of our own format only. Default `yaml`. */
  readonly notation?: 'yaml' | 'json' | undefined;
  /** Of server.json only: the namespace of a server that brings none. Default `switchboard.local`. */
  readonly namespace?: string | undefined;
  /**
   * Also writes PRIVATE servers to a librechat.yaml, where everybody would see them.
   * Default false.
   */
  readonly includePrivate?: boolean | undefined;
}

export interface WriteResult {
  readonly text: string;
  readonly losses: readonly Loss[];
}

/**
 * A config file with the servers, in their order. What the format cannot say is told, field
 * by field; a server that could not be reached by what the format can say is left out, and
 * that is told too. Throws INVALID_FIELD if the format is of one server and there is another
 * number of them.
 */
export function writeServers(
  servers: readonly WritableServer[],
  format: Format,
  options: WriteOptions = {},
): WriteResult {
  const losses: Loss[] = [];
  const drafts = servers.map((server): Draft => ({ format, server, losses }));
  const text = TEXTS[format](drafts, options);
  if (format !== 'switchboard') tellTiers(drafts, readServers(text, { format }).servers);
  return { text, losses };
}

/** Tells of every tier that is not the one which follows from what was written. */
function tellTiers(drafts: readonly Draft[], written: readonly ReadServer[]): void {
  const tiers = new Map(written.map(({ name, spec }) => [name, impliedTier({ spec })]));
  for (const draft of drafts) {
    const tier = tiers.get(draft.server.name) ?? draft.server.tier;
    if (tier !== draft.server.tier) lost(draft, 'tier', `a reader of the file will assume ${tier}`);
  }
}

type Write = (draft: Draft) => JsonObject | undefined;

const TEXTS: Readonly<Record<Format, (drafts: readonly Draft[], options: WriteOptions) => string>> =
  {
    switchboard: (drafts, { notation = 'yaml' }) => {
      const file = { servers: drafts.map(writeOwnServer) };
      return notation === 'json' ? jsonText(file) : yamlText(file);
    },
    librechat: (drafts, { includePrivate = false }) =>
      yamlText({
        mcpServers: byName(drafts, (draft) => {
          const shown = draft.server.tier !== 'PRIVATE' || includePrivate;
          if (!shown) leaveOut(draft, 'tier', 'everyone would see a PRIVATE server');
          return shown ? writeLibrechatServer(draft) : undefined;
        }),
      }),
    claude: (drafts) => jsonText({ mcpServers: byName(drafts, writeMcpServer) }),
    cursor: (drafts) => jsonText({ mcpServers: byName(drafts, writeMcpServer) }),
    vscode: (drafts) => {
      const inputs: InputList = { byId: new Map(), ids: new Map() };
      const servers = byName(drafts, (draft) => writeVscodeServer(draft, inputs));
      const list = [...inputs.byId.values()];
      return jsonText({ ...(list.length === 0 ? {} : { inputs: list }), servers });
    },
    'server-json': (drafts, { namespace = 'switchboard.local' }) => {
      const [draft, ...others] = drafts;
      if (draft === undefined || others.length > 0)
        throw invalidField('servers', 'a server.json describes one server: choose one');
      const file = writeForeign(draft, (each) => writeServerJson(each, namespace));
      return jsonText(file ?? {});
    },
  };

/** Servers as a map by the names that the file has for them; of two of one name the first. */
function byName(drafts: readonly Draft[], write: Write): JsonObject {
  const entries: [string, JsonObject][] = [];
  const taken = new Set<string>();
  for (const draft of drafts) {
    const { server } = draft;
    if (taken.has(server.name)) {
      leaveOut(draft, 'name', 'another server of the file has it');
      continue;
    }
    const entry = writeForeign(draft, write);
    if (entry === undefined) continue;
    taken.add(server.name);
    entries.push([toFileName(server), entry]);
  }
  return Object.fromEntries(entries);
}

/** Writes a server in a format that is not ours: none of them can say that it is disabled. */
function writeForeign(draft: Draft, write: Write): JsonObject | undefined {
  if (!draft.server.spec.enabled) {
    leaveOut(draft, 'spec.enabled', 'this format cannot express that a server is disabled');
    return undefined;
  }
  const entry = write(draft);
  if (entry !== undefined) tellIdentity(draft);
  return entry;
}
