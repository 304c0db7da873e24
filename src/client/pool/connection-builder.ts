import { sharedSignIn } from '../../domain/inspection.js';
import { isRestricted } from '../../domain/transport-policy.js';
import { createAddressGuard } from '../../mcp/address-guard.js';
import type { ConnectTarget } from '../../mcp/connect-target.js';
import type { Connector } from '../../mcp/connector.js';
import type { McpConnection } from '../../mcp/mcp-connection.js';
import { McpError } from '../../mcp/mcp-error.js';
import { ClientError } from '../client-error.js';
import type { PolicySource } from '../node-policy.js';
import type { KnownServer } from '../server-view.js';
import { resolveTarget } from '../values/resolve-target.js';
import type { HookRequest, ValueSources } from '../values/value-sources.js';
import { connectError } from './call-error.js';
import { NO_CREDENTIALS, type Credentials, type CredentialStore } from './credential-store.js';
import { emitEvent, type ConnectionSubject, type PoolEventListener } from './pool-event.js';
import type { OpenedListener, PoolLimits } from './pool-options.js';
import { PooledConnection } from './pooled-connection.js';
import { untilAborted } from '../until-aborted.js';

/** What connections are built with. */
export interface BuilderOptions {
  readonly connector: Connector;
  readonly credentials: CredentialStore;
  readonly sources: ValueSources;
  readonly era: 'legacy' | 'auto';
  readonly limits: PoolLimits;
  /** Where PRIVATE servers may be. */
  readonly policy: PolicySource;
  readonly onEvent: PoolEventListener | undefined;
  readonly onOpened: OpenedListener | undefined;
}

/** For what a connection is built. */
export interface BuildRequest extends HookRequest {
  readonly requestValues: Readonly<Record<string, string>>;
}

/**
 * Connects to a server: credentials, values, MCP connection. After a 401 the credentials
 * are asked for once more, and used if their revision is another. Throws ClientError.
 */
export async function buildConnection(
  options: BuilderOptions,
  request: BuildRequest,
): Promise<PooledConnection> {
  const { credentials } = options;
  const { server, user } = request;
  const isHttp = server.spec.transport.kind !== 'stdio';
  const first = isHttp ? await credentials.get(request) : NO_CREDENTIALS;
  try {
    return await connectOnce(options, request, first);
  } catch (error) {
    if (!isUnauthorized(error)) throw error;
    credentials.reject(server.id, user, first.revision);
    if (!credentials.canRenew) throw error;
    const second = await credentials.get(request);
    if (second.revision === first.revision) throw error;
    return connectOnce(options, request, second).catch((again: unknown) => {
      if (isUnauthorized(again)) credentials.reject(server.id, user, second.revision);
      throw again;
    });
  }
}

async function connectOnce(
  options: BuilderOptions,
  request: BuildRequest,
  credentials: Credentials,
): Promise<PooledConnection> {
  const { onEvent, limits } = options;
  const { server, user } = request;
  const subject = subjectOf(server, user);
  const warning = server.scope === 'shared' ? sharedSignIn(server) : undefined;
  if (warning !== undefined) emitEvent(onEvent, { ...subject, type: 'warning', message: warning });
  emitEvent(onEvent, { ...subject, type: 'connecting' });
  // The end may be told before there is a connection to retire.
  const opened: { connection?: PooledConnection; hasEnded: boolean } = { hasEnded: false };
  const onClosed = (): void => {
    opened.hasEnded = true;
    opened.connection?.retire('lost');
  };
  let mcp: McpConnection;
  try {
    const headers = credentials.headers ?? {};
    const { signal } = request;
    const target = await untilAborted(
      resolveTarget(options.sources, { ...request, headers }),
      signal,
    );
    const { connectMs, callMs, readMs } = server.spec.timeouts;
    mcp = await options.connector.connect(guarded(target, server, options.policy), {
      signal,
      era: options.era,
      ...(connectMs === undefined ? {} : { connectMs }),
      ...(callMs === undefined ? {} : { callMs }),
      ...(readMs === undefined ? {} : { readMs }),
      maxMessageBytes: limits.maxResultBytes,
      onClosed,
      onStderr: (text) => emitEvent(onEvent, { ...subject, type: 'stderr', text }),
    });
  } catch (error) {
    const failure = connectError(error, server);
    emitEvent(onEvent, { ...subject, type: 'failed', error: failure });
    throw failure;
  }
  const connection = new PooledConnection(mcp, {
    server,
    user,
    credentialRevision: credentials.revision,
    limits,
    onEvent,
  });
  const { connectedAt } = connection;
  const pid = mcp.pid === undefined ? {} : { pid: mcp.pid };
  emitEvent(onEvent, { ...subject, type: 'connected', connectedAt, ...pid });
  const hasCredentials = Object.keys(credentials.headers ?? {}).length > 0;
  options.onOpened?.({ server, user, hasCredentials, mcp });
  opened.connection = connection;
  if (opened.hasEnded) connection.retire('lost');
  return connection;
}

/** The target, held to the transport policy where that applies. */
function guarded(
  target: ConnectTarget,
  server: KnownServer,
  { current }: PolicySource,
): ConnectTarget {
  return isRestricted(server) ? { ...target, guard: createAddressGuard(current) } : target;
}

/** How events name a connection to `server` for `user`. */
export function subjectOf(server: KnownServer, user: string | undefined): ConnectionSubject {
  const { id: serverId, name, scope, configHash } = server;
  return { serverId, name, scope, user, configHash };
}

function isUnauthorized(error: unknown): boolean {
  return (
    error instanceof ClientError &&
    error.cause instanceof McpError &&
    error.cause.kind === 'unauthorized'
  );
}
