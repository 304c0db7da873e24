import { z } from 'zod';
import { type OAuth, type ServerSpec, SPEC_DEFAULTS } from '../../domain/config/spec.js';
import type { Declared } from '../declare.js';
import { type Entry, keepUnknown, lose, origin, parseEntry, readField } from '../entry.js';
import { fromFileName } from '../names.js';
import { type DeclaredTransport, readTransport } from '../read-transport.js';
import type { ReadText } from '../values.js';
import { mcpDialect } from './dialect.js';

const KINDS = {
  stdio: 'stdio',
  local: 'stdio',
  http: 'streamable_http',
  'streamable-http': 'streamable_http',
  streamableHttp: 'streamable_http',
  sse: 'sse',
  ws: 'websocket',
  websocket: 'websocket',
} as const;

const texts = z.record(z.string(), z.string());

const serverSchema = z.looseObject({
  type: z.enum(Object.keys(KINDS) as (keyof typeof KINDS)[]).optional(),
  command: z.string().optional(),
  args: z.array(z.string()).optional(),
  env: texts.optional(),
  cwd: z.string().optional(),
  url: z.string().optional(),
  /** Windsurf's word for it. */
  serverUrl: z.string().optional(),
  headers: texts.optional(),
  /** Milliseconds; Claude Code's limit of a call. */
  timeout: z.number().positive().optional(),
  /** Windsurf and others. */
  disabled: z.boolean().optional(),
  disabledTools: z.array(z.string()).optional(),
  /** Copilot: the tools that are offered; `*` for all. */
  tools: z.array(z.string()).optional(),
  /** Claude Code. */
  oauth: z
    .looseObject({ clientId: z.string().optional(), scopes: z.string().optional() })
    .optional(),
  /** Cursor. */
  auth: z
    .looseObject({
      CLIENT_ID: z.string().optional(),
      CLIENT_SECRET: z.string().optional(),
      scopes: z.array(z.string()).optional(),
    })
    .optional(),
  /** A command that prints headers: kept nowhere, because it is something to be run. */
  headersHelper: z.unknown().optional(),
});

type McpServer = z.infer<typeof serverSchema>;

/** The fields of an entry that mean something here, or must not be kept aside. */
export const MCP_FIELDS: ReadonlySet<string> = new Set(Object.keys(serverSchema.shape));

export const OAUTH_FIELDS: ReadonlySet<string> = new Set(['clientId', 'scopes']);
export const AUTH_FIELDS: ReadonlySet<string> = new Set(['CLIENT_ID', 'CLIENT_SECRET', 'scopes']);

/** An entry of `mcpServers`. Undefined, and the problems told, if it is none. */
export function readMcpServer(entry: Entry, key: string): Declared | undefined {
  const server = parseEntry(entry, serverSchema);
  if (server === undefined) return undefined;
  const { read } = mcpDialect(entry.format);
  const transport = readTransport(entry, transportOf(server), read);
  if (transport === undefined) return undefined;
  keepUnknown(entry, MCP_FIELDS);
  tellOdd(entry, server);
  const oauth = readOAuth(entry, server, read);
  origin(entry, 'spec.enabled', ['disabled']);
  origin(entry, 'spec.timeouts.call', ['timeout']);
  origin(entry, 'spec.tool_filter.allow', ['tools']);
  origin(entry, 'spec.tool_filter.deny', ['disabledTools']);
  const spec: ServerSpec = {
    ...SPEC_DEFAULTS,
    transport,
    enabled: server.disabled !== true,
    timeouts: server.timeout === undefined ? {} : { callMs: server.timeout },
    ...(oauth === undefined ? {} : { oauth }),
    toolFilter: {
      allow: server.tools?.includes('*') === true ? [] : (server.tools ?? []),
      deny: server.disabledTools ?? [],
    },
  };
  return { ...fromFileName(key), spec };
}

function tellOdd(entry: Entry, server: McpServer): void {
  if (server.headersHelper !== undefined)
    lose(entry, ['headersHelper'], 'a command that generates headers cannot be carried over');
  if (server.url !== undefined && server.serverUrl !== undefined)
    lose(entry, ['serverUrl'], 'is ignored, because url is also set');
  if (server.oauth !== undefined && server.auth !== undefined)
    lose(entry, ['auth'], 'is ignored, because oauth is also set');
}

function transportOf(server: McpServer): DeclaredTransport {
  const { type, command, args, env, cwd, url, serverUrl, headers } = server;
  return {
    kind: type && KINDS[type],
    urlKind: 'streamable_http',
    command,
    args,
    env,
    cwd,
    headers,
    url: url ?? serverUrl,
    urlField: url === undefined && serverUrl !== undefined ? 'serverUrl' : 'url',
  };
}

function readOAuth(entry: Entry, server: McpServer, read: ReadText): OAuth | undefined {
  const { oauth, auth } = server;
  if (oauth !== undefined) {
    keepUnknown(entry, OAUTH_FIELDS, { path: ['oauth'] });
    return readClient(
      entry,
      {
        block: 'oauth',
        clientId: ['clientId', oauth.clientId],
        scopes: (oauth.scopes ?? '').split(/\s+/).filter((scope) => scope !== ''),
      },
      read,
    );
  }
  if (auth === undefined) return undefined;
  keepUnknown(entry, AUTH_FIELDS, { path: ['auth'] });
  return readClient(
    entry,
    {
      block: 'auth',
      clientId: ['CLIENT_ID', auth.CLIENT_ID],
      clientSecret: ['CLIENT_SECRET', auth.CLIENT_SECRET],
      scopes: auth.scopes ?? [],
    },
    read,
  );
}

/** A field of a block and its text. */
type Named = readonly [string, string | undefined];

/** OAuth of which only the client is told, as in these files and in VS Code's. */
export function readClient(
  entry: Entry,
  client: {
    readonly block: string;
    readonly clientId: Named;
    readonly clientSecret?: Named;
    readonly scopes?: readonly string[];
  },
  read: ReadText,
): OAuth {
  const { block, scopes = [] } = client;
  const text = (domain: string, [name, value = '']: Named): string => {
    origin(entry, `spec.oauth.${domain}`, [block, name]);
    return readField(entry, { path: [block, name], text: value }, read);
  };
  origin(entry, 'spec.oauth', [block]);
  origin(entry, 'spec.oauth.scopes', [block, 'scopes']);
  return {
    authorizationUrl: '',
    tokenUrl: '',
    clientId: text('client_id', client.clientId),
    clientSecret: text('client_secret', client.clientSecret ?? ['', undefined]),
    scopes,
    redirectUri: '',
    audience: '',
    tokenEndpointAuthMethod: '',
    revocationUrl: '',
    headers: {},
  };
}
