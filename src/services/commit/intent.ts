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

/** What projections had at a revision. A commit after it that concerns any of it makes it old. */
export interface Basis {
  readonly revision: number;
  /** Records of these ids. */
  readonly ids?: readonly string[];
  /** All that have one of these names. */
  readonly names?: ReadonlySet<string>;
  /** Which of these were deleted. */
  readonly deletionsOf?: ReadonlySet<string>;
}

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
