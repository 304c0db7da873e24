import { referencesIn, type Reference, type ReferenceSource } from '../../domain/config/value.js';
import type { ValueField } from '../../domain/config/connection-scope.js';
import { TIMEOUT_DEFAULTS } from '../../domain/config/spec.js';
import { ClientError, isClientError } from '../client-error.js';
import { untilAborted } from '../until-aborted.js';
import type { HookRequest, UserValues, ValueSources } from './value-sources.js';

/** Values by source and name; the outcome of asking every source that a spec needs, once. */
export type Values = Readonly<Record<ReferenceSource, Readonly<Record<string, string>>>>;

/** Sources that the node's own secrets come from: not for servers that a user made. */
const OF_THE_NODE = new Set<ReferenceSource>(['env', 'secret']);

/**
 * Asks each source for what `fields` refer to. Throws VALUE_NOT_ALLOWED for a PRIVATE
 * server that refers to the node's environment or secrets, HOOK_FAILED if a hook throws.
 */
export async function collectValues(
  fields: readonly ValueField[],
  sources: ValueSources,
  request: HookRequest & { readonly requestValues: Readonly<Record<string, string>> },
): Promise<Values> {
  const references = fields.flatMap((field) => referencesIn(field.text));
  if (request.server.tier === 'PRIVATE') refuseNodeValues(fields);
  const needsUser = references.some(({ kind }) => kind === 'user' || kind === 'var');
  const [user, secret]: [UserValues, Values['secret']] = await Promise.all([
    needsUser ? askUser(sources, request) : {},
    askSecrets(references, sources, request),
  ]);
  return {
    env: sources.env,
    request: request.requestValues,
    user: user.user ?? {},
    var: user.vars ?? {},
    secret,
  };
}

/**
 * Runs a hook of the application, for as long as a connect may take. Throws HOOK_FAILED, or
 * the hook's own ClientError, or CANCELLED.
 */
export async function askHook<T>(
  name: string,
  request: HookRequest,
  ask: () => Promise<T> | T,
): Promise<T> {
  const { server, signal } = request;
  const limitMs = server.spec.timeouts.connectMs ?? TIMEOUT_DEFAULTS.connectMs;
  const limit = new AbortController();
  const timer = setTimeout(() => {
    const text = `the hook ${name} did not respond within ${String(limitMs)} ms`;
    limit.abort(new ClientError('HOOK_FAILED', text, { metadata: { hook: name } }));
  }, limitMs);
  try {
    return await untilAborted(untilAborted(call(ask), limit.signal), signal);
  } catch (cause) {
    if (isClientError(cause)) throw cause;
    throw new ClientError('HOOK_FAILED', `the hook ${name} threw`, {
      metadata: { hook: name },
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** What `ask` answers or throws, as a promise. */
async function call<T>(ask: () => Promise<T> | T): Promise<T> {
  return ask();
}

async function askUser(sources: ValueSources, request: HookRequest): Promise<UserValues> {
  const { userValues } = sources;
  if (userValues === undefined) return {};
  return askHook('userValues', request, () => userValues(hookRequest(request)));
}

async function askSecrets(
  references: readonly Reference[],
  sources: ValueSources,
  request: HookRequest,
): Promise<Readonly<Record<string, string>>> {
  const { secrets } = sources;
  if (secrets === undefined) return {};
  const names = new Set(references.filter((r) => r.kind === 'secret').map((r) => r.name));
  const asked = [...names].map(async (name) => {
    const secret = await askHook('secrets', request, () => secrets(name, hookRequest(request)));
    return [name, secret] as const;
  });
  const found = (await Promise.all(asked)).filter((e): e is [string, string] => e[1] !== undefined);
  return Object.fromEntries(found);
}

function hookRequest({ user, server, signal }: HookRequest): HookRequest {
  return { user, server, signal };
}

function refuseNodeValues(fields: readonly ValueField[]): void {
  for (const field of fields) {
    const refused = referencesIn(field.text).find(({ kind }) => OF_THE_NODE.has(kind));
    if (refused === undefined) continue;
    const placeholder = `\${${refused.kind}:${refused.name}}`;
    throw new ClientError(
      'VALUE_NOT_ALLOWED',
      `${field.path}: a private server may not use ${placeholder}`,
      { metadata: { field: field.path, placeholder } },
    );
  }
}
