import { placeCommit, positionOf, type Position } from '../../../src/domain/commit.js';
import type { Decision, DecisionContext } from '../../../src/domain/commands/decide.js';
import { isSwitchboardError, type ErrorReason } from '../../../src/domain/errors.js';
import { Overlay, RecordSet } from '../../../src/domain/record-set.js';
import type { Grant, ServerRecord, StoredServer } from '../../../src/domain/server.js';
import type { TransportPolicy } from '../../../src/domain/transport-policy.js';
import { OPEN_POLICY } from '../transport-policy.js';

/** A log of decisions: what is decided at its end is applied to it. */
export interface DecisionLog {
  /** The end of the log. */
  context(): DecisionContext;
  /** Commits a decision; answers the first record of it. */
  apply(decision: Decision | undefined): ServerRecord | undefined;
  /** Puts a record with its grants there, as it is. */
  put(record: ServerRecord, grants?: readonly Grant[]): void;
  /** A server that is there. */
  server(id: string): StoredServer;
}

/** An empty log of decisions; the clock can be moved. */
export function decisionLog(
  clock: { now: number } = { now: 1_000 },
  transportPolicy: TransportPolicy = OPEN_POLICY,
): DecisionLog {
  const state = new Overlay(new RecordSet());
  let after: Position = { epoch: 'epoch', revision: 0, fingerprint: '' };
  const apply = (decision: Decision | undefined): ServerRecord | undefined => {
    if (decision === undefined) return undefined;
    const { cause, changes } = decision;
    const draft = { cause, actor: 'a', reason: '', time: clock.now, changes };
    const commit = placeCommit(draft, after);
    state.apply(commit);
    after = positionOf('epoch', commit);
    return changes[0]?.after;
  };
  return {
    context: () => ({ state, after, actor: 'root', now: clock.now, transportPolicy }),
    apply,
    put: (record, grants = []) => {
      const access = { granted: grants, revoked: [] };
      apply({ cause: 'CREATE', changes: [{ after: record, access }] });
    },
    server: (id) => {
      const server = state.byId(id);
      if (server === undefined) throw new Error(`no server ${id}`);
      return server;
    },
  };
}

/** With what `body` is refused; undefined if it is not. */
export function refusalOf(body: () => unknown): ErrorReason | undefined {
  try {
    body();
    return undefined;
  } catch (error) {
    if (!isSwitchboardError(error)) throw error;
    return error.reason;
  }
}
