import { z } from 'zod';

const texts = z.record(z.string(), z.string());
const milliseconds = z.number().int().nonnegative();

/** What we know of `oauth`. */
export const oauthSchema = z.looseObject({
  authorization_url: z.string().optional(),
  token_url: z.string().optional(),
  client_id: z.string().optional(),
  client_secret: z.string().optional(),
  scope: z.string().optional(),
  redirect_uri: z.string().optional(),
  audience: z.string().optional(),
  token_exchange_method: z.enum(['default_post', 'basic_auth_header']).optional(),
  revocation_endpoint: z.string().optional(),
});

const apiKeySchema = z.looseObject({
  key: z.string().optional(),
  source: z.enum(['admin', 'user']),
  authorization_type: z.enum(['basic', 'bearer', 'custom']),
  custom_header: z.string().optional(),
});

/** What we know of an entry of `mcpServers`. Everything else is kept aside. */
export const serverSchema = z.looseObject({
  type: z.enum(['stdio', 'websocket', 'sse', 'streamable-http', 'http']).optional(),
  command: z.string().optional(),
  args: z.array(z.string()).optional(),
  env: texts.optional(),
  cwd: z.string().optional(),
  stderr: z.union([z.enum(['pipe', 'ignore', 'inherit']), milliseconds]).optional(),
  url: z.string().optional(),
  headers: texts.nullable().optional(),
  proxy: z.string().optional(),
  title: z.string().optional(),
  description: z.string().optional(),
  iconPath: z.string().optional(),
  startup: z.boolean().optional(),
  timeout: milliseconds.optional(),
  initTimeout: milliseconds.optional(),
  sseReadTimeout: milliseconds.optional(),
  serverInstructions: z.union([z.boolean(), z.string()]).optional(),
  requiresOAuth: z.boolean().optional(),
  oauth: oauthSchema.optional(),
  oauth_headers: texts.optional(),
  apiKey: apiKeySchema.optional(),
  customUserVars: z
    .record(
      z.string(),
      z.looseObject({
        title: z.string(),
        description: z.string().optional(),
        sensitive: z.boolean().optional(),
      }),
    )
    .optional(),
});

export type LibrechatServer = z.infer<typeof serverSchema>;

export const SERVER_FIELDS: ReadonlySet<string> = new Set(Object.keys(serverSchema.shape));
export const API_KEY_FIELDS: ReadonlySet<string> = new Set(Object.keys(apiKeySchema.shape));
export const OAUTH_FIELDS: ReadonlySet<string> = new Set(Object.keys(oauthSchema.shape));
