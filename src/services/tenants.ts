import { decodeCommit } from '../domain/commit.js';
import type { Failpoint } from '../domain/failpoint.js';
import { SwitchboardError } from '../domain/errors.js';
import type { Catalog } from '../storage/catalog.js';
import type { Relay, RelayedCommits } from '../storage/relay.js';
import { Committer } from './commit/committer.js';
import { validateId } from './request.js';
import { TENANT_LIMITS, type TenantLimits } from './replica/tenant-limits.js';
import { TenantState, type Step } from './replica/tenant-state.js';
import { WatchHub } from './watch/hub.js';

/** A tenant in use at this replica. */
export interface Tenant {
  readonly log: TenantState;
  readonly committer: Committer;
  readonly hub: WatchHub;
}

export interface TenantsDeps {
  readonly catalog: Catalog;
  readonly relay: Relay;
  readonly failpoint: Failpoint;
  /** Milliseconds since 1970, for people. */
  readonly wallClock: () => number;
  readonly maxSnapshots: number;
  /** Tenants kept although nobody watches them. Default 1000. */
  readonly idleTenants?: number;
  readonly logLimits?: TenantLimits;
  /** Told of each commit of each open tenant, as `TenantState.onStep` tells. */
  readonly onStep?: (tenant: string, step: Step) => void;
}

const RETRY_SOON = { retryDelayMs: 1_000 };

/** The tenants in use at this replica, opened at their first use. */
export class Tenants {
  private readonly deps: TenantsDeps;
  private readonly open = new Map<string, Tenant>();
  private readonly opening = new Map<string, Promise<Tenant>>();

  constructor(deps: TenantsDeps) {
    this.deps = deps;
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
      this.open.delete(name);
      excess -= 1;
    }
  }

  /**
   * Brings every open tenant to the head of its log. One that cannot follow its log any
   * more is closed, its streams with it, and opened anew at its next use; it holds up no
   * other. Throws what else went wrong, after all were tried.
   */
  async follow(): Promise<void> {
    const errors: unknown[] = [];
    for (const [name, { log, hub }] of [...this.open]) {
      try {
        await log.catchUp();
      } catch (error) {
        errors.push(error);
        if (!log.isLost) continue;
        hub.endAll(() => new SwitchboardError('CATALOG_UNAVAILABLE', undefined, RETRY_SOON));
        hub.close();
        if (this.open.get(name)?.log === log) this.open.delete(name);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'not every tenant could be followed');
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

  private async start(name: string): Promise<Tenant> {
    const { catalog, relay, failpoint, wallClock, maxSnapshots, onStep } = this.deps;
    const log = await TenantState.open(name, catalog, this.deps.logLimits ?? TENANT_LIMITS);
    if (onStep !== undefined) {
      log.onStep((step) => {
        onStep(name, step);
      });
    }
    const tenant: Tenant = {
      log,
      committer: new Committer({ log, catalog, relay, failpoint, now: wallClock }),
      hub: new WatchHub(log, maxSnapshots),
    };
    this.open.set(name, tenant);
    return tenant;
  }
}
