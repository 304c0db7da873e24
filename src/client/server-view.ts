import type { KnownServer } from '../domain/server.js';
import type { ReaderView } from '../domain/view.js';

export type { KnownServer };

/**
 * What the node knows, answered at once from memory. It moves by whole commits; what it
 * answers within one turn of the event loop is of one revision.
 */
export interface ServerView {
  /**
   * The server that `name` resolves to in `view`; undefined if none. Throws ClientError
   * VIEW_UNKNOWN for a view that is not, or no longer, known here.
   */
  resolve(name: string, view: ReaderView): KnownServer | undefined;
  /** The server of `id` if `view` may see it, shadowed or not; undefined otherwise. */
  find(id: string, view: ReaderView): KnownServer | undefined;
  /** All servers that `resolve` finds in `view`, ordered by name. Throws like `resolve`. */
  list(view: ReaderView): readonly KnownServer[];
  /**
   * Calls `listener` synchronously after each applied step, with the ids of the records
   * that changed or went; undefined after a snapshot, when any may have. Answers a
   * function that ends it.
   */
  onApplied(listener: (changedIds: ReadonlySet<string> | undefined) => void): () => void;
}
