import { randomUUID } from 'node:crypto';
import { configHash } from '../../../src/domain/config/config-hash.js';
import { connectionScope } from '../../../src/domain/config/connection-scope.js';
import {
  placeCommit,
  positionOf,
  type AccessChange,
  type Cause,
  type Change,
  type Commit,
  type CommitDraft,
  type Position,
  type StoredCommit,
  type RequestKey,
} from '../../../src/domain/commit.js';
import { digestText } from '../../../src/domain/digest.js';
import type { Grant, ServerRecord, Tier } from '../../../src/domain/server.js';
import { SPEC_DEFAULTS, type ServerSpec } from '../../../src/domain/config/spec.js';
import type { Subject } from '../../../src/domain/view.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import type { AppendOutcome, LogBatch } from '../../../src/storage/log.js';

/** What a test says about a record; everything else has a plain value. */
export interface RecordParts {
  readonly id?: string;
  readonly name?: string;
  readonly tier?: Tier;
  readonly owner?: string;
  readonly title?: string;
  readonly spec?: Partial<ServerSpec>;
  readonly revision?: number;
  readonly lastUpdatedAt?: number;
  readonly set?: string;
  readonly generation?: number;
  readonly externalId?: string;
  readonly privateSource?: string;
}

/** A record; USER unless it has an owner, then PRIVATE. */
export function recordOf(parts: RecordParts = {}): ServerRecord {
  const id = parts.id ?? `srv-${randomUUID()}`;
  const tier = parts.tier ?? (parts.owner === undefined ? 'USER' : 'PRIVATE');
  const spec: ServerSpec = {
    ...SPEC_DEFAULTS,
    transport: { kind: 'streamable_http', url: 'https://mcp.example/mcp', headers: {} },
    title: parts.title ?? '',
    ...parts.spec,
  };
  const revision = parts.revision ?? 1;
  return {
    id,
    name: parts.name ?? id,
    externalId: parts.externalId ?? '',
    set: parts.set ?? '',
    ...(parts.privateSource === undefined ? {} : { privateSource: parts.privateSource }),
    tier,
    ...(parts.owner === undefined ? {} : { owner: parts.owner }),
    spec,
    etag: digestText('etag', id, String(revision)),
    accessEtag: digestText('access', id, String(revision)),
    factsEtag: '',
    generation: parts.generation ?? revision,
    configHash: configHash({ tier, spec }),
    scope: connectionScope(tier, spec).scope,
    createTime: 1_700_000_000_000,
    lastUpdatedAt: parts.lastUpdatedAt ?? 1_700_000_000_000 + revision,
    revision,
  };
}

/** Grants given at one revision. */
export function grantsAt(revision: number, ...subjects: readonly Subject[]): readonly Grant[] {
  return subjects.map((subject) => ({ subject, revision }));
}

/** A change that creates, updates or deletes, by which sides it has. */
export function changeOf(
  before: ServerRecord | undefined,
  after: ServerRecord | undefined,
  access?: Partial<AccessChange>,
): Change {
  return {
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    ...(access === undefined
      ? {}
      : { access: { granted: access.granted ?? [], revoked: access.revoked ?? [] } }),
  };
}

/** A draft of these changes; its cause follows from the first. */
export function draftOf(
  changes: Change | readonly Change[],
  more: Partial<CommitDraft> & { readonly request?: RequestKey } = {},
): CommitDraft {
  const list = Array.isArray(changes) ? (changes as readonly Change[]) : [changes as Change];
  return {
    cause: causeOf(list[0]),
    actor: 'tester',
    reason: '',
    time: 1_700_000_000_000,
    changes: list,
    ...more,
  };
}

/** A draft that creates a record. */
export function creation(parts: RecordParts = {}, granted: readonly Grant[] = []): CommitDraft {
  const access = granted.length === 0 ? undefined : { granted };
  return draftOf(changeOf(undefined, recordOf(parts), access));
}

/** A batch of these drafts, in their places after `after`. */
export function batchOf(
  after: Position,
  drafts: readonly CommitDraft[],
  batchId: string = randomUUID(),
): LogBatch {
  return { after, batchId, commits: placeAll(after, drafts) };
}

/** Gives each draft its place after the one before. */
export function placeAll(after: Position, drafts: readonly CommitDraft[]): readonly StoredCommit[] {
  const commits: StoredCommit[] = [];
  let position = after;
  for (const draft of drafts) {
    const commit = placeCommit(draft, position);
    commits.push(commit);
    position = positionOf(after.epoch, commit);
  }
  return commits;
}

/** Appends the drafts as one batch at the head; throws if someone else was first. */
export async function appendAtHead(
  catalog: Catalog,
  tenant: string,
  ...drafts: readonly CommitDraft[]
): Promise<{ readonly batch: LogBatch; readonly outcome: AppendOutcome }> {
  const batch = batchOf(await catalog.log.head(tenant), drafts);
  const outcome = await catalog.log.append(tenant, batch);
  if (!outcome.appended) throw new Error('the log moved while the test appended');
  return { batch, outcome };
}

/** Appends like a committer: whoever loses the place takes the next one. */
export async function appendUntilPlaced(
  catalog: Catalog,
  tenant: string,
  draft: CommitDraft,
): Promise<Position> {
  let after = await catalog.log.head(tenant);
  for (;;) {
    const { appended, head } = await catalog.log.append(tenant, batchOf(after, [draft]));
    if (appended) return head;
    after = head;
  }
}

/** The whole retained log, read in pieces. */
export async function readLog(
  catalog: Catalog,
  tenant: string,
  from?: number,
): Promise<readonly Commit[]> {
  const commits: StoredCommit[] = [];
  let after = from ?? 0;
  for (;;) {
    const slice = await catalog.log.read(tenant, after);
    const tail = slice.commits.at(-1);
    if (tail === undefined) return commits;
    commits.push(...slice.commits);
    after = tail.revision;
  }
}

function causeOf(change: Change | undefined): Cause {
  if (change?.before === undefined) return 'CREATE';
  return change.after === undefined ? 'DELETE' : 'UPDATE';
}
