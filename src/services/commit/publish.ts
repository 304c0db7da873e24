import type { Position, StoredCommit } from '../../domain/commit.js';
import type { Failpoint } from '../../domain/failpoint.js';
import type { CallOptions } from '../../storage/call-options.js';
import type { Relay } from '../../storage/relay.js';
import type { TenantState } from '../replica/tenant-state.js';

export interface PublishDeps {
  readonly log: TenantState;
  readonly relay: Relay;
  readonly failpoint: Failpoint;
}

/** Commits in the log, and the place after which they are. */
export interface AppendedCommits {
  readonly after: Position;
  readonly commits: readonly StoredCommit[];
}

/**
 * Makes commits that were appended after a place visible here, and tells the other replicas.
 * Throws if the state cannot be brought to them.
 */
export async function publishCommits(
  { log, relay, failpoint }: PublishDeps,
  { after, commits }: AppendedCommits,
  call: CallOptions,
): Promise<void> {
  await failpoint('append.after');
  await failpoint('view.before');
  if (!log.advance(commits, true)) await log.catchUp(commits.at(-1)?.revision, call);
  await failpoint('relay.before');
  const { epoch, fingerprint } = after;
  const { tenant } = log;
  relay.publish({ kind: 'commits', tenant, epoch, previousFingerprint: fingerprint, commits });
  await failpoint('answer.before');
}
