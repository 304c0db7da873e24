import type { z } from 'zod';
import {
  type OAuth,
  type ServerSpec,
  SPEC_DEFAULTS,
  type Timeouts,
} from '../../domain/config/spec.js';
import { type Declared } from '../declare.js';
import { type Entry, keep, keepUnknown, lose, origin, parseEntry, readField } from '../entry.js';
import { fromFileName } from '../names.js';
import { type DeclaredTransport, readMap, readTransport } from '../read-transport.js';
import type { ReadText } from '../values.js';
import { withApiKey } from './api-key.js';
import { environmentDialect, librechatDialect } from './dialect.js';
import {
  type LibrechatServer,
  OAUTH_FIELDS,
  type oauthSchema,
  SERVER_FIELDS,
  serverSchema,
} from './schema.js';

const VARIABLE_FIELDS = new Set(['title', 'description', 'sensitive']);

const KINDS = {
  stdio: 'stdio',
  websocket: 'websocket',
  sse: 'sse',
  'streamable-http': 'streamable_http',
  http: 'streamable_http',
} as const;

/** An entry of `mcpServers` in a librechat.yaml. Undefined, and the problems told, if it is none. */
export function readLibrechatServer(entry: Entry, key: string): Declared | undefined {
  const parsed = parseEntry(entry, serverSchema);
  if (parsed === undefined) return undefined;
  const server = withApiKey(entry, parsed);
  const { read } = librechatDialect(new Set(Object.keys(server.customUserVars ?? {})));
  const transport = readTransport(entry, transportOf(entry, server), read);
  if (transport === undefined) return undefined;
  keepUnknown(entry, SERVER_FIELDS);
  const oauth = readOAuth(entry, server, read);
  const spec: ServerSpec = {
    ...SPEC_DEFAULTS,
    transport,
    title: server.title ?? '',
    description: server.description ?? '',
    icons: readIcon(entry, server.iconPath),
    startup: server.startup ?? true,
    timeouts: readTimeouts(entry, server),
    instructions: readInstructions(server.serverInstructions),
    ...(server.requiresOAuth === undefined ? {} : { requiresOAuth: server.requiresOAuth }),
    ...(oauth === undefined ? {} : { oauth }),
    userVariables: readVariables(entry, server),
    proxyUrl: readField(
      entry,
      { path: ['proxy'], text: server.proxy ?? '' },
      environmentDialect.read,
    ),
  };
  for (const [field, name] of [
    ['title', 'title'],
    ['description', 'description'],
    ['instructions', 'serverInstructions'],
    ['proxy_url', 'proxy'],
    ['icons[0].src', 'iconPath'],
  ] as const) {
    origin(entry, `spec.${field}`, [name]);
  }
  return { ...fromFileName(key), spec };
}

function transportOf(entry: Entry, server: LibrechatServer): DeclaredTransport {
  const { type, url = '', stderr = 'inherit' } = server;
  if (typeof stderr === 'number')
    keep(entry, { path: ['stderr'] }, 'a file descriptor cannot be named here');
  return {
    kind: type && KINDS[type],
    urlKind: /^wss?:/i.test(url) ? 'websocket' : 'sse',
    command: server.command,
    args: server.args,
    env: server.env,
    cwd: server.cwd,
    stderr: typeof stderr === 'number' ? 'inherit' : stderr,
    url: server.url,
    headers: server.headers ?? undefined,
  };
}

/** Whether an icon is an address that every client can fetch, not a path of LibreChat's own. */
export function isIconUrl(iconPath: string): boolean {
  return /^(?:https|data):/i.test(iconPath);
}

function readIcon(entry: Entry, iconPath: string | undefined): ServerSpec['icons'] {
  if (iconPath === undefined || iconPath === '') return [];
  if (isIconUrl(iconPath)) return [{ src: iconPath, mimeType: '', sizes: [], theme: '' }];
  keep(entry, { path: ['iconPath'] }, 'an icon must be an https or data URL');
  return [];
}

function readTimeouts(entry: Entry, server: LibrechatServer): Timeouts {
  const timeouts: { -readonly [K in keyof Timeouts]: Timeouts[K] } = {};
  for (const [field, name, domain] of [
    ['connectMs', 'initTimeout', 'connect'],
    ['callMs', 'timeout', 'call'],
    ['readMs', 'sseReadTimeout', 'read'],
  ] as const) {
    const value = server[name];
    origin(entry, `spec.timeouts.${domain}`, [name]);
    if (value === 0) lose(entry, [name], '0 counts as unset');
    else if (value !== undefined) timeouts[field] = value;
  }
  return timeouts;
}

function readInstructions(value: boolean | string | undefined): ServerSpec['instructions'] {
  if (value === true) return { kind: 'from_server' };
  if (typeof value === 'string' && value !== '') return { kind: 'text', text: value };
  return { kind: 'none' };
}

function readVariables(
  entry: Entry,
  { customUserVars = {} }: LibrechatServer,
): ServerSpec['userVariables'] {
  return Object.fromEntries(
    Object.entries(customUserVars).map(([name, variable]) => {
      const path = ['customUserVars', name];
      origin(entry, `spec.user_variables[${name}]`, path);
      keepUnknown(entry, VARIABLE_FIELDS, { path });
      const { title, description = '', sensitive = true } = variable;
      return [name, { title, description, sensitive }];
    }),
  );
}

function readOAuth(entry: Entry, server: LibrechatServer, read: ReadText): OAuth | undefined {
  const { oauth_headers: headers, oauth = headers && {} } = server;
  if (oauth === undefined) return undefined;
  keepUnknown(entry, OAUTH_FIELDS, { path: ['oauth'] });
  origin(entry, 'spec.oauth', [server.oauth === undefined ? 'oauth_headers' : 'oauth']);
  const text = (name: string, domain: string): string => {
    const path = ['oauth', name];
    origin(entry, `spec.oauth.${domain}`, path);
    const value = oauth[name];
    return typeof value === 'string' ? readField(entry, { path, text: value }, read) : '';
  };
  origin(entry, 'spec.oauth.scopes', ['oauth', 'scope']);
  origin(entry, 'spec.oauth.headers', ['oauth_headers']);
  return {
    authorizationUrl: text('authorization_url', 'authorization_url'),
    tokenUrl: text('token_url', 'token_url'),
    clientId: text('client_id', 'client_id'),
    clientSecret: text('client_secret', 'client_secret'),
    scopes: (oauth.scope ?? '').split(/\s+/).filter((scope) => scope !== ''),
    redirectUri: text('redirect_uri', 'redirect_uri'),
    audience: text('audience', 'audience'),
    tokenEndpointAuthMethod: authMethod(oauth.token_exchange_method),
    revocationUrl: text('revocation_endpoint', 'revocation_url'),
    headers: readMap(
      entry,
      { field: 'oauth_headers', domain: 'spec.oauth.headers', map: headers ?? {} },
      read,
    ),
  };
}

function authMethod(method: z.infer<typeof oauthSchema>['token_exchange_method']): string {
  if (method === undefined) return '';
  return method === 'default_post' ? 'client_secret_post' : 'client_secret_basic';
}
