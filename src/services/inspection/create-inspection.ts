import { SwitchboardError } from '../../domain/errors.js';
import type { TransportPolicy } from '../../domain/transport-policy.js';
import type { Step } from '../replica/tenant-state.js';
import { Flights } from './flights.js';
import { inspectServer } from './inspect-server.js';
import {
  INSPECTION_DEFAULTS,
  type InspectionDeps,
  type InspectionOptions,
  type InspectionSetup,
} from './inspection-deps.js';
import { scanEverything } from './scan.js';
import { Scheduler } from './scheduler.js';

/** The inspections of one replica. */
export interface Inspection {
  readonly inspectServer: (
    context: Parameters<typeof inspectServer>[1],
    id: string,
  ) => ReturnType<typeof inspectServer>;
  /** Must be told every commit of every open tenant. Does nothing unless `automatic`. */
  readonly onStep: (tenant: string, step: Step) => void;
  /** Ends what is under way, and waits until nothing of it is left. */
  close(): Promise<void>;
}

/** What inspections need of the replica around them. */
export interface InspectionSurroundings extends Pick<
  InspectionDeps,
  'tenants' | 'catalog' | 'onBackgroundError'
> {
  /** Where PRIVATE servers may be. */
  readonly policy: TransportPolicy;
  /** Milliseconds, monotonic. */
  readonly monotonic: () => number;
}

/** Makes the inspections; with `automatic` they begin by themselves. Without a setup there are none. */
export function createInspection(
  { monotonic, policy, ...around }: InspectionSurroundings,
  setup: InspectionSetup | undefined,
): Inspection {
  if (setup === undefined) return NO_INSPECTION;
  const { inspector, leases, replicaId, ...wanted } = setup;
  const options: InspectionOptions = { ...INSPECTION_DEFAULTS, ...wanted, policy };
  const deps: InspectionDeps = { ...around, inspector, leases, replicaId, options };
  const { timeoutMs, automatic } = options;
  const flights = new Flights(deps);
  const scheduler = new Scheduler(deps, flights);
  const stop = new AbortController();
  const scanning = automatic ? scanUntilDone(deps, scheduler, stop.signal) : undefined;
  const asked = { flights, tenants: deps.tenants, monotonic, timeoutMs };
  return {
    inspectServer: inspectServer.bind(null, asked),
    onStep: (tenant, step) => {
      if (automatic) scheduler.onStep(tenant, step);
    },
    async close() {
      stop.abort();
      scheduler.close();
      await flights.close();
      await scanning;
      await inspector.close();
    },
  };
}

const NO_INSPECTION: Inspection = {
  inspectServer: () =>
    Promise.reject(new SwitchboardError('UNSUPPORTED', 'this replica does not inspect')),
  onStep: () => undefined,
  close: () => Promise.resolve(),
};

/** Scans until it has come to the end. Never rejects. */
async function scanUntilDone(
  deps: InspectionDeps,
  scheduler: Scheduler,
  signal: AbortSignal,
): Promise<void> {
  while (!isAborted(signal)) {
    try {
      await scanEverything(deps, scheduler, signal);
      return;
    } catch (error) {
      if (isAborted(signal)) return;
      deps.onBackgroundError(error);
      await pause(deps.options.retry.firstMs, signal);
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms).unref();
    signal.addEventListener('abort', done, { once: true });
  });
}

// A function, because the compiler does not know that a signal changes during an await.
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
