import type { Caller } from '../domain/caller.js';
import { DEFAULT_TENANT } from '../domain/caller.js';
import type { SwitchboardError } from '../domain/errors.js';
import { NO_FAILPOINT, type Failpoint } from '../domain/failpoint.js';
import { SAFE_POLICY, type TransportPolicy } from '../domain/transport-policy.js';
import type { Catalog } from '../storage/catalog.js';
import type { Leases } from '../storage/leases.js';
import type { PrivateSources } from './private-loads/private-source.js';
import type { Relay } from '../storage/relay.js';
import { grantAccess, revokeAccess, setAccess } from './writes/change-access.js';
import { applyServers } from './writes/apply/apply-servers.js';
import { batchGetServers } from './reads/batch-get-servers.js';
import { checkConnections } from './reads/check-connections.js';
import { RETENTION_DEFAULTS, type Retention } from './replica/compaction.js';
import { explainAccess } from './reads/explain-access.js';
import { createInspection } from './inspection/create-inspection.js';
import type { InspectionSetup } from './inspection/inspection-deps.js';
import { recordFacts } from './inspection/record-facts.js';
import { listGrants } from './reads/list-grants.js';
import { listServers } from './reads/list-servers.js';
import { demoteServer, promoteServer } from './writes/move-servers.js';
import { createPrivateLoads } from './private-loads/create-private-loads.js';
import { NodeSession } from './watch/node-session.js';
import type { SessionEncoder } from './watch/session-deps.js';
import { getServer, getWarmServer } from './reads/get-server.js';
import { rollbackServer, undeleteServer } from './writes/restore-servers.js';
import { listServerVersions } from './reads/list-server-versions.js';
import { startBackground } from './background.js';
import { Tenants, type Tenant } from './tenants.js';
import type { UpstreamLimits } from './replica/upstream.js';
import { watchServers } from './watch/watch-servers.js';
import type { WatchEncoder } from './watch/resolved-audience.js';
import type { FrameSink } from './watch/sink.js';
import { WATCH_DEFAULTS, type WatchLimits } from './watch/watch-limits.js';
import { createServer, deleteServer, updateServer } from './writes/write-servers.js';

export interface ServicesDeps {
  readonly catalog: Catalog;
  readonly relay: Relay;
  /** Frames of one tenant's streams; the wire knows how they look. */
  readonly encoders: {
    readonly watch: (tenant: string) => WatchEncoder;
    readonly sync: (tenant: string) => SessionEncoder;
  };
  /** Told what goes wrong in the background; it is tried again. */
  readonly onBackgroundError: (error: unknown) => void;
  /**
   * Told once for each change of a tenant's private source after which this replica may not
   * load from the one that it is configured with. Default: `onBackgroundError`.
   */
  readonly onSourceRefused?: (tenant: string, refusal: SwitchboardError) => void;
  readonly watchLimits?: Partial<WatchLimits>;
  readonly upstreamLimits?: Partial<UpstreamLimits>;
  readonly retention?: Partial<Retention>;
  /** The most views on one node's stream. Default 10,000. */
  readonly maxSubscriptions?: number;
  readonly failpoint?: Failpoint;
  /** What servers are inspected with. Without it, facts come from nodes only. */
  readonly inspection?: InspectionSetup;
  /** Where private servers come from besides the Catalog. Without it, from nowhere. */
  readonly privateLoads?: {
    readonly sources: PrivateSources;
    readonly leases: Leases;
    /** From 0 to 1, for jitter. Default: random. */
    readonly random?: () => number;
  };
  /** Where PRIVATE servers may be. Default: at public addresses only. */
  readonly transportPolicy?: TransportPolicy;
  /** Milliseconds since 1970, for people. */
  readonly wallClock?: () => number;
  /** Milliseconds, monotonic. */
  readonly monotonic?: () => number;
}

/** Every use case of one replica, and what runs beside them. */
export type Services = ReturnType<typeof createServices>;

export function createServices(deps: ServicesDeps) {
  const { catalog, relay, encoders, transportPolicy = SAFE_POLICY } = deps;
  const monotonic = deps.monotonic ?? (() => performance.now());
  const wallClock = deps.wallClock ?? Date.now;
  const limits: WatchLimits = { ...WATCH_DEFAULTS, ...deps.watchLimits };
  const tenants = new Tenants({
    catalog,
    relay,
    failpoint: deps.failpoint ?? NO_FAILPOINT,
    wallClock,
    monotonic,
    transportPolicy,
    maxSnapshots: limits.maxSnapshots,
    maxReplays: limits.maxReplays,
    ...(deps.upstreamLimits === undefined ? {} : { upstreamLimits: deps.upstreamLimits }),
    report: deps.onBackgroundError,
    onStep: (tenant, step) => {
      inspection.onStep(tenant, step);
      loading.onStep(tenant, step);
    },
    onReplaced: (tenant) => {
      follower.onReplaced(tenant);
    },
    isLoaded: (tenant, view) => loads.isReady(tenant, view),
  });
  const loading = createPrivateLoads({ ...deps, tenants, monotonic, wallClock });
  const { loads, follower } = loading;
  const reads = { tenants, catalog, loads };
  const watching = { tenants, catalog, limits, monotonic, loads, follower };
  // One for all streams of a tenant, as long as it is in memory.
  const watchEncoders = new WeakMap<Tenant, WatchEncoder>();
  const encoderOf = (tenant: Tenant, id: string): WatchEncoder => {
    const known = watchEncoders.get(tenant);
    if (known !== undefined) return known;
    const encoder = encoders.watch(id);
    watchEncoders.set(tenant, encoder);
    return encoder;
  };
  const watchingViews = { ...watching, encoderOf };
  const maxSubscriptions = deps.maxSubscriptions ?? 10_000;
  const sessions = new Set<NodeSession>();
  const inspection = createInspection(
    {
      tenants,
      catalog,
      policy: transportPolicy,
      monotonic,
      onBackgroundError: deps.onBackgroundError,
    },
    deps.inspection,
  );
  const background = startBackground({
    catalog,
    relay,
    tenants,
    sessions,
    limits,
    receive: async (message) => {
      if (message.kind === 'commits') await tenants.receive(message);
      else loads.receiveFailure(message);
    },
    retention: { ...RETENTION_DEFAULTS, ...deps.retention },
    onError: deps.onBackgroundError,
  });

  return {
    getServer: getServer.bind(null, reads),
    getWarmServer: getWarmServer.bind(null, reads),
    listServers: listServers.bind(null, reads),
    createServer: createServer.bind(null, reads),
    updateServer: updateServer.bind(null, reads),
    deleteServer: deleteServer.bind(null, reads),
    inspectServer: inspection.inspectServer,
    recordFacts: recordFacts.bind(null, reads),
    undeleteServer: undeleteServer.bind(null, reads),
    rollbackServer: rollbackServer.bind(null, reads),
    applyServers: applyServers.bind(null, reads),
    batchGetServers: batchGetServers.bind(null, reads),
    listServerVersions: listServerVersions.bind(null, reads),
    explainAccess: explainAccess.bind(null, reads),
    setAccess: setAccess.bind(null, reads),
    grantAccess: grantAccess.bind(null, reads),
    revokeAccess: revokeAccess.bind(null, reads),
    listGrants: listGrants.bind(null, reads),
    promoteServer: promoteServer.bind(null, reads),
    demoteServer: demoteServer.bind(null, reads),
    checkConnections: checkConnections.bind(null, reads),
    ...loading.calls,
    watchServers: (
      context: Parameters<typeof watchServers>[1],
      query: Parameters<typeof watchServers>[2],
    ): Promise<void> => watchServers(watchingViews, context, query),
    /** A session for a stream that just opened in `tenant`; it ends with its sink. */
    openSession(caller: Caller, tenant: string, sink: FrameSink): NodeSession {
      const session = new NodeSession(
        { ...watching, encoder: encoders.sync(tenant), maxSubscriptions },
        caller,
        sink,
      );
      sessions.add(session);
      sink.onceGone(() => sessions.delete(session));
      return session;
    },
    /** Resolves once the Catalog answers. */
    ready: async (): Promise<void> => {
      await tenants.get(DEFAULT_TENANT);
    },
    /** Ends every stream with an error made for it. */
    endStreams: (error: () => SwitchboardError): void => {
      tenants.endStreams(error);
    },
    close: async (): Promise<void> => {
      await inspection.close();
      await loading.close();
      await background.close();
    },
  };
}
