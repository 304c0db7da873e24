import { type Draft, type JsonObject, lost, tellUnsaid, withAnnotations } from '../draft.js';
import type { Dialect } from '../values.js';
import { writeOAuthTexts, writeScopes } from '../write-oauth.js';
import { writeTransport } from '../write-transport.js';
import { mcpDialect } from './dialect.js';
import { AUTH_FIELDS, MCP_FIELDS, OAUTH_FIELDS } from './read.js';

/** What Claude Code calls the transports; a command goes without saying. */
const CLAUDE_TYPES = { stdio: '', streamable_http: 'http', sse: 'sse', websocket: 'ws' };
/** Cursor takes a url for streamable HTTP, and has no WebSocket. */
const CURSOR_TYPES = { stdio: '', streamable_http: '', sse: 'sse', websocket: undefined };

/** A server as an entry of `mcpServers`. Undefined, and the reason told, if it is left out. */
export function writeMcpServer(draft: Draft): JsonObject | undefined {
  const isClaude = draft.format === 'claude';
  const dialect = mcpDialect(draft.format);
  const transport = writeTransport(draft, {
    dialect,
    types: isClaude ? CLAUDE_TYPES : CURSOR_TYPES,
    hasCwd: isClaude,
    stderr: 'ignore',
    tellsStderr: false,
  });
  if (transport === undefined) return undefined;
  const entry = {
    ...transport,
    ...(isClaude ? writeTimeout(draft) : {}),
    ...(isClaude ? writeOAuth(draft, dialect) : writeAuth(draft, dialect)),
  };
  tellUnsaid(draft, isClaude ? ['timeouts', 'oauth'] : ['oauth']);
  return withAnnotations(draft, entry, {
    known: MCP_FIELDS,
    blocks: isClaude ? { oauth: OAUTH_FIELDS } : { auth: AUTH_FIELDS },
  });
}

function writeTimeout(draft: Draft): JsonObject {
  const { connectMs, callMs, readMs } = draft.server.spec.timeouts;
  if (connectMs !== undefined)
    lost(draft, 'spec.timeouts.connect', 'cannot be expressed in this format');
  if (readMs !== undefined) lost(draft, 'spec.timeouts.read', 'cannot be expressed in this format');
  return callMs === undefined ? {} : { timeout: callMs };
}

function writeOAuth(draft: Draft, dialect: Dialect): JsonObject {
  const { oauth } = draft.server.spec;
  if (oauth === undefined) return {};
  tellHeaders(draft, oauth.headers);
  const scopes = writeScopes(draft, oauth.scopes);
  const texts = writeOAuthTexts(draft, { oauth, words: { clientId: 'clientId' } }, dialect);
  return { oauth: { ...texts, ...(scopes === undefined ? {} : { scopes }) } };
}

function writeAuth(draft: Draft, dialect: Dialect): JsonObject {
  const { oauth } = draft.server.spec;
  if (oauth === undefined) return {};
  tellHeaders(draft, oauth.headers);
  const words = { clientId: 'CLIENT_ID', clientSecret: 'CLIENT_SECRET' };
  const texts = writeOAuthTexts(draft, { oauth, words }, dialect);
  return { auth: { ...texts, ...(oauth.scopes.length === 0 ? {} : { scopes: oauth.scopes }) } };
}

/** Tells of headers for OAuth requests, which none of the editors' files has. */
export function tellHeaders(draft: Draft, headers: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(headers)) {
    lost(draft, `spec.oauth.headers[${name}]`, 'cannot be expressed in this format');
  }
}
