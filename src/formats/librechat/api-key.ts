import { type Entry, lose, loseUnknown } from '../entry.js';
import { API_KEY_FIELDS, type LibrechatServer } from './schema.js';

type ApiKey = NonNullable<LibrechatServer['apiKey']>;

/** The user variable of an API key that each user gives. */
const VARIABLE = 'MCP_API_KEY';

/**
 * `server` with its `apiKey` as what it means: a header, and for a key of the user's own a
 * user variable.
 */
export function withApiKey(entry: Entry, server: LibrechatServer): LibrechatServer {
  const { apiKey } = server;
  if (apiKey === undefined) return server;
  if (server.command !== undefined && server.url === undefined) {
    lose(entry, ['apiKey'], 'has no meaning with this type of transport');
    return server;
  }
  tellOdd(entry, apiKey);
  const ofUser = apiKey.source === 'user';
  const key = ofUser ? `{{${VARIABLE}}}` : apiKey.key;
  if (key === undefined || key === '') {
    lose(entry, ['apiKey'], 'has no key');
    return server;
  }
  const header = headerOf(apiKey, key);
  const others = Object.entries(server.headers ?? {}).filter(([name]) => {
    const replaced = name.toLowerCase() === header.name.toLowerCase();
    if (replaced && server.headers?.[name] !== header.value)
      lose(entry, ['headers', name], 'is replaced by apiKey');
    return !replaced;
  });
  const vars = { ...(ofUser ? { [VARIABLE]: VARIABLE_OF_USER } : {}), ...server.customUserVars };
  return {
    ...server,
    headers: Object.fromEntries([...others, [header.name, header.value]]),
    ...(Object.keys(vars).length === 0 ? {} : { customUserVars: vars }),
  };
}

function tellOdd(entry: Entry, apiKey: ApiKey): void {
  loseUnknown(entry, API_KEY_FIELDS, ['apiKey']);
  if (apiKey.source === 'user' && apiKey.key !== undefined)
    lose(entry, ['apiKey', 'key'], 'is not used: each user has their own');
  if (apiKey.custom_header !== undefined && apiKey.authorization_type !== 'custom')
    lose(entry, ['apiKey', 'custom_header'], 'has no meaning with this type of authorization');
}

const VARIABLE_OF_USER = { title: 'API Key', description: 'Your API key for this server.' };

function headerOf(apiKey: ApiKey, key: string): { readonly name: string; readonly value: string } {
  const type = apiKey.authorization_type;
  if (type === 'custom') return { name: apiKey.custom_header ?? 'X-Api-Key', value: key };
  return { name: 'Authorization', value: `${type === 'basic' ? 'Basic' : 'Bearer'} ${key}` };
}
