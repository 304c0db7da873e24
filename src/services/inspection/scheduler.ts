import { backoffMs } from '../../domain/backoff.js';
import { currentFailure, inspectionPlan } from '../../domain/inspection.js';
import type { ServerRecord } from '../../domain/server.js';
import type { Step } from '../replica/tenant-state.js';
import type { Flights } from './flights.js';
import { targetKey, type InspectionDeps, type InspectionTarget } from './inspection-deps.js';

interface Job extends InspectionTarget {
  /** See InspectionRun. */
  readonly knownFailures: number;
  /** How often recording the result failed. */
  readonly errors: number;
}

/** Ready jobs, times the concurrency, above which a scan of everything waits. */
const READY_PER_SLOT = 4;

/** The longest that a stored delay is believed. */
const MAX_DELAY_MS = 24 * 3_600_000;

/**
 * Decides when this replica inspects which server. It learns of changes from the log only
 * (`onStep`, `consider`), holds nothing but what is to be done, and does not need a
 * tenant to stay open: what is due opens it again.
 *
 * A server is ready (in order of arrival), runs, or is due later; a change of its
 * configuration ends what runs and makes it ready again.
 */
export class Scheduler {
  private readonly deps: InspectionDeps;
  private readonly flights: Flights;
  private readonly ready = new Map<string, Job>();
  private readonly due = new Map<string, NodeJS.Timeout>();
  private readonly waiters = new Set<() => void>();
  private running = 0;
  private closed = false;

  constructor(deps: InspectionDeps, flights: Flights) {
    this.deps = deps;
    this.flights = flights;
  }

  /** Takes note of a commit. */
  onStep(tenant: string, { commit }: Step): void {
    for (const { before, after } of commit.changes) {
      const id = (after ?? before)?.id ?? '';
      const target = { tenant, id };
      if (after === undefined) this.forget(target);
      else if (commit.cause === 'FACTS') this.consider(target, after);
      else if (before === undefined || isOther(before, after)) this.restart(target, after);
    }
  }

  /** Plans what the record says is to be done, and drops what was planned before. */
  consider(target: InspectionTarget, record: ServerRecord): void {
    this.unplan(target);
    const plan = inspectionPlan(record, this.deps.options);
    if (plan.kind === 'none') return;
    const job = jobOf(target, record);
    if (plan.kind === 'now') this.makeReady(job);
    else this.wait(job, plan.delayMs);
  }

  /** As `consider`, at the start: what failed is tried at once. Resolves when there is room. */
  async offer(target: InspectionTarget, record: ServerRecord): Promise<void> {
    if (inspectionPlan(record, this.deps.options).kind === 'none') return;
    while (!this.closed && this.ready.size >= this.deps.options.concurrency * READY_PER_SLOT) {
      await new Promise<void>((resolve) => this.waiters.add(resolve));
    }
    // Whatever the log brought meanwhile is newer.
    const key = targetKey(target);
    if (this.ready.has(key) || this.due.has(key)) return;
    this.makeReady(jobOf(target, record));
  }

  /** Plans nothing any more. What runs is ended by the flights. */
  close(): void {
    this.closed = true;
    for (const timer of this.due.values()) clearTimeout(timer);
    this.due.clear();
    this.ready.clear();
    this.wake();
  }

  private restart(target: InspectionTarget, record: ServerRecord): void {
    this.flights.supersede(target, record.configHash);
    this.consider(target, record);
  }

  private forget(target: InspectionTarget): void {
    this.flights.supersede(target, undefined);
    this.unplan(target);
  }

  private unplan(target: InspectionTarget): void {
    const key = targetKey(target);
    this.ready.delete(key);
    clearTimeout(this.due.get(key));
    this.due.delete(key);
  }

  private makeReady(job: Job): void {
    if (this.closed) return;
    this.ready.set(targetKey(job), job);
    this.pump();
  }

  private wait(job: Job, delayMs: number): void {
    if (this.closed) return;
    const key = targetKey(job);
    clearTimeout(this.due.get(key));
    const timer = setTimeout(
      () => {
        this.due.delete(key);
        this.makeReady(job);
      },
      Math.min(delayMs, MAX_DELAY_MS),
    );
    this.due.set(key, timer.unref());
  }

  private pump(): void {
    while (this.running < this.deps.options.concurrency) {
      const [next] = this.ready;
      if (next === undefined) break;
      const [key, job] = next;
      this.ready.delete(key);
      this.running += 1;
      void this.run(job).finally(() => {
        this.running -= 1;
        this.pump();
      });
    }
    this.wake();
  }

  /** Never rejects. What was recorded is planned anew when its commit comes. */
  private async run(job: Job): Promise<void> {
    const { options, onBackgroundError } = this.deps;
    try {
      const { timeoutMs } = options;
      await this.flights.join(job, { timeoutMs, knownFailures: job.knownFailures });
    } catch (error) {
      if (this.closed) return;
      onBackgroundError(error);
      const key = targetKey(job);
      if (this.ready.has(key) || this.due.has(key)) return;
      const { firstMs, maxMs } = options.retry;
      const errors = job.errors + 1;
      const delayMs = backoffMs({ firstMs, maxMs, jitter: 0.5 }, errors, options.random());
      this.wait({ ...job, errors }, delayMs);
    }
  }

  private wake(): void {
    for (const resolve of this.waiters) resolve();
    this.waiters.clear();
  }
}

function jobOf(target: InspectionTarget, record: ServerRecord): Job {
  return { ...target, knownFailures: currentFailure(record)?.attempts ?? 0, errors: 0 };
}

function isOther(before: ServerRecord, after: ServerRecord): boolean {
  return before.configHash !== after.configHash || before.spec.enabled !== after.spec.enabled;
}
