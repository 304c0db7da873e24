import { setMaxListeners } from 'node:events';
import { isSwitchboardError, SwitchboardError } from '../../domain/errors.js';
import type { CallOptions } from '../../storage/call-options.js';
import type { UndecidedWrite } from './decide-batch.js';
import type { WriteIntent, WriteOutcome } from './intent.js';
import type { LookedUp } from './known-request.js';

/** When a write that was not written may be tried again. Milliseconds. */
export const RETRY_DELAY_MS = 100;

/** A write from when it is submitted until it is settled, which happens once. */
export class PendingWrite implements UndecidedWrite {
  readonly intent: WriteIntent;
  readonly outcome: Promise<WriteOutcome>;
  lookedUp: LookedUp | undefined;
  /** Whether a batch with it was given to the store, so that it may be written. */
  mayBeWritten = false;
  /** Aborts when the caller gives the write up. */
  readonly signal: AbortSignal | undefined;
  private readonly controller: AbortController | undefined;
  private settled = false;
  private readonly releases: (() => void)[] = [];
  private resolve: (outcome: WriteOutcome) => void = () => undefined;
  private reject: (error: unknown) => void = () => undefined;

  constructor(intent: WriteIntent) {
    this.intent = intent;
    this.outcome = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    const { signal } = intent;
    if (signal === undefined) return;
    // A set of thousands of writes has one signal, on which each listener costs more than the
    // one before: what waits for this write listens to a signal of its own.
    this.controller = new AbortController();
    this.signal = this.controller.signal;
    setMaxListeners(0, this.signal);
    signal.addEventListener('abort', this.giveUp);
    if (signal.aborted) this.giveUp();
  }

  get isSettled(): boolean {
    return this.settled;
  }

  /** Brings in what the decision looks at, and keeps it until the write is settled. */
  async prepare(call: CallOptions): Promise<void> {
    const release = await this.intent.prepare(call);
    // It may come when nobody waits for it any more.
    if (this.settled) release();
    else this.releases.push(release);
  }

  succeed(outcome: WriteOutcome): void {
    if (this.end()) this.resolve(outcome);
  }

  /** Refuses it. A Catalog that could not be read is NOT_WRITTEN: only appending writes (rule 12). */
  fail(error: unknown): void {
    if (this.end()) this.reject(asWriteError(error));
  }

  private readonly giveUp = (): void => {
    this.fail(this.mayBeWritten ? new SwitchboardError('OUTCOME_UNKNOWN') : this.givenUp());
    this.controller?.abort(this.intent.signal?.reason);
  };

  private givenUp(): SwitchboardError {
    const isLate = isSwitchboardError(this.intent.signal?.reason, 'DEADLINE_EXCEEDED');
    const reason = isLate ? 'NOT_WRITTEN' : 'CANCELLED';
    return new SwitchboardError(reason, 'the call ended before its turn');
  }

  private end(): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.intent.signal?.removeEventListener('abort', this.giveUp);
    for (const release of this.releases) release();
    return true;
  }
}

function asWriteError(error: unknown): unknown {
  const couldNotRead =
    isSwitchboardError(error, 'CATALOG_UNAVAILABLE') ||
    isSwitchboardError(error, 'DEADLINE_EXCEEDED');
  if (!couldNotRead) return error;
  const { retryDelayMs = RETRY_DELAY_MS } = error;
  return new SwitchboardError('NOT_WRITTEN', undefined, { retryDelayMs, cause: error });
}
