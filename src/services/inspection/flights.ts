import { SwitchboardError } from '../../domain/errors.js';
import { SingleFlight } from '../concurrency/single-flight.js';
import { inspectOnce, type InspectionOutcome, type InspectionRun } from './inspect-once.js';
import { targetKey, type InspectionDeps, type InspectionTarget } from './inspection-deps.js';

interface InspectionState {
  readonly stop: AbortController;
  /** Undefined until it has looked which one it inspects. */
  configHash: string | undefined;
}

/** Reason of an inspection whose configuration is no more. */
const OUTDATED = new SwitchboardError('CANCELLED', 'the configuration has changed');

/** The inspections under way: of one server at most one, which all share who ask. */
export class Flights {
  private readonly deps: InspectionDeps;
  private readonly flights = new SingleFlight<InspectionOutcome, InspectionState>();
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
    const state: InspectionState = { stop: new AbortController(), configHash: undefined };
    return this.flights.join(targetKey(target), state, () =>
      this.inspect(target, {
        ...run,
        signal: state.stop.signal,
        onConfig: (configHash) => {
          state.configHash = configHash;
        },
      }),
    );
  }

  /**
   * Ends the inspection of `target` unless it is of this configuration: who waits for it
   * is told that it is outdated. One that has not looked yet was planned for another one.
   */
  supersede(target: InspectionTarget, configHash: string | undefined): void {
    const key = targetKey(target);
    const flight = this.flights.get(key);
    if (flight === undefined || flight.state.configHash === configHash) return;
    this.flights.leave(key);
    flight.state.stop.abort(OUTDATED);
  }

  /** Ends all inspections and waits until they have ended. */
  async close(): Promise<void> {
    this.closed = true;
    for (const { state } of this.flights.flights()) state.stop.abort(closing());
    await this.flights.settled();
  }

  private async inspect(target: InspectionTarget, run: InspectionRun): Promise<InspectionOutcome> {
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
