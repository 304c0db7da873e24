import { decodeCommit } from '../domain/commit.js';
import type { Failpoint } from '../domain/failpoint.js';
import { SwitchboardError } from '../domain/errors.js';
import type { TransportPolicy } from '../domain/transport-policy.js';
import type { View } from '../domain/view.js';
import type { Catalog } from '../storage/catalog.js';
import type { LogNews } from '../storage/log.js';
import type { Relay, RelayedCommits } from '../storage/relay.js';
import { withDeadline } from './concurrency/deadline.js';
import { Committer } from './commit/committer.js';
import { validateId } from './request.js';
import { READ_MS } from './replica/tenant-limits.js';
import { RecentBudget } from './replica/recent-budget.js';
import { TenantState, type Step } from './replica/tenant-state.js';
import { Upstream, UPSTREAM_DEFAULTS, type UpstreamLimits } from './replica/upstream.js';
import { createSlots, type Slots } from './concurrency/slots.js';
import { WatchHub } from './watch/hub.js';
import { Replays } from './watch/replays.js';
import { Snapshots } from './watch/snapshots.js';

/** A tenant in use at this replica. */
export interface Tenant {
  readonly log: TenantState;
  readonly committer: Committer;
  readonly hub: WatchHub;
  readonly snapshots: Snapshots;
  readonly replays: Replays;
  readonly upstream: Upstream;
  /** Where PRIVATE servers may be. */
  readonly transportPolicy: TransportPolicy;
}

export interface TenantsDeps {
  readonly catalog: Catalog;
  readonly relay: Relay;
  readonly failpoint: Failpoint;
  /** Milliseconds since 1970, for people. */
  readonly wallClock: () => number;
  /** Milliseconds, monotonic. */
  readonly monotonic: () => number;
  readonly transportPolicy: TransportPolicy;
  readonly maxSnapshots: number;
  readonly maxReplays: number;
  readonly upstreamLimits?: Partial<UpstreamLimits>;
  /** Tenants kept although nobody watches them. Default 1000. */
  readonly idleTenants?: number;
  /** Told what a listener of a step throws. */
  readonly report: (error: unknown) => void;
  /** Told of each commit of each open tenant, as `TenantState.onStep` tells. */
  readonly onStep?: (tenant: string, step: Step) => void;
  /** Told of each open tenant whose log became another one. */
  readonly onReplaced?: (tenant: string) => void;
  /** Whether all that a view shows is in the log, see `PrivateLoads.isReady`. */
  readonly isLoaded: (tenant: Tenant, view: View) => boolean;
}

const RETRY_LATER = { retryDelayMs: 5_000 };

/** The tenants in use at this replica, opened at their first use. */
export class Tenants {
  private readonly deps: TenantsDeps;
  private readonly upstreamLimits: UpstreamLimits;
  /** Of all tenants. */
  private readonly snapshotSlots: Slots;
  private readonly replaySlots: Slots;
  private readonly budget = new RecentBudget();
  private readonly open = new Map<string, Tenant>();
  private readonly opening = new Map<string, Promise<Tenant>>();
  /** Those whose logs are being read. */
  private readonly following = new Set<Tenant>();

  constructor(deps: TenantsDeps) {
    this.deps = deps;
    this.snapshotSlots = createSlots(deps.maxSnapshots);
    this.replaySlots = createSlots(deps.maxReplays);
    this.upstreamLimits = { ...UPSTREAM_DEFAULTS, ...deps.upstreamLimits };
  }

  /** The tenant if it is open; no I/O. */
  peek(tenant: string): Tenant | undefined {
    const known = this.open.get(tenant);
    if (known !== undefined && this.isCrowded()) {
      // The least recently used come first, and are the first to go.
      this.open.delete(tenant);
      this.open.set(tenant, known);
    }
    return known;
  }

  /** The tenant, opened if need be. Throws INVALID_FIELD for an impossible id. */
  async get(tenant: string): Promise<Tenant> {
    const known = this.peek(tenant);
    if (known !== undefined) return known;
    validateId(tenant, 'tenant');
    const opening =
      this.opening.get(tenant) ??
      this.start(tenant).finally(() => {
        this.opening.delete(tenant);
      });
    this.opening.set(tenant, opening);
    return opening;
  }

  all(): Iterable<Tenant> {
    return this.open.values();
  }

  /** What another replica committed: applied if it fits, else read from the Catalog (rule 30). */
  async receive(message: RelayedCommits): Promise<void> {
    const log = this.open.get(message.tenant)?.log;
    if (log === undefined) return;
    const last = message.commits.at(-1)?.revision ?? 0;
    if (last <= log.position.revision) return;
    const fits =
      message.epoch === log.position.epoch && log.advance(message.commits.map(decodeCommit));
    if (!fits) await log.catchUp();
  }

  /**
   * Closes tenants that nobody watches, beyond those that may stay: the least recently used
   * first.
   */
  dropIdle(): void {
    let excess = this.open.size - this.idleTenants;
    for (const [name, tenant] of this.open) {
      if (excess <= 0) return;
      if (tenant.hub.size > 0) continue;
      tenant.hub.close();
      tenant.log.recent.clear();
      this.open.delete(name);
      excess -= 1;
    }
  }

  /**
   * Brings every open tenant to the end of its log: one query tells which of them have something
   * newer, and those are read each for itself. One that cannot be read holds up no other, and is
   * not asked for again before the last call has ended. Throws what went wrong, after all were
   * tried.
   */
  async follow(): Promise<void> {
    const tenants = [...this.open.values()].filter((tenant) => !this.following.has(tenant));
    for (const tenant of tenants) this.following.add(tenant);
    const since = this.deps.monotonic();
    const behind = await this.behind(tenants);
    const results = await Promise.allSettled(
      tenants.map(async (tenant) => {
        try {
          if (behind.has(tenant)) await tenant.log.catchUp();
          tenant.upstream.confirm(since);
        } finally {
          this.following.delete(tenant);
        }
      }),
    );
    const errors = results.flatMap((each): unknown[] =>
      each.status === 'rejected' ? [each.reason] : [],
    );
    if (errors.length > 0) throw new AggregateError(errors, 'not every tenant could be followed');
  }

  /** Ends the streams of tenants whose logs could not be read for too long (W11). */
  endLost(): void {
    for (const { log, hub, upstream } of this.open.values()) {
      if (!upstream.isLost()) continue;
      const text = `the log of tenant ${log.tenant} cannot be read`;
      hub.endAll(() => new SwitchboardError('CATALOG_UNAVAILABLE', text, RETRY_LATER));
    }
  }

  /** Ends all streams of all tenants. */
  endStreams(error: () => SwitchboardError): void {
    for (const { hub } of this.open.values()) hub.endAll(error);
  }

  private get idleTenants(): number {
    return this.deps.idleTenants ?? 1_000;
  }

  /** Whether some will soon have to go, so that it matters which were used. */
  private isCrowded(): boolean {
    return this.open.size * 2 > this.idleTenants;
  }

  /** Those in whose logs is something newer; all of them if that cannot be told. */
  private async behind(tenants: readonly Tenant[]): Promise<ReadonlySet<Tenant>> {
    if (tenants.length === 0) return new Set();
    const held = tenants.map(({ log }) => ({ tenant: log.tenant, position: log.position }));
    try {
      const news = await withDeadline(READ_MS, (call) => this.deps.catalog.log.newer(held, call));
      return new Set(tenants.filter((_, index) => isBehind(news[index])));
    } catch {
      // One of them may be why: each is asked by itself.
      return new Set(tenants);
    }
  }

  private async start(name: string): Promise<Tenant> {
    const { catalog, relay, failpoint, wallClock, monotonic } = this.deps;
    const { isLoaded, onStep, onReplaced, transportPolicy } = this.deps;
    const since = monotonic();
    const { budget } = this;
    const log = await TenantState.open(name, catalog, { report: this.deps.report, budget });
    if (onStep !== undefined) {
      log.onStep((step) => {
        onStep(name, step);
      });
    }
    if (onReplaced !== undefined) {
      log.onReplaced(() => {
        onReplaced(name);
      });
    }
    const tenant: Tenant = {
      log,
      committer: new Committer({ log, catalog, relay, failpoint, now: wallClock, transportPolicy }),
      hub: new WatchHub(log, (view) => isLoaded(tenant, view)),
      snapshots: new Snapshots(log, this.snapshotSlots),
      replays: new Replays({ log, catalog }, this.replaySlots),
      upstream: new Upstream(monotonic, this.upstreamLimits, since),
      transportPolicy,
    };
    this.open.set(name, tenant);
    return tenant;
  }
}

function isBehind(news: LogNews | undefined): boolean {
  return news === undefined || news.hasNewer || !news.isHeld;
}
