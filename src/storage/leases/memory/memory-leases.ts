import { SwitchboardError } from '../../../domain/errors.js';
import type { Leases } from '../../leases.js';

/** One who asked for a key. The first of a key's queue holds the lease. */
interface Claim {
  readonly start: () => void;
  readonly lose: (error: SwitchboardError) => void;
}

/**
 * Opens Leases within this process: first come, first served. They can always be had, and
 * as nobody else can take one, `ttlMs` plays no part: it is held until its body ends.
 * `close` aborts the signals of those that are held, without waiting for their bodies. A
 * body that asks for its own key waits for ever.
 */
export function openMemoryLeases(): Promise<Leases> {
  const queues = new Map<string, Claim[]>();
  let closed = false;

  const enter = (key: string, claim: Claim): void => {
    const queue = queues.get(key);
    if (queue !== undefined) {
      queue.push(claim);
      return;
    }
    queues.set(key, [claim]);
    claim.start();
  };
  const leave = (key: string, claim: Claim): void => {
    const queue = queues.get(key) ?? [];
    const at = queue.indexOf(claim);
    if (at < 0) return;
    queue.splice(at, 1);
    if (queue.length === 0) queues.delete(key);
    else if (at === 0) queue[0]?.start();
  };

  return Promise.resolve({
    withLease: async (key, { signal }, body) => {
      if (closed) throw closedError();
      refuseAborted(signal);
      const lost = new AbortController();
      const claim = await claimOf({ key, signal, lost, enter, leave });
      try {
        // Either may have come between the claim's turn and this moment.
        if (lost.signal.aborted) throw closedError();
        refuseAborted(signal);
        return await body({ key, isHeld: true, signal: lost.signal });
      } finally {
        leave(key, claim);
      }
    },
    close: () => {
      closed = true;
      const claims = [...queues.values()].flat();
      queues.clear();
      for (const claim of claims) claim.lose(closedError());
      return Promise.resolve();
    },
  });
}

interface Asking {
  readonly key: string;
  readonly signal: AbortSignal | undefined;
  readonly lost: AbortController;
  readonly enter: (key: string, claim: Claim) => void;
  readonly leave: (key: string, claim: Claim) => void;
}

/** Resolves once the lease is held. */
function claimOf({ key, signal, lost, enter, leave }: Asking): Promise<Claim> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      leave(key, claim);
      reject(cancelled(signal));
    };
    const claim: Claim = {
      start: () => {
        signal?.removeEventListener('abort', giveUp);
        resolve(claim);
      },
      lose: (error) => {
        signal?.removeEventListener('abort', giveUp);
        lost.abort(error);
        reject(error);
      },
    };
    signal?.addEventListener('abort', giveUp, { once: true });
    enter(key, claim);
  });
}

function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelled(signal);
}

function closedError(): SwitchboardError {
  return new SwitchboardError('CLOSED', 'the leases are closed');
}

function cancelled(signal: AbortSignal | undefined): SwitchboardError {
  return new SwitchboardError('CANCELLED', undefined, { cause: signal?.reason });
}
