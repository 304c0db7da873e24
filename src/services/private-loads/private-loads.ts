import { setMaxListeners } from 'node:events';
import { awaitedNamespace } from '../../domain/commands/load/source.js';
import { isSwitchboardError, SwitchboardError, type ErrorReason } from '../../domain/errors.js';
import type { LoadRecord } from '../../domain/load-record.js';
import type { UserView, View } from '../../domain/view.js';
import type { RelayedLoadFailure } from '../../storage/relay.js';
import { SingleFlight } from '../concurrency/single-flight.js';
import { createSlots, type Slots } from '../concurrency/slots.js';
import type { Step } from '../replica/tenant-state.js';
import type { Tenant } from '../tenants.js';
import { untilAborted } from '../concurrency/until-aborted.js';
import { LoadFailures } from './failures.js';
import { LoadClock } from './load-clock.js';
import { keyOf, targetKey, type LoadDeps, type LoadSource, type LoadTarget } from './load-deps.js';
import { DEFAULT_TTL_MS } from './private-source.js';
import { runLoad, type LoadRun } from './run-load.js';
import { SourceRefusals } from './source-refusals.js';

/** A load under way. */
interface LoadState {
  /** Whether a commit of the user's load may be its own. */
  isPublishing: boolean;
  /** One that begins when this one has ended, for those who force one. */
  next: Promise<void> | undefined;
}

/**
 * The private servers of users that come from a private source, loaded when a user shows
 * up. For one user one load runs at a time; a failure wakes all who wait, and each of them
 * has its own deadline. What was loaded is data in the log; what stands here can be lost.
 */
export class PrivateLoads {
  private readonly deps: LoadDeps;
  private readonly clock: LoadClock;
  private readonly failures: LoadFailures;
  private readonly flights = new SingleFlight<void, LoadState>();
  private readonly slots = new Map<string, Slots>();
  private readonly refusals: SourceRefusals;
  private readonly stop = new AbortController();

  constructor(deps: LoadDeps) {
    this.deps = deps;
    // Every load under way listens to it.
    setMaxListeners(0, this.stop.signal);
    this.clock = new LoadClock(deps.monotonic, deps.random);
    this.failures = new LoadFailures(deps.monotonic, deps.random);
    this.refusals = new SourceRefusals(deps);
  }

  /** Whether nothing has to be waited for; begins a refresh that is due. No I/O. */
  isReady(tenant: Tenant, view: View): boolean {
    if (view.kind !== 'user') return true;
    const { log } = tenant;
    const from = this.deps.sourceOf(log.tenant);
    const namespace = awaitedNamespace(log.privateSource(), from?.source.name);
    if (namespace === undefined) {
      if (from !== undefined) this.refusals.refuses(log);
      return true;
    }
    const target = { tenant, user: view.user };
    const load = log.loadOf(view.user);
    if (load?.state === 'purged') return true;
    if (!isOf(load, namespace)) return false;
    const ttlMs = from?.policy.ttlMs ?? DEFAULT_TTL_MS;
    const freshness = this.clock.freshness(targetKey(target), load, { ttlMs });
    if (freshness === 'due') this.refresh(target);
    return freshness !== 'expired';
  }

  /**
   * Resolves when what the view shows is loaded; its subjects have to be held. Throws why it
   * could not be, and the reason of the signal, which ends the waiting and not the load.
   */
  async ready(tenant: Tenant, view: View, signal: AbortSignal): Promise<void> {
    while (view.kind === 'user' && !this.isReady(tenant, view)) {
      const target = { tenant, user: view.user };
      this.refusals.demandAllowed(tenant.log);
      const failure = this.failures.pending(targetKey(target));
      if (failure !== undefined) throw failure;
      await untilAborted(this.begin(target, false), signal);
    }
  }

  /** The same for somebody who asks for the load itself. Throws USER_PURGED and SOURCE_REMOVED. */
  async demand(tenant: Tenant, view: UserView, signal: AbortSignal): Promise<void> {
    const refusal = this.refusals.errorOf(tenant.log);
    if (refusal?.reason === 'SOURCE_REMOVED') throw refusal;
    if (tenant.log.loadOf(view.user)?.state === 'purged') throw new SwitchboardError('USER_PURGED');
    await this.ready(tenant, view, signal);
  }

  /** A load that begins after this call, whatever is loaded; also ends a purge. */
  async reload(target: LoadTarget, signal: AbortSignal): Promise<void> {
    this.refusals.demandAllowed(target.tenant.log);
    const flight = this.flights.get(targetKey(target));
    const begin = (): Promise<void> => this.begin(target, true);
    const load =
      flight === undefined ? begin() : (flight.state.next ??= flight.done.then(begin, begin));
    load.catch(() => undefined);
    await untilAborted(load, signal);
  }

  /** Begins a load behind what there is, unless one is under way or waited out. */
  refresh(target: LoadTarget): void {
    if (this.refusals.refuses(target.tenant.log)) return;
    const key = targetKey(target);
    if (this.flights.get(key) !== undefined || this.failures.pending(key) !== undefined) return;
    // Who asks for the user next is told; nobody waits for this one.
    this.begin(target, false).catch(this.deps.onBackgroundError);
  }

  /** Resolves when no load of the user is under way, however it ended. */
  async settled(target: LoadTarget): Promise<void> {
    await this.flights.get(targetKey(target))?.done.catch(() => undefined);
  }

  /** Milliseconds until the user is to be loaded (anew); undefined if never. */
  dueInMs(target: LoadTarget): number | undefined {
    const { log } = target.tenant;
    if (this.refusals.refuses(log)) return undefined;
    const from = this.deps.sourceOf(log.tenant);
    const load = log.loadOf(target.user);
    const namespace = awaitedNamespace(log.privateSource(), from?.source.name);
    if (from === undefined || namespace === undefined || load?.state === 'purged') return undefined;
    const key = targetKey(target);
    const waiting = this.failures.pending(key)?.retryDelayMs;
    if (waiting !== undefined) return waiting;
    return isOf(load, namespace) ? this.clock.dueInMs(key, load, from.policy) : 0;
  }

  /** What this replica knows besides the load record. */
  progressOf(target: LoadTarget): {
    readonly loading: boolean;
    readonly failure: SwitchboardError | undefined;
  } {
    const key = targetKey(target);
    const failure = this.refusals.errorOf(target.tenant.log) ?? this.failures.last(key);
    return { loading: this.flights.get(key) !== undefined, failure };
  }

  /** Must be called for every commit of every open tenant. */
  onStep(tenant: string, { commit }: Step): void {
    for (const { after } of commit.loads ?? []) {
      const key = keyOf(tenant, after.user);
      this.clock.saw(key, after, this.flights.get(key)?.state.isPublishing === true);
      if (after.state === 'loaded') this.failures.succeeded(key);
    }
    const source = commit.source?.after;
    if (source !== undefined) this.refusals.refuses({ tenant, privateSource: () => source });
  }

  /** Takes note of a load that failed at another replica. */
  receiveFailure(failure: RelayedLoadFailure): void {
    const { tenant, user, source, reason, message } = failure;
    if (this.deps.sourceOf(tenant)?.source.name !== source) return;
    const load = this.deps.tenants.peek(tenant)?.log.loadOf(user);
    if ((load?.revision ?? 0) > failure.loadRevision) return;
    const { attempts, retryDelayMs } = failure;
    const error = new SwitchboardError(reason, message);
    this.failures.failedElsewhere(keyOf(tenant, user), { error, attempts, retryDelayMs });
  }

  /** Ends what is under way, and waits until nothing of it is left. */
  async close(): Promise<void> {
    this.stop.abort(new SwitchboardError('SHUTTING_DOWN', undefined, { retryDelayMs: 1_000 }));
    await this.flights.settled();
  }

  private begin(target: LoadTarget, isForced: boolean): Promise<void> {
    const state: LoadState = { isPublishing: false, next: undefined };
    return this.flights.join(targetKey(target), state, () =>
      this.load(target, {
        isForced,
        onPublishing: (isPublishing) => (state.isPublishing = isPublishing),
      }),
    );
  }

  private async load(
    target: LoadTarget,
    run: Pick<LoadRun, 'isForced' | 'onPublishing'>,
  ): Promise<void> {
    const key = targetKey(target);
    const from = this.deps.sourceOf(target.tenant.log.tenant);
    if (from === undefined) return;
    const { signal } = this.stop;
    try {
      await runLoad(this.deps, target, {
        ...run,
        from,
        slots: this.slotsOf(from),
        signal,
        failureElsewhere: () => this.failures.pending(key),
        onFailed: (error) => {
          this.failed(target, from, error);
        },
      });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      // Somebody purged the user meanwhile: there is nothing to be loaded.
      if (isSwitchboardError(error, 'USER_PURGED')) return;
      // Not remembered as a failure: it ends with the next change of the source in the log.
      if (this.refusals.refuses(target.tenant.log)) {
        if (run.isForced) throw error;
        return;
      }
      // What failed before the source could be asked is not known yet.
      if (this.failures.pending(key) === undefined) this.failures.failed(key, error);
      throw this.failures.pending(key) ?? error;
    }
  }

  /** Remembers a load that failed; of a failure of the source the other replicas hear too. */
  private failed({ tenant: { log }, user }: LoadTarget, from: LoadSource, cause: unknown): void {
    if (this.stop.signal.aborted || isSwitchboardError(cause, 'USER_PURGED')) return;
    if (this.refusals.refuses(log)) return;
    const failure = this.failures.failed(keyOf(log.tenant, user), cause);
    const { reason, message } = failure.error;
    if (!SOURCE_FAILURES.has(reason)) return;
    this.deps.relay.publish({
      kind: 'load-failed',
      tenant: log.tenant,
      user,
      source: from.source.name,
      loadRevision: log.loadOf(user)?.revision ?? 0,
      reason,
      message,
      attempts: failure.attempts,
      retryDelayMs: failure.retryDelayMs,
    });
  }

  private slotsOf({ source, policy }: LoadSource): Slots {
    const slots = this.slots.get(source.name) ?? createSlots(policy.concurrency);
    this.slots.set(source.name, slots);
    return slots;
  }
}

/** They would meet any replica that asks the source. */
const SOURCE_FAILURES = new Set<ErrorReason>(['SOURCE_UNAVAILABLE', 'SOURCE_TOO_LARGE']);

/** Whether it is a load that was completed, of the source that the tenant has now. */
function isOf(load: LoadRecord | undefined, namespace: string): load is LoadRecord {
  return load?.state === 'loaded' && load.source === namespace;
}
