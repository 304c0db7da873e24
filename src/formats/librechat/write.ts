import type { OAuth, ServerSpec } from '../../domain/config/spec.js';
import {
  type Draft,
  type JsonObject,
  lost,
  printField,
  printMap,
  tellUnsaid,
  withAnnotations,
} from '../draft.js';
import type { Dialect } from '../values.js';
import { writeOAuthTexts, writeScopes } from '../write-oauth.js';
import { writeTransport } from '../write-transport.js';
import { environmentDialect, librechatDialect } from './dialect.js';
import { isIconUrl } from './read.js';
import { OAUTH_FIELDS, SERVER_FIELDS } from './schema.js';

const TYPES = {
  stdio: 'stdio',
  websocket: 'websocket',
  sse: 'sse',
  streamable_http: 'streamable-http',
};

/** LibreChat refuses a file with any other title. */
const TITLE = /^[a-zA-Z0-9 ]+$/;

/** A server as an entry of librechat.yaml. Undefined, and the reason told, if it is left out. */
export function writeLibrechatServer(draft: Draft): JsonObject | undefined {
  const { spec } = draft.server;
  const dialect = librechatDialect(new Set(Object.keys(spec.userVariables)));
  const transport = writeTransport(draft, {
    dialect,
    types: TYPES,
    hasCwd: true,
    stderr: 'inherit',
    tellsStderr: true,
  });
  if (transport === undefined) return undefined;
  if (spec.transport.kind === 'websocket' && 'headers' in transport) {
    delete transport['headers'];
    lost(draft, 'spec.websocket.headers', 'LibreChat sends none over a WebSocket');
  }
  const entry = {
    ...transport,
    ...writeTexts(draft),
    ...(spec.startup ? {} : { startup: false }),
    ...writeTimeouts(draft),
    ...(spec.requiresOAuth === undefined ? {} : { requiresOAuth: spec.requiresOAuth }),
    ...writeOAuth(draft, dialect),
    ...writeVariables(spec),
  };
  tellUnsaid(draft, [
    ...(['title', 'description', 'icons', 'startup', 'timeouts', 'instructions'] as const),
    ...(['requiresOAuth', 'oauth', 'userVariables', 'proxyUrl'] as const),
  ]);
  return withAnnotations(draft, entry, {
    known: SERVER_FIELDS,
    unlessMade: {
      iconPath: (value) => typeof value === 'string' && value !== '' && !isIconUrl(value),
      stderr: (value) => Number.isInteger(value) && Number(value) >= 0,
    },
    blocks: { oauth: OAUTH_FIELDS },
  });
}

function writeTexts(draft: Draft): JsonObject {
  const { title, description, instructions, proxyUrl } = draft.server.spec;
  const out: JsonObject = {};
  if (title !== '' && TITLE.test(title)) out['title'] = title;
  else if (title !== '')
    lost(draft, 'spec.title', 'LibreChat allows only letters, digits and spaces in it');
  if (description !== '') out['description'] = description;
  Object.assign(out, writeIcon(draft));
  if (instructions.kind === 'from_server') out['serverInstructions'] = true;
  else if (instructions.kind === 'text' && instructions.text !== '')
    out['serverInstructions'] = instructions.text;
  else if (instructions.kind === 'text')
    lost(draft, 'spec.instructions', 'an empty text cannot be expressed in this format');
  if (proxyUrl !== '') {
    const field = { field: 'spec.proxy_url', value: proxyUrl };
    const proxy = printField(draft, field, environmentDialect);
    if (proxy !== undefined) out['proxy'] = proxy;
  }
  return out;
}

function writeIcon(draft: Draft): JsonObject {
  const [first, ...others] = draft.server.spec.icons;
  if (first === undefined) return {};
  const { src, mimeType, sizes, theme } = first;
  if (others.length > 0) lost(draft, 'spec.icons', 'only the first can be said in this format');
  if (mimeType !== '' || theme !== '' || sizes.length > 0)
    lost(draft, 'spec.icons[0]', 'only its address can be said in this format');
  return { iconPath: src };
}

function writeTimeouts(draft: Draft): JsonObject {
  const out: JsonObject = {};
  const { connectMs, callMs, readMs } = draft.server.spec.timeouts;
  for (const [name, domain, value] of [
    ['initTimeout', 'connect', connectMs],
    ['timeout', 'call', callMs],
    ['sseReadTimeout', 'read', readMs],
  ] as const) {
    if (value === undefined) continue;
    out[name] = Math.ceil(value);
    if (!Number.isInteger(value))
      lost(draft, `spec.timeouts.${domain}`, 'is rounded up to a millisecond');
  }
  return out;
}

function writeVariables({ userVariables }: ServerSpec): JsonObject {
  const entries = Object.entries(userVariables);
  if (entries.length === 0) return {};
  const customUserVars = Object.fromEntries(
    entries.map(([name, { title, description, sensitive }]) => [
      name,
      { title, description, ...(sensitive ? {} : { sensitive }) },
    ]),
  );
  return { customUserVars };
}

function writeOAuth(draft: Draft, dialect: Dialect): JsonObject {
  const { oauth } = draft.server.spec;
  if (oauth === undefined) return {};
  const map = printMap(draft, { field: 'spec.oauth.headers', map: oauth.headers }, dialect);
  const scope = writeScopes(draft, oauth.scopes);
  const block = {
    ...writeOAuthTexts(
      draft,
      {
        oauth: { ...oauth, tokenEndpointAuthMethod: '' },
        words: {
          authorizationUrl: 'authorization_url',
          tokenUrl: 'token_url',
          clientId: 'client_id',
          clientSecret: 'client_secret',
          redirectUri: 'redirect_uri',
          audience: 'audience',
          revocationUrl: 'revocation_endpoint',
        },
      },
      dialect,
    ),
    ...(scope === undefined ? {} : { scope }),
    ...writeAuthMethod(draft, oauth),
  };
  return { oauth: block, ...(map === undefined ? {} : { oauth_headers: map }) };
}

function writeAuthMethod(draft: Draft, { tokenEndpointAuthMethod }: OAuth): JsonObject {
  if (tokenEndpointAuthMethod === 'client_secret_post')
    return { token_exchange_method: 'default_post' };
  if (tokenEndpointAuthMethod === 'client_secret_basic')
    return { token_exchange_method: 'basic_auth_header' };
  if (tokenEndpointAuthMethod !== '')
    lost(draft, 'spec.oauth.token_endpoint_auth_method', 'cannot be expressed in this format');
  return {};
}
