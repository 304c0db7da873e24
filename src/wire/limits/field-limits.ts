import type { TextForm } from '../../domain/text-form.js';
import { OBSERVATION_LIMITS } from '../../domain/observation.js';
import { LIMITS } from '../../domain/limits.js';

/** The limit of a text. Characters are UTF-16 units. */
export interface TextLimit {
  readonly chars: number;
  /** Undefined: it is not looked at here. */
  readonly form?: TextForm;
}

/** The limit of a list or a map. */
export interface ListLimit {
  readonly items: number;
  /** Of a list of texts its items, of a map of texts its values. */
  readonly each?: TextLimit;
  /** Of a map. */
  readonly key?: TextLimit;
  /** Whoever reads the items checks them one by one, as each has its own result. */
  readonly apart?: true;
}

/** A message that whoever reads it checks, as it has its own result. */
export interface Apart {
  readonly apart: true;
}

export type FieldLimit = TextLimit | ListLimit | Apart;

const text = (chars: number): TextLimit => ({ chars });
const line = (chars: number): TextLimit => ({ chars, form: 'line' });
const lines = (chars: number): TextLimit => ({ chars, form: 'text' });

const NAME: TextLimit = { chars: LIMITS.name, form: 'name' };
/** A tenant, a user, a group, a node. */
const ID: TextLimit = { chars: LIMITS.id, form: 'id' };
/** One of ours, or one that only has to be found again: nobody reads it. */
const OPAQUE = text(LIMITS.id);
/** Etags and digests. */
const DIGEST = text(LIMITS.id);
/** Has room for the ids and names that a token repeats. */
const TOKEN = text(LIMITS.value);
const VALUE = text(LIMITS.value);
const WORD = line(64);
const KEY = text(LIMITS.id);

const SUBJECT_CHARS = 'group:'.length + LIMITS.id;
const SUBJECTS: ListLimit = {
  items: 10_000,
  each: { chars: SUBJECT_CHARS, form: 'id' },
};
/** What was granted before ids were checked has to be revocable. */
const FORMER_SUBJECTS: ListLimit = { items: 10_000, each: text(SUBJECT_CHARS) };
const HELD: ListLimit = { items: 100_000 };
const HEADERS: ListLimit = { items: LIMITS.headers, key: KEY, each: VALUE };
const LABELS: ListLimit = { items: LIMITS.entries, key: text(63), each: text(63) };
const TOOL_NAMES: ListLimit = { items: LIMITS.tools, each: text(LIMITS.id) };
const OBSERVED = text(OBSERVATION_LIMITS.text);
/** The tools of an observation have one budget together. */
const OF_TOOL = text(OBSERVATION_LIMITS.toolBytes);

const READ = { tenant: ID };
const WRITE = { tenant: ID, request_id: text(LIMITS.requestId), reason: lines(LIMITS.reason) };
const WRITE_BY_ID = { ...WRITE, id: OPAQUE };
const PAGE = { tenant: ID, page_token: TOKEN };
const HTTP = { url: VALUE, headers: HEADERS };

/**
 * The limit of every text and every list that a request can hold, or a private source can
 * return, by message and field: they are checked before anything else looks at them. What a
 * field means is checked later, and may limit it further.
 */
export const FIELD_LIMITS: Readonly<Record<string, Readonly<Record<string, FieldLimit>>>> = {
  'switchboard.v1.UserView': { user: ID, groups: { items: LIMITS.groups, each: ID } },
  'switchboard.v1.HeldServer': {
    id: OPAQUE,
    etag: DIGEST,
    access_etag: DIGEST,
    facts_etag: DIGEST,
  },

  'switchboard.v1.Server': {
    id: OPAQUE,
    name: NAME,
    external_id: OPAQUE,
    owner: ID,
    etag: DIGEST,
    access_etag: DIGEST,
    config_hash: DIGEST,
    connection_scope_reasons: { items: 100, each: text(2 * LIMITS.value) },
    set: { chars: LIMITS.set, form: 'name' },
    facts_etag: DIGEST,
    private_source: OPAQUE,
  },
  'switchboard.v1.ServerSpec': {
    title: line(LIMITS.title),
    description: lines(LIMITS.description),
    version: line(LIMITS.title),
    icons: { items: LIMITS.icons },
    website_url: VALUE,
    user_variables: { items: LIMITS.entries, key: KEY },
    proxy_url: VALUE,
    labels: LABELS,
    annotations: { items: LIMITS.entries, key: { chars: LIMITS.id, form: 'id' }, each: VALUE },
  },
  'switchboard.v1.StdioTransport': {
    command: text(LIMITS.text),
    args: { items: LIMITS.args, each: VALUE },
    env: { items: LIMITS.env, key: KEY, each: VALUE },
    cwd: text(LIMITS.text),
  },
  'switchboard.v1.HttpTransport': HTTP,
  'switchboard.v1.Icon': {
    src: VALUE,
    mime_type: line(LIMITS.mimeType),
    sizes: { items: LIMITS.iconSizes, each: WORD },
    theme: WORD,
  },
  'switchboard.v1.Instructions': { text: lines(LIMITS.instructions) },
  'switchboard.v1.OAuth': {
    authorization_url: VALUE,
    token_url: VALUE,
    client_id: VALUE,
    client_secret: VALUE,
    scopes: { items: LIMITS.entries, each: line(LIMITS.scope) },
    redirect_uri: VALUE,
    audience: VALUE,
    token_endpoint_auth_method: WORD,
    revocation_url: VALUE,
    headers: HEADERS,
    grant_type: WORD,
  },
  'switchboard.v1.UserVariable': { title: line(LIMITS.title), description: lines(LIMITS.text) },
  'switchboard.v1.ToolFilter': { allow: TOOL_NAMES, deny: TOOL_NAMES },
  'switchboard.v1.Observation': {
    config_hash: DIGEST,
    observed_by: ID,
    protocol_version: OBSERVED,
    server_name: OBSERVED,
    server_version: OBSERVED,
    instructions: text(OBSERVATION_LIMITS.instructions),
    capabilities_json: text(OBSERVATION_LIMITS.capabilitiesBytes),
    tools: { items: 10_000 },
  },
  'switchboard.v1.Tool': {
    name: OF_TOOL,
    title: OF_TOOL,
    description: OF_TOOL,
    input_schema_json: OF_TOOL,
  },
  'switchboard.v1.InspectionFailure': { message: text(LIMITS.description), config_hash: DIGEST },

  'switchboard.v1.GetServerRequest': {
    ...READ,
    name: text(LIMITS.name),
    id: OPAQUE,
    at_least: TOKEN,
  },
  'switchboard.v1.ListServersRequest': { ...PAGE, at_least: TOKEN },
  'switchboard.v1.ServerFilter': {
    tiers: { items: 16 },
    name_prefix: { chars: LIMITS.name, form: 'name' },
    labels: LABELS,
  },
  'switchboard.v1.BatchGetServersRequest': {
    ...READ,
    keys: { items: LIMITS.keys, apart: true },
    at_least: TOKEN,
  },
  'switchboard.v1.ServerKey': { name: text(LIMITS.name), id: OPAQUE },
  'switchboard.v1.CreateServerRequest': WRITE,
  'switchboard.v1.UpdateServerRequest': {
    ...WRITE,
    update_mask: { items: LIMITS.maskPaths, each: text(LIMITS.id) },
  },
  'switchboard.v1.DeleteServerRequest': { ...WRITE_BY_ID, etag: DIGEST },
  'switchboard.v1.UndeleteServerRequest': WRITE_BY_ID,
  'switchboard.v1.ApplyServersRequest': {
    ...WRITE,
    set: { chars: LIMITS.set, form: 'name' },
    servers: { items: LIMITS.servers, apart: true },
  },
  'switchboard.v1.ListServerVersionsRequest': { ...PAGE, id: OPAQUE },
  'switchboard.v1.RollbackServerRequest': { ...WRITE_BY_ID, etag: DIGEST },
  'switchboard.v1.ExplainAccessRequest': { ...READ, name: text(LIMITS.name), at_least: TOKEN },
  'switchboard.v1.InspectServerRequest': { ...READ, id: OPAQUE },
  'switchboard.v1.RecordFactsRequest': { ...READ, id: OPAQUE },
  'switchboard.v1.SetAccessRequest': { ...WRITE_BY_ID, access_etag: DIGEST, subjects: SUBJECTS },
  'switchboard.v1.GrantAccessRequest': { ...WRITE_BY_ID, subjects: SUBJECTS },
  'switchboard.v1.RevokeAccessRequest': { ...WRITE_BY_ID, subjects: FORMER_SUBJECTS },
  'switchboard.v1.ListGrantsRequest': { ...PAGE, id: OPAQUE, at_least: TOKEN },
  'switchboard.v1.PromoteServerRequest': { ...WRITE_BY_ID, etag: DIGEST },
  'switchboard.v1.DemoteServerRequest': {
    ...WRITE_BY_ID,
    etag: DIGEST,
    owner: ID,
    subjects: SUBJECTS,
    name: NAME,
  },
  'switchboard.v1.LoadPrivateServersRequest': { ...READ, user: ID },
  'switchboard.v1.GetPrivateLoadStatusRequest': { ...READ, user: text(LIMITS.id) },
  'switchboard.v1.InvalidateUserRequest': { ...WRITE, user: ID },
  // A user from before ids were checked has to be removable.
  'switchboard.v1.PurgeUserRequest': { ...WRITE, user: text(LIMITS.id) },
  'switchboard.v1.GetPrivateSourceRequest': READ,
  'switchboard.v1.RenamePrivateSourceRequest': { ...WRITE, name: NAME, new_name: NAME },
  'switchboard.v1.RemovePrivateSourceRequest': { ...WRITE, name: NAME },
  'switchboard.v1.WatchServersRequest': { ...READ, resume_token: TOKEN, held: HELD },

  'switchboard.v1.CheckConnectionsRequest': {
    ...READ,
    items: { items: LIMITS.connections, apart: true },
  },
  'switchboard.v1.HeldConnection': {
    name: text(LIMITS.name),
    id: OPAQUE,
    config_hash: DIGEST,
    server_id: OPAQUE,
  },
  'switchboard.v1.SyncOpen': {
    tenant: ID,
    node_id: ID,
    boot_id: OPAQUE,
    labels: { items: LIMITS.entries, key: KEY, each: line(LIMITS.text) },
    resume_token: TOKEN,
    subscriptions: { items: 100_000 },
    held: HELD,
  },
  // Beyond 128 characters it is refused by itself, and the stream goes on: so is a bad view.
  'switchboard.v1.Subscribe': {
    subscription_id: VALUE,
    view: { apart: true },
    view_digest: DIGEST,
  },
  'switchboard.v1.Unsubscribe': { subscription_id: VALUE },
  'switchboard.v1.Applied': { token: TOKEN },

  'switchboard.source.v1.ListPrivateServersRequest': { ...READ, user: ID },
  'switchboard.source.v1.SourceServer': {
    row_id: OPAQUE,
    name: NAME,
    owner: ID,
    broken: text(LIMITS.description),
  },
};
