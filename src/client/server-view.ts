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
  /** Calls `listener` synchronously after each applied step. Answers a function that ends it. */
  onApplied(listener: AppliedListener): () => void;
}

/**
 * Is told the ids of the records that changed or went, undefined after a snapshot, when any
 * may have; and the names that those which changed have now: another server of such a name
 * may be shadowed by it.
 */
export type AppliedListener = (
  changedIds: ReadonlySet<string> | undefined,
  names: ReadonlySet<string>,
) => void;
