import type { LookupFunction } from 'node:net';
import type { FetchLike } from '@modelcontextprotocol/client';
import type { ObservedFacts } from '../domain/facts.js';
import type { InspectionResult } from '../domain/inspection.js';
import type { ServerSpec } from '../domain/config/spec.js';
import type { TransportPolicy } from '../domain/transport-policy.js';
import { joinValue, parseValue } from '../domain/config/value.js';
import { createAddressGuard } from './address-guard.js';
import type { ConnectTarget } from './connect-target.js';
import type { Connector } from './connector.js';
import { createHttpFetch, routeOf } from './http-fetch.js';
import { inspectionFailure } from './inspection-failure.js';
import { McpError } from './mcp-error.js';
import { oauthNeedOf } from './oauth-need.js';
import { observe } from './observe.js';
import { safeEnvironment } from './process-environment.js';
import { createReadLimit, limitedFetch, type ReadLimit } from './read-limit.js';

/** Bytes that are read from one server over HTTP. */
const MAX_BYTES = 8 * 1024 * 1024;

/** What an inspector is made of. */
export interface InspectorOptions {
  /** Closed with the inspector. */
  readonly connector: Connector;
  /** The environment of this process, of which others that it starts get the harmless part. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Resolves the names of servers to which a policy applies. Default: that of the system. */
  readonly lookup?: LookupFunction;
}

/** One inspection under way. */
interface Inspection {
  readonly target: ConnectTarget;
  readonly timeoutMs: number;
  /** Aborts for all that ends the inspection. */
  readonly signal: AbortSignal;
  readonly limit: ReadLimit;
  /** The `www-authenticate` header of the last 401. */
  challenge: string | undefined;
}

/** How long one inspection may take; its signal ends it at once. */
interface InspectOptions {
  readonly signal: AbortSignal;
  /** Milliseconds for all of it. */
  readonly timeoutMs: number;
  /** Has to allow every address that is connected to; undefined for a server that may be anywhere. */
  readonly policy: TransportPolicy | undefined;
}

/** Makes the inspector of the services, which connects through `connector`. */
export function createInspector({ connector, environment, lookup }: InspectorOptions) {
  const closings = new Set<Promise<void>>();

  async function read(inspection: Inspection): Promise<ObservedFacts> {
    const { target, timeoutMs, signal } = inspection;
    const connection = await connector.connect(target, {
      signal,
      connectMs: timeoutMs,
      callMs: timeoutMs,
      era: 'auto',
      aroundFetch: (fetch) => witnessed(limitedFetch(fetch, inspection.limit), inspection),
    });
    try {
      return await observe(connection, { signal, timeoutMs });
    } finally {
      // Behind the result: a server that is slow to let go has been seen already.
      const closing = connection.close().finally(() => closings.delete(closing));
      closings.add(closing);
    }
  }

  async function inspect(
    target: ConnectTarget,
    options: InspectOptions,
  ): Promise<InspectionResult> {
    const { timeoutMs } = options;
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(options.signal.reason);
    if (hasUnsentCredentials(target)) return UNSENT_CREDENTIALS;
    options.signal.addEventListener('abort', onAbort, { once: true });
    const timer = setTimeout(() => {
      stop.abort(new McpError('timeout', 'not in time', { sent: true }));
    }, timeoutMs);
    const limit = createReadLimit(MAX_BYTES, (error) => stop.abort(error));
    const current: Inspection = {
      target,
      timeoutMs,
      signal: stop.signal,
      limit,
      challenge: undefined,
    };
    try {
      const observed = await read(current);
      return { kind: 'observed', observed, oauthNeed: hasCredential(target) ? 'unknown' : 'no' };
    } catch (error) {
      options.signal.throwIfAborted();
      return await failed(current, stop.signal.aborted ? stop.signal.reason : error);
    } finally {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', onAbort);
    }
  }

  return {
    inspect: async (spec: ServerSpec, options: InspectOptions): Promise<InspectionResult> => {
      options.signal.throwIfAborted();
      const { policy } = options;
      const target = targetOf(spec, environment);
      if (policy === undefined) return inspect(target, options);
      return inspect({ ...target, guard: createAddressGuard([policy], lookup) }, options);
    },
    close: async (): Promise<void> => {
      await Promise.all(closings);
      await connector.close();
    },
  };
}

async function failed(inspection: Inspection, error: unknown): Promise<InspectionResult> {
  const failure = inspectionFailure(error);
  const { target, challenge, signal, limit } = inspection;
  if (failure.reason !== 'UNAUTHORIZED' || target.kind === 'stdio') {
    return { kind: 'failed', ...failure };
  }
  const { url } = target;
  const http = createHttpFetch(routeOf(target));
  const fetch = limitedFetch(http.fetch, limit);
  const oauthNeed =
    error instanceof McpError && error.status !== 401
      ? 'unknown'
      : await oauthNeedOf({ url, challenge, fetch, signal });
  await http.close();
  return { kind: 'failed', ...failure, oauthNeed };
}

const UNSENT_CREDENTIALS: InspectionResult = {
  kind: 'failed',
  reason: 'UNAUTHORIZED',
  message: 'its URL contains credentials, which are never sent: put them into headers',
};

/** Whether its URL has credentials: fetch refuses such a URL. */
function hasUnsentCredentials(target: ConnectTarget): boolean {
  if (target.kind !== 'streamable_http' && target.kind !== 'sse') return false;
  if (!URL.canParse(target.url)) return false;
  const { username, password } = new URL(target.url);
  return username !== '' || password !== '';
}

/** `fetch` that remembers why it was refused. */
function witnessed(fetch: FetchLike, inspection: Inspection): FetchLike {
  return async (url, init) => {
    const response = await fetch(url, init);
    if (response.status === 401)
      inspection.challenge = response.headers.get('www-authenticate') ?? '';
    return response;
  };
}

/** Where a spec without references leads. */
function targetOf(spec: ServerSpec, environment: InspectorOptions['environment']): ConnectTarget {
  const { transport, proxyUrl } = spec;
  if (transport.kind === 'stdio') {
    const { kind, command, args, env, cwd } = transport;
    return {
      kind,
      command,
      args: args.map(literal),
      env: { ...safeEnvironment(environment), ...literals(env) },
      ...(cwd === '' ? {} : { cwd }),
      stderr: 'ignore',
    };
  }
  const { kind, url, headers } = transport;
  return {
    kind,
    url: literal(url),
    headers: literals(headers),
    ...(proxyUrl === '' ? {} : { proxyUrl: literal(proxyUrl) }),
  };
}

function literals(map: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).map(([name, text]) => [name, literal(text)]));
}

function literal(text: string): string {
  return joinValue(parseValue(text), ({ kind, name }) => {
    throw new Error(`only a node knows the value of ${kind}:${name}`);
  });
}

/** Whether the server was shown who asks, so that an answer proves nothing about others. */
function hasCredential(target: ConnectTarget): boolean {
  if (target.kind === 'stdio') return false;
  const names = Object.keys(target.headers).map((name) => name.toLowerCase());
  return names.includes('authorization') || new URL(target.url).username !== '';
}
