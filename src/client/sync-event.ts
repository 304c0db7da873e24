import type { SwitchboardError } from '../domain/errors.js';

/**
 * What a client tells of the stream that it follows:
 * - `opened`: `resumed` says whether it goes on from where the one before ended. Otherwise,
 *   and after `reset`, a snapshot follows.
 * - `applied`: the view moved by one whole step: to a `snapshot` that replaced it, by a
 *   `commit`, or by a `subscription` that was added or dropped. `changed` counts the records.
 * - `reset`: what the client has does not continue; why.
 * - `facts_refused`: the control plane does not want to hear what this node learns of servers,
 *   for example because the token lacks the role `node`. It is told nothing more.
 */
export type SyncEvent =
  | { readonly type: 'opened'; readonly resumed: boolean; readonly servedBy: string }
  | {
      readonly type: 'applied';
      readonly step: 'snapshot' | 'commit' | 'subscription';
      readonly changed: number;
    }
  | { readonly type: 'reset'; readonly reason: string }
  | { readonly type: 'facts_refused'; readonly error: SwitchboardError };

/** Called synchronously; what it throws becomes a warning of the process. */
export type SyncEventListener = (event: SyncEvent) => void;

/** Calls `listener` such that what it throws harms nobody here. */
export function emitSyncEvent(listener: SyncEventListener | undefined, event: SyncEvent): void {
  try {
    listener?.(event);
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error), 'SyncEventListenerWarning');
  }
}
