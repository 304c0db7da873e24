import { SwitchboardError } from '../../domain/errors.js';
import { inspectOnce, type InspectionOutcome, type InspectionRun } from './inspect-once.js';
import { targetKey, type InspectionDeps, type InspectionTarget } from './inspection-deps.js';

interface Flight {
  readonly outcome: Promise<InspectionOutcome>;
  readonly stop: AbortController;
  /** Undefined until it has looked which one it inspects. */
  configHash: string | undefined;
}

/** Reason of an inspection whose configuration is no more. */
const OUTDATED = new SwitchboardError('CANCELLED', 'the configuration has changed');

/** The inspections under way: of one server at most one, which all share who ask. */
export class Flights {
  private readonly deps: InspectionDeps;
  private readonly flights = new Map<string, Flight>();
  /** Also those that were superseded and are ending. */
  private readonly all = new Set<Flight>();
  private closed = false;

  constructor(deps: InspectionDeps) {
    this.deps = deps;
  }

  /** Joins the inspection of `target` that is under way, or begins one. */
  join(
    target: InspectionTarget,
    run: Pick<InspectionRun, 'timeoutMs' | 'knownFailures'>,
  ): Promise<InspectionOutcome> {
    if (this.closed) return Promise.reject(closing());
    const key = targetKey(target);
    const known = this.flights.get(key);
    if (known !== undefined) return known.outcome;
    const stop = new AbortController();
    const flight: Flight = {
      stop,
      configHash: undefined,
      outcome: this.fly(target, {
        ...run,
        signal: stop.signal,
        onConfig: (configHash) => {
          flight.configHash = configHash;
        },
      }).finally(() => {
        this.all.delete(flight);
        if (this.flights.get(key) === flight) this.flights.delete(key);
      }),
    };
    // Nobody may wait for it any more when it fails.
    flight.outcome.catch(() => undefined);
    this.flights.set(key, flight);
    this.all.add(flight);
    return flight.outcome;
  }

  /**
   * Ends the inspection of `target` unless it is of this configuration: who waits for it
   * is told that it is outdated. One that has not looked yet was planned for another one.
   */
  supersede(target: InspectionTarget, configHash: string | undefined): void {
    const key = targetKey(target);
    const flight = this.flights.get(key);
    if (flight === undefined || flight.configHash === configHash) return;
    this.flights.delete(key);
    flight.stop.abort(OUTDATED);
  }

  /** Ends all inspections and waits until they have ended. */
  async close(): Promise<void> {
    this.closed = true;
    const ending = [...this.all];
    for (const { stop } of ending) stop.abort(closing());
    await Promise.allSettled(ending.map(({ outcome }) => outcome));
  }

  private async fly(target: InspectionTarget, run: InspectionRun): Promise<InspectionOutcome> {
    // Not in the turn of whoever asks: that may be a commit which is not visible yet.
    await Promise.resolve();
    try {
      return await inspectOnce(this.deps, target, run);
    } catch (error) {
      if (run.signal.reason === OUTDATED) return { kind: 'outdated' };
      throw run.signal.aborted ? run.signal.reason : error;
    }
  }
}

function closing(): SwitchboardError {
  return new SwitchboardError('SHUTTING_DOWN', undefined, { retryDelayMs: 1_000 });
}
