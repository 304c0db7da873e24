import { decideFacts, type Finding } from '../../domain/commands/facts.js';
import type { Position } from '../../domain/commit.js';
import type { ServerRecord } from '../../domain/server.js';
import type { Tenant } from '../tenants.js';

/** What became of a finding. */
export interface RecordedFinding {
  /** Whether it was written; if not, it was known, or of another configuration. */
  readonly written: boolean;
  /** The server as it is now; undefined if there is none. */
  readonly record: ServerRecord | undefined;
  readonly position: Position;
}

/** Appends the facts of `finding` in the name of `actor`. Throws as every write does. */
export async function commitFacts(
  { log, committer }: Pick<Tenant, 'log' | 'committer'>,
  finding: Finding,
  actor: string,
): Promise<RecordedFinding> {
  let current: ServerRecord | undefined;
  const outcome = await committer.submit({
    prepare: (call) => log.holdRecords([finding.id], call),
    decide: (context) => {
      current = context.state.byId(finding.id)?.record;
      return decideFacts(context, finding);
    },
    actor,
    reason: '',
    validateOnly: false,
  });
  const { position } = outcome;
  if (outcome.kind === 'unchanged') return { written: false, record: current, position };
  return { written: true, record: outcome.commit.changes[0]?.after, position };
}
