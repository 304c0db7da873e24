// A document of the collection, as the SourceServer that Switchboard understands.
import { BSON, ObjectId } from 'mongodb';
import { z } from 'zod';

/** As LibreChat keeps a private server. Ids of users are strings or ObjectIds. */
export interface Row {
  readonly _id: unknown;
  readonly serverName?: unknown;
  readonly author?: unknown;
  readonly config?: unknown;
}

/** `SourceServer` of private_source_service.proto, in the form that proto-loader takes. */
export interface SourceServer {
  readonly rowId: string;
  readonly name: string;
  readonly owner?: string;
  readonly spec?: object;
  readonly broken?: string;
}

/** A message may have 4 MiB, and other servers may be in it. */
const LARGEST_SPEC = 2 * 1024 * 1024;

const text = z.string().nullish();
const flag = z.boolean().nullish();
const texts = z.record(z.string(), z.string()).nullish();
const milliseconds = z.number().int().min(0).max(86_400_000).nullish();
const meaningless = (names: string): Record<string, z.ZodOptional> =>
  Object.fromEntries(names.split(' ').map((name) => [name, z.unknown().optional()]));

const variable = z.strictObject({ title: text, description: text, sensitive: flag });

/** Strict: a field that nobody translates may be what a connection depends on, such as a credential. */
const configSchema = z.strictObject({
  type: z.enum(['stdio', 'websocket', 'sse', 'streamable-http', 'http']).nullish(),
  url: text,
  headers: texts,
  proxy: text,
  command: text,
  args: z.array(z.string()).nullish(),
  env: texts,
  cwd: text,
  title: text,
  description: text,
  iconPath: text,
  startup: flag,
  requiresOAuth: flag,
  timeout: milliseconds,
  initTimeout: milliseconds,
  sseReadTimeout: milliseconds,
  serverInstructions: z.union([z.string(), z.boolean()]).nullish(),
  customUserVars: z.record(z.string().regex(/^[A-Za-z_]\w*$/), variable).nullish(),
  oauth: z
    .strictObject({
      authorization_url: text,
      token_url: text,
      revocation_endpoint: text,
      client_id: text,
      client_secret: text,
      scope: text,
      audience: text,
      redirect_uri: text,
      token_exchange_method: z.enum(['default_post', 'basic_auth_header']).nullish(),
      // What the server itself tells when it is discovered.
      ...meaningless('grant_types_supported response_types_supported skip_code_challenge_check'),
      ...meaningless('code_challenge_methods_supported token_endpoint_auth_methods_supported'),
      ...meaningless('revocation_endpoint_auth_methods_supported'),
    })
    .nullish(),
  oauth_headers: texts,
  // What LibreChat found out, or needs for its own pages: of no meaning to a connection.
  ...meaningless('chatMenu stderr source author dbId tools toolFunctions capabilities consumeOnly'),
  ...meaningless('oauthMetadata initDuration inspectionFailed resolvedInstructions'),
  ...meaningless('lastUpdatedAt updatedAt'),
});

type Config = z.infer<typeof configSchema>;

/** Why a document cannot be told: a sentence that begins with the field. */
class Broken extends Error {}

/** Never throws, and leaves nothing out: what cannot be translated is told as broken. */
export function toSourceServer(row: Row): SourceServer {
  const rowId = idText(row._id) ?? BSON.EJSON.stringify(row._id);
  // Something that is broken needs a name too.
  const name = isName(row.serverName) ? row.serverName : rowId;
  try {
    if (name !== row.serverName)
      throw new Broken('serverName: is not a name of 1 to 200 plain characters.');
    const owner = idText(row.author);
    if (owner === undefined) throw new Broken('author: is not the id of a user.');
    const spec = toSpec(readConfig(row.config));
    const bytes = Buffer.byteLength(JSON.stringify(spec));
    if (bytes > LARGEST_SPEC) throw new Broken('config: is too large.');
    return { rowId, name, owner, spec };
  } catch (error) {
    if (error instanceof Broken) return { rowId, name, broken: error.message };
    throw error;
  }
}

function idText(id: unknown): string | undefined {
  if (id instanceof ObjectId) return id.toHexString();
  return typeof id === 'string' && id !== '' ? id : undefined;
}

function isName(name: unknown): name is string {
  return typeof name === 'string' && /^[^\p{C}/]{1,200}$/u.test(name) && name.trim() === name;
}

function readConfig(config: unknown): Config {
  const { data, error } = configSchema.safeParse(config);
  if (data !== undefined) return data;
  const [issue] = error.issues;
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys : [];
  const field = ['config', ...(issue?.path ?? []).map(String), ...unknown.slice(0, 1)].join('.');
  throw new Broken(`${field}: ${issue?.message ?? 'cannot be read'}.`);
}

/** The fields of `ServerSpec` in proto/switchboard/v1/server.proto. */
function toSpec(config: Config): object {
  const { serverInstructions: told, customUserVars: variables } = config;
  const value = valuesOf(config);
  return {
    ...toTransport(config, value),
    title: config.title,
    description: config.description,
    icons: /^(https|data):/i.test(config.iconPath ?? '') ? [{ src: config.iconPath }] : [],
    startup: config.startup,
    requiresOauth: config.requiresOAuth,
    proxyUrl: value('proxy', config.proxy),
    timeouts: {
      connect: duration(config.initTimeout),
      call: duration(config.timeout),
      read: duration(config.sseReadTimeout),
    },
    instructions: told === true ? { fromServer: {} } : told ? { text: told } : undefined,
    userVariables: mapped(variables, (each) => ({ ...each, sensitive: each.sensitive ?? true })),
    oauth: toOAuth(config, value),
  };
}

type Value = (field: string, given: string | null | undefined) => string | undefined;

function toTransport(config: Config, value: Value): object {
  const { type, command, url } = config;
  const kind = type ?? (command ? 'stdio' : /^wss?:/i.test(url ?? '') ? 'websocket' : 'sse');
  if (kind === 'stdio') {
    if (!command) throw new Broken('config.command: is missing.');
    const args = config.args?.map((each, at) => value(`args.${String(at)}`, each));
    const env = mapped(config.env, (each, name) => value(`env.${name}`, each));
    return { stdio: { command, args, env, cwd: config.cwd } };
  }
  const scheme = kind === 'websocket' ? /^(wss?:\/\/|\{\{)/i : /^(https?:\/\/|\{\{)/i;
  if (!scheme.test(url ?? '')) throw new Broken(`config.url: is no address for ${kind}.`);
  const headers = mapped(config.headers, (each, name) => value(`headers.${name}`, each));
  const http = { url: value('url', url), headers };
  return kind === 'sse' || kind === 'websocket' ? { [kind]: http } : { streamableHttp: http };
}

function toOAuth({ oauth, oauth_headers: headers }: Config, value: Value): object | undefined {
  if (!oauth && !headers) return undefined;
  const methods = { default_post: 'client_secret_post', basic_auth_header: 'client_secret_basic' };
  const method = oauth?.token_exchange_method;
  return {
    authorizationUrl: value('oauth.authorization_url', oauth?.authorization_url),
    tokenUrl: value('oauth.token_url', oauth?.token_url),
    revocationUrl: value('oauth.revocation_endpoint', oauth?.revocation_endpoint),
    clientId: value('oauth.client_id', oauth?.client_id),
    clientSecret: value('oauth.client_secret', oauth?.client_secret),
    redirectUri: value('oauth.redirect_uri', oauth?.redirect_uri),
    audience: value('oauth.audience', oauth?.audience),
    scopes: (oauth?.scope ?? '').split(/\s+/).filter(Boolean),
    tokenEndpointAuthMethod: method ? methods[method] : undefined,
    headers: mapped(headers, (each, name) => value(`oauth_headers.${name}`, each)),
  };
}

const USER_FIELDS = 'id name username email provider role googleId openidId samlId ldapId'.split(
  ' ',
);
/** What LibreChat calls them, after `LIBRECHAT_`, and what they are here. */
const KNOWN = new Map([
  ...USER_FIELDS.map((name) => [`USER_${name.toUpperCase()}`, `user:${name}`] as [string, string]),
  ['BODY_CONVERSATIONID', 'request:conversation_id'],
  ['BODY_PARENTMESSAGEID', 'request:parent_message_id'],
  ['BODY_MESSAGEID', 'request:message_id'],
]);

/** `{{NAME}}` becomes a reference. `${NAME}` stays text: documents of users name no variables of a node. */
function valuesOf({ customUserVars }: Config): Value {
  const variables = new Set(Object.keys(customUserVars ?? {}));
  return (field, given) =>
    given?.replaceAll(/\$\{|\{\{([^{}]+)\}\}/g, (whole, name?: string) => {
      if (name === undefined) return '$${';
      if (variables.has(name)) return `\${var:${name}}`;
      if (!name.startsWith('LIBRECHAT_')) return whole;
      const known = KNOWN.get(name.slice('LIBRECHAT_'.length));
      if (known === undefined) throw new Broken(`config.${field}: nothing is known of ${whole}.`);
      return `\${${known}}`;
    });
}

/** 0 is LibreChat's way to say nothing. */
function duration(ms: number | null | undefined): object | undefined {
  if (!ms) return undefined;
  return { seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1_000_000 };
}

function mapped<T, U>(
  map: Readonly<Record<string, T>> | null | undefined,
  to: (value: T, key: string) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(map ?? {}).map(([key, each]) => [key, to(each, key)]));
}
