import path from 'node:path';
import { type Caller, DEFAULT_TENANT } from '../domain/caller.js';
import { isSwitchboardError } from '../domain/errors.js';
import type { Failpoint } from '../domain/failpoint.js';
import type { Declaration } from '../domain/server.js';
import { createConnector } from '../mcp/connector.js';
import { createInspector } from '../mcp/inspector.js';
import { createServices, type Services } from '../services/create-services.js';
import type { InspectionOptions, InspectionSetup } from '../services/inspection/inspection-deps.js';
import type { WatchLimits } from '../services/watch/watch-limits.js';
import type { Leases } from '../storage/leases.js';
import { reportLeases } from '../storage/report-leases.js';
import { openStorage, type Storage } from '../storage/open-storage.js';
import { createSyncEncoder } from '../wire/sync-encoder.js';
import { createWatchEncoder } from '../wire/watch-encoder.js';
import { anyone, type Authenticate, byClientCertificate, readTokens } from './authenticator.js';
import { readServerCredentials, readTls } from './credentials.js';
import { type Application, type GrpcServer, startGrpcServer } from './grpc-server.js';
import { addConnectionService } from './handlers/connection.js';
import { addRegistryService } from './handlers/registry.js';
import type { Log } from './log.js';
import { connectionsWithin } from './open-files.js';
import { environment, type ServeOptions } from './options.js';
import {
  openSources,
  type OpenedSources,
  unprotectedSources,
} from './private-sources/open-sources.js';
import { type DeclaredSource, readSourcesFile } from './private-sources/read-sources-file.js';
import { createSeeds, readSeeds, type SeedCounts } from './seeds.js';
import { messageOf, StartError } from './start-error.js';

/** What a test may bring along. */
export interface ServerDeps {
  readonly log: Log;
  /** Default: none. */
  readonly failpoint?: Failpoint;
  /** Bounds of the streams that no option names. */
  readonly watchLimits?: Partial<WatchLimits>;
  /** Milliseconds, monotonic. Default: the clock of the process. */
  readonly monotonic?: () => number;
  /** What no option names of how servers are inspected. */
  readonly inspection?: Partial<Pick<InspectionOptions, 'concurrency' | 'retry' | 'random'>>;
}

export interface SwitchboardServer {
  /** Where it listens, with the port that it got. */
  readonly address: string;
  /** The folder of the data, absolute; undefined if it is kept in memory only. */
  readonly dataDir: string | undefined;
  /** What became of the seed file; undefined without one. */
  readonly seeds: SeedCounts | undefined;
  /**
   * Reads the files of tokens and of TLS again: calls and connections that come from now on need
   * what is in them. Throws a StartError, and changes nothing, if any of them is wrong.
   */
  reload(): void;
  /** Stops gracefully, then closes the storage. Closing twice waits for the first. */
  close(): Promise<void>;
}

/**
 * The composition root: opens the storage, puts services, handlers and the gRPC server
 * together, and creates the servers of the seed file. Resolves when it serves. Throws a
 * StartError for what a person has to put right, and leaves nothing open then.
 */
export async function createServer(
  options: ServeOptions,
  deps: ServerDeps,
): Promise<SwitchboardServer> {
  // All that can be wrong with files comes before anything is opened.
  const credentials = readServerCredentials(options.tls);
  let authenticate = chooseAuthenticator(options);
  const maxConnections = connectionsWithin(options.maxConnections);
  if (options.seedFile !== undefined) readSeeds(options.seedFile);
  const declaredSources = readSources(options, deps.log);
  const dataDir = options.dataDir === undefined ? undefined : path.resolve(options.dataDir);
  const opened = await openData(dataDir, deps.failpoint);
  const storage = { ...opened, leases: loggedLeases(opened.leases, deps.log) };
  const sources = declaredSources && openSources(declaredSources);
  const services = composeServices({ storage, sources }, options, deps);
  const closeParts = async (): Promise<void> => {
    await services.close();
    await sources?.close();
    await storage.close();
  };
  let seeds: SeedCounts | undefined;
  let grpc: GrpcServer;
  try {
    const application = applicationOf(services, options.replicaId, async () => {
      await services.ready();
      if (options.seedFile !== undefined) {
        seeds = await createSeeds(options.seedFile, (declared) => createSeed(services, declared));
      }
    });
    grpc = await startGrpcServer(application, {
      ...options,
      maxConnections,
      credentials,
      authenticate: (call) => authenticate(call),
      log: deps.log,
    });
  } catch (error) {
    await closeParts();
    throw error;
  }
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await grpc.close();
    await closeParts();
  };
  return {
    address: grpc.address,
    dataDir,
    seeds,
    reload() {
      const read = chooseAuthenticator(options);
      if (options.tls !== undefined) grpc.useTls(readTls(options.tls));
      authenticate = read;
    },
    close: () => (closing ??= close()),
  };
}

/** The same leases; the log says once for each change whether they can be had. */
function loggedLeases(leases: Leases, log: Log): Leases {
  return reportLeases(leases, (availability) => {
    if (availability.kind === 'available') log.info('leases are available again');
    else
      log.warn(
        { err: availability.cause },
        'leases are unavailable: loads and inspections continue, and several replicas may do the same work',
      );
  });
}

async function openData(
  dataDir: string | undefined,
  failpoint: Failpoint | undefined,
): Promise<Storage> {
  const tested = failpoint === undefined ? {} : { failpoint };
  if (dataDir === undefined) return openStorage({ kind: 'memory', ...tested });
  try {
    return await openStorage({ kind: 'embedded', dataDir, ...tested });
  } catch (error) {
    if (!isSwitchboardError(error, 'CATALOG_UNAVAILABLE')) throw error;
    throw new StartError(`--data-dir ${dataDir}: ${messageOf(error.cause ?? error)}`);
  }
}

function readSources(
  { privateSourcesFile: file }: ServeOptions,
  log: Log,
): readonly DeclaredSource[] | undefined {
  if (file === undefined) return undefined;
  const declared = readSourcesFile(file);
  for (const source of unprotectedSources(declared)) {
    log.warn({ source }, 'others can read what this private source answers: no tls');
  }
  return declared;
}

/** What the services stand on. */
interface Foundation {
  readonly storage: Storage;
  readonly sources: OpenedSources | undefined;
}

function composeServices(
  { storage, sources }: Foundation,
  options: ServeOptions,
  deps: ServerDeps,
): Services {
  const { heartbeatIntervalMs: heartbeatMs, maxSubscriptions, replicaId: servedBy } = options;
  const { transportPolicy } = options;
  return createServices({
    catalog: storage.catalog,
    relay: storage.relay,
    encoders: {
      watch: createWatchEncoder,
      sync: (tenant) =>
        createSyncEncoder({ tenant, servedBy, heartbeatMs, maxSubscriptions, transportPolicy }),
    },
    onBackgroundError: (error) => {
      deps.log.error({ err: error }, 'background work failed and is tried again');
    },
    onSourceRefused: (tenant, { reason, message }) => {
      deps.log.warn({ tenant, reason }, `nothing is loaded at this replica: ${message}`);
    },
    watchLimits: { heartbeatMs, budgetBytes: options.watchBudgetBytes, ...deps.watchLimits },
    retention: { forMs: options.retentionMs, commits: options.retentionCommits },
    maxSubscriptions,
    transportPolicy,
    inspection: inspectionOf(storage, options, deps),
    ...(sources === undefined
      ? {}
      : { privateLoads: { sources: sources.of, leases: storage.leases } }),
    ...(deps.failpoint === undefined ? {} : { failpoint: deps.failpoint }),
    ...(deps.monotonic === undefined ? {} : { monotonic: deps.monotonic }),
  });
}

function inspectionOf(
  { leases }: Storage,
  options: ServeOptions,
  deps: ServerDeps,
): InspectionSetup {
  const connector = createConnector({ name: 'switchboard', version: '0.1.0' });
  return {
    inspector: createInspector({ connector, environment: environment() }),
    leases,
    replicaId: options.replicaId,
    automatic: options.inspect,
    stdio: options.inspectStdio,
    timeoutMs: options.inspectTimeoutMs,
    ...deps.inspection,
  };
}

function applicationOf(
  services: Services,
  servedBy: string,
  ready: () => Promise<void>,
): Application {
  return {
    register(server, shell) {
      addRegistryService(server, shell, { services, servedBy });
      addConnectionService(server, shell, { services, servedBy });
    },
    ready,
    endStreams(error) {
      services.endStreams(() => error);
    },
  };
}

function chooseAuthenticator({ tokensFile, tls }: ServeOptions): Authenticate {
  if (tokensFile !== undefined) return readTokens(tokensFile);
  return tls?.clientCa === undefined ? anyone : byClientCertificate;
}

/** In whose name seeds are created: the history shows it. */
const SEEDER: Caller = { principal: 'seed', tenants: undefined, roles: ['admin'] };

async function createSeed(services: Services, declared: Declaration): Promise<void> {
  const signal = AbortSignal.timeout(30_000);
  await services.createServer(
    { caller: SEEDER, tenant: DEFAULT_TENANT, signal, waitMs: 30_000 },
    {
      declared,
      policy: 'fail',
      requestId: '',
      validateOnly: false,
      reason: 'created from the seed file',
    },
  );
}
