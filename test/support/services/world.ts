import { vi } from 'vitest';
import { createCallController } from '../../../src/server/grpc/call-controller.js';
import type { ShadowPolicy } from '../../../src/domain/commands/shadow.js';
import { ANONYMOUS } from '../../../src/domain/caller.js';
import type { Position } from '../../../src/domain/commit.js';
import type { DeclarationPatch } from '../../../src/domain/commands/patch.js';
import type { Declaration, ServerRecord } from '../../../src/domain/server.js';
import { encodeToken } from '../../../src/domain/token.js';
import { APP_VIEW, type ReaderView, type View } from '../../../src/domain/view.js';
import { declarationOf } from '../../../src/domain/commands/decide.js';
import {
  createServices,
  type Services,
  type ServicesDeps,
} from '../../../src/services/create-services.js';
import type { ServerKey } from '../../../src/domain/held-connection.js';
import type { Answer, RequestContext } from '../../../src/services/request.js';
import type { Held } from '../../../src/services/watch/audience.js';
import { openLmdbCatalog } from '../../../src/storage/catalog/lmdb/open-lmdb-catalog.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { openMemoryRelay } from '../../../src/storage/relay/memory/memory-relay.js';
import type { Relay } from '../../../src/storage/relay.js';
import { syncEncoder, watchEncoder } from './encoders.js';
import { RecordingSink } from './sinks.js';
import { recordOf, type RecordParts } from '../storage/builders.js';
import { openLaggingCatalog } from '../storage/lagging.js';
import { temporaryFolder } from '../storage/lmdb.js';
import { OPEN_POLICY } from '../transport-policy.js';

export const TENANT = 'acme';

/** A monotonic clock that stands still until it is moved. Milliseconds. */
export interface TestClock {
  now: number;
}

/** One replica: the services over a catalog, with a clock of its own. */
export interface Replica {
  readonly services: Services;
  readonly catalog: Catalog;
  readonly clock: TestClock;
  readonly errors: readonly unknown[];
}

export type ReplicaOptions = Partial<Omit<ServicesDeps, 'encoders'>>;

/** The engines on which services are tested: one that never lags, and one that does. */
export type WorldEngine = 'lmdb' | 'lagging';

export interface WorldOptions {
  /** Default: what SWITCHBOARD_TEST_CATALOG names, else LMDB. */
  readonly engine?: WorldEngine;
  /** How a lagging catalog lags. Default 1. */
  readonly seed?: number;
}

/** A catalog with the replicas that a test opens on it. */
export interface World extends AsyncDisposable {
  /** The catalog that replicas use unless they are given another. */
  readonly catalog: Catalog;
  /** The folder of LMDB; empty on the other engine. */
  readonly dataDir: string;
  readonly relay: Relay;
  /** Opens a replica. Replicas do not hear from each other unless they share a relay. */
  replica(options?: ReplicaOptions): Promise<Replica>;
}

/** Opens a world; disposing it closes the replicas, the catalog and removes the folder. */
export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const { engine = engineOfTests(), seed = 1 } = options;
  const folder = await temporaryFolder();
  const catalog =
    engine === 'lmdb'
      ? await openLmdbCatalog({ dataDir: folder.path })
      : (await openLaggingCatalog({ seed })).catalog;
  const relay = await openMemoryRelay();
  const replicas: Services[] = [];
  const relays: Relay[] = [relay];
  return {
    catalog,
    relay,
    dataDir: engine === 'lmdb' ? folder.path : '',
    replica: async (options = {}) => {
      const own = options.relay ?? (await openMemoryRelay());
      relays.push(own);
      const replica = createReplica({ catalog, relay: own, ...options });
      replicas.push(replica.services);
      return replica;
    },
    [Symbol.asyncDispose]: async () => {
      for (const services of replicas) await services.close();
      for (const each of new Set(relays)) await each.close();
      await catalog.close();
      await folder.remove();
    },
  };
}

function engineOfTests(): WorldEngine {
  const named = process.env['SWITCHBOARD_TEST_CATALOG'] ?? 'lmdb';
  if (named !== 'lmdb' && named !== 'lagging') throw new Error(`no such catalog: ${named}`);
  return named;
}

function createReplica(options: ReplicaOptions & Pick<ServicesDeps, 'catalog' | 'relay'>): Replica {
  const clock: TestClock = { now: 0 };
  const errors: unknown[] = [];
  const services = createServices({
    transportPolicy: OPEN_POLICY,
    encoders: { watch: watchEncoder, sync: syncEncoder },
    onBackgroundError: (error) => errors.push(error),
    monotonic: () => clock.now,
    ...options,
  });
  return { services, catalog: options.catalog, clock, errors };
}

/** Runs the background work that is due within so many milliseconds; needs fake intervals. */
export function passTime({ clock }: Pick<Replica, 'clock'>, ms: number): void {
  clock.now += ms;
  vi.advanceTimersByTime(ms);
}

/** A request of the anonymous administrator. */
export function requestOf(changed: Partial<RequestContext> = {}): RequestContext {
  return {
    caller: ANONYMOUS,
    tenant: TENANT,
    signal: createCallController().signal,
    waitMs: 5_000,
    ...changed,
  };
}

/** What a test says about a server; everything else has a plain value. */
export function declarationFor(parts: RecordParts): Declaration {
  return declarationOf(recordOf(parts));
}

interface WriteMore {
  readonly requestId?: string;
  readonly validateOnly?: boolean;
  readonly reason?: string;
  readonly tenant?: string;
  /** Unlike for clients, 'shadow' unless told otherwise: most tests are not about it. */
  readonly policy?: ShadowPolicy;
}

function optionsOf({
  requestId = '',
  validateOnly = false,
  reason = '',
  policy = 'shadow',
}: WriteMore) {
  return { requestId, validateOnly, reason, policy };
}

export function create(
  { services }: Pick<Replica, 'services'>,
  parts: RecordParts,
  more: WriteMore = {},
): Promise<Answer<ServerRecord>> {
  const { tenant = TENANT } = more;
  const declared = declarationFor(parts);
  return services.createServer(requestOf({ tenant }), { declared, ...optionsOf(more) });
}

export function update(
  { services }: Pick<Replica, 'services'>,
  target: Pick<ServerRecord, 'id' | 'etag'>,
  patch: Partial<DeclarationPatch> & WriteMore,
): Promise<Answer<ServerRecord>> {
  const { fields = {}, specFields = {}, cleared = [], owner, spec, transport } = patch;
  return services.updateServer(requestOf(), {
    id: target.id,
    etag: target.etag,
    patch: {
      fields,
      specFields,
      cleared,
      ...(owner === undefined ? {} : { owner }),
      ...(spec === undefined ? {} : { spec }),
      ...(transport === undefined ? {} : { transport }),
    },
    ...optionsOf(patch),
  });
}

export function remove(
  { services }: Pick<Replica, 'services'>,
  { id, etag }: Pick<ServerRecord, 'id' | 'etag'>,
  more: WriteMore = {},
): ReturnType<Services['deleteServer']> {
  return services.deleteServer(requestOf(), { id, etag, ...optionsOf(more) });
}

export function get(
  { services }: Pick<Replica, 'services'>,
  view: View,
  key: ServerKey,
  atLeast = '',
): ReturnType<Services['getServer']> {
  return services.getServer(requestOf(), { view, key, atLeast });
}

const NO_FILTER = { tiers: [], namePrefix: '', labels: {} };

/** One page; all of it unless a page size is given. */
export function page(
  { services }: Pick<Replica, 'services'>,
  view: View,
  more: { pageSize?: number; pageToken?: string; atLeast?: string } = {},
): ReturnType<Services['listServers']> {
  const { pageSize = 1_000, pageToken = '', atLeast = '' } = more;
  return services.listServers(requestOf(), {
    view,
    pageSize,
    pageToken,
    filter: NO_FILTER,
    atLeast,
  });
}

/** The whole list as what a view holds. */
export async function listed(
  replica: Pick<Replica, 'services'>,
  view: View,
  atLeast = '',
): Promise<ReadonlyMap<string, number>> {
  const { value } = await page(replica, view, { atLeast });
  return new Map(value.servers.map(({ record }) => [record.id, record.revision]));
}

/** Opens a stream of WatchServers; `live` settles as the use case does. */
export function watch(
  { services }: Pick<Replica, 'services'>,
  view: View,
  more: { readonly resumeToken?: string; readonly held?: Held; readonly sink?: RecordingSink } = {},
): { readonly sink: RecordingSink; readonly live: Promise<void> } {
  const { resumeToken = '', held = new Map(), sink = new RecordingSink() } = more;
  const context = { ...requestOf(), sink };
  return { sink, live: services.watchServers(context, { view, resumeToken, held }) };
}

/**
 * Brings the projections to the end of the log, which the other engine always does: a replica
 * that opens the tenant next has replayed nothing, and holds no recent commits.
 */
export async function project({ catalog }: Pick<World, 'catalog'>): Promise<void> {
  const { revision } = await catalog.log.head(TENANT);
  await catalog.projections.project(TENANT, revision);
}

/** Brings a replica to the head of the log, or to `position`. */
export async function catchUp(replica: Replica, position?: Position): Promise<void> {
  const to = position ?? (await replica.catalog.log.head(TENANT));
  await page(replica, APP_VIEW, { atLeast: tokenOf(to) });
}

export function tokenOf(position: Position, view?: View): string {
  return encodeToken(TENANT, position, view);
}

/** Opens a session of Sync with these views. */
export function openNode(
  { services }: Pick<Replica, 'services'>,
  subscriptions: ReadonlyMap<string, ReaderView>,
  more: {
    readonly resumeToken?: string;
    readonly held?: Held;
    readonly digestOf?: (view: ReaderView, id: string) => string;
    readonly sink?: RecordingSink;
  } = {},
) {
  const {
    resumeToken = '',
    held = new Map(),
    digestOf = () => '',
    sink = new RecordingSink(),
  } = more;
  const session = services.openSession(ANONYMOUS, TENANT, sink);
  void session.receive({
    kind: 'open',
    tenant: TENANT,
    nodeId: 'node',
    bootId: 'boot',
    resumeToken,
    held,
    subscriptions: [...subscriptions].map(([id, view]) => ({
      id,
      view,
      digest: digestOf(view, id),
    })),
  });
  return { sink, session };
}
