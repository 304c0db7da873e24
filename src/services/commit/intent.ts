import type { Commit, Position, RequestKey } from '../../domain/commit.js';
import type { Decision, DecisionContext } from '../../domain/commands/decide.js';
import type { CallOptions } from '../../storage/call-options.js';

/** One write that waits for its decision. */
export interface WriteIntent {
  /**
   * Brings what the decision looks at into the state of the tenant and keeps it there until the
   * returned function is called. Called again before each new try.
   */
  readonly prepare: (call: CallOptions) => Promise<() => void>;
  /** The pure decision; undefined if nothing effective would change. Throws the refusal. */
  readonly decide: (context: DecisionContext) => Decision | undefined;
  /**
   * What `prepare` read for the decision besides that state: if a later commit concerns it,
   * it is prepared again.
   */
  readonly basis?: () => Basis | undefined;
  readonly actor: string;
  readonly reason: string;
  readonly request?: RequestKey;
  /** Decide, but append nothing. */
  readonly validateOnly: boolean;
  /**
   * Gives the write up when it aborts, at once: CANCELLED, or NOT_WRITTEN if time is over, as
   * long as it waits; OUTCOME_UNKNOWN while it is appended.
   */
  readonly signal?: AbortSignal;
}

/**
 * Something about records, about all that have a name, or about which of them were deleted,
 * as projections had it at a revision.
 */
export type Basis = { readonly revision: number } & (
  | { readonly ids: readonly string[] }
  | { readonly name: string }
  | { readonly deletionsOf: ReadonlySet<string> }
);

/** What became of a write: the commit that did it now or before, or the decision alone. */
export type WriteOutcome =
  | {
      readonly kind: 'committed';
      readonly commit: Commit;
      readonly position: Position;
      /** Whether the commit is that of an earlier request, which this one repeats. */
      readonly repeated: boolean;
    }
  | {
      readonly kind: 'unchanged';
      /** With `validateOnly`: what would have been appended. */
      readonly decision: Decision | undefined;
      readonly position: Position;
    };
