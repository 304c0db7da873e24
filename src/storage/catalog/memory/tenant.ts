import {
  decodeCommit,
  positionOf,
  samePosition,
  type EncodedCommit,
  type Position,
  type StoredCommit,
} from '../../../domain/commit.js';
import type { Failpoint } from '../../../domain/failpoint.js';
import type { LogBatch, LogNews, LogSlice } from '../../log.js';
import { forgetAnswers } from './queries.js';
import { applyCommit, createRows, type Rows } from './rows.js';

/** A batch in the log. Emptied by compaction, it keeps its place and what it ends with. */
interface Document {
  readonly first: number;
  readonly batchId: string;
  readonly last: Position;
  commits: readonly EncodedCommit[];
}

/** The log of one tenant and its projections. */
export interface MemoryTenant {
  readonly epoch: string;
  readonly documents: Document[];
  readonly rows: Rows;
  mark: number;
}

export function createTenant(epoch: string): MemoryTenant {
  return { epoch, documents: [], rows: createRows(), mark: 0 };
}

export function headOf({ epoch, documents }: MemoryTenant): Position {
  return documents.at(-1)?.last ?? { epoch, revision: 0, fingerprint: '' };
}

/** Whether the batch lies where it belongs already. */
export function isInPlace(tenant: MemoryTenant, { after, batchId }: LogBatch): boolean {
  const holder = documentOf(tenant, after.revision + 1);
  if (holder === undefined || after.epoch !== tenant.epoch) return false;
  return holder.first === after.revision + 1 && holder.batchId === batchId;
}

/** Adds a batch at its place, which is the end. Nothing of the caller's objects is kept. */
export function addBatch(tenant: MemoryTenant, { after, batchId, commits }: LogBatch): void {
  const encoded = commits.map(({ revision, fingerprint, body }) => ({
    revision,
    fingerprint,
    body,
  }));
  const last = encoded.at(-1);
  if (last === undefined) return;
  const place = positionOf(tenant.epoch, last);
  tenant.documents.push({ first: after.revision + 1, batchId, last: place, commits: encoded });
  for (const commit of encoded) applyCommit(tenant.rows, decodeCommit(commit));
}

/** Commits after `after`: at least one if there is any, then about `limitBytes`. */
export function sliceOf(tenant: MemoryTenant, after: number, limitBytes: number): LogSlice {
  const head = headOf(tenant);
  const { mark } = tenant;
  const commits: StoredCommit[] = [];
  if (after < mark) return { commits, head, mark };
  let budget = limitBytes;
  for (const document of tenant.documents.slice(indexOf(tenant, after + 1))) {
    for (const encoded of document.commits) {
      if (encoded.revision <= after) continue;
      budget -= encoded.body.length;
      if (commits.length > 0 && budget < 0) return { commits, head, mark };
      commits.push(decodeCommit(encoded));
    }
  }
  return { commits, head, mark };
}

/** The place of a revision that is not below the mark and not beyond the head. */
export function positionIn(tenant: MemoryTenant, revision: number): Position | undefined {
  if (revision < tenant.mark || !Number.isInteger(revision)) return undefined;
  if (revision === 0) return { epoch: tenant.epoch, revision: 0, fingerprint: '' };
  const document = documentOf(tenant, revision);
  if (document?.last.revision === revision) return document.last;
  const commit = document?.commits.find((candidate) => candidate.revision === revision);
  return commit && positionOf(tenant.epoch, commit);
}

export function newsOf(tenant: MemoryTenant, position: Position): Omit<LogNews, 'tenant'> {
  const now = positionIn(tenant, position.revision);
  return {
    epoch: tenant.epoch,
    isHeld: now !== undefined && samePosition(now, position),
    hasNewer: headOf(tenant).revision > position.revision,
  };
}

/** `compact` of the log's contract: answers, then the mark, then the documents (rule 3). */
export async function compactTenant(
  tenant: MemoryTenant,
  upTo: number,
  { answersBefore, failpoint }: { readonly answersBefore: number; readonly failpoint: Failpoint },
): Promise<number> {
  forgetAnswers(tenant.rows, answersBefore);
  await failpoint('compact.forgotten');
  const ends = tenant.documents.map(({ last }) => last.revision).filter((end) => end <= upTo);
  tenant.mark = Math.max(tenant.mark, ends.at(-1) ?? 0);
  await failpoint('compact.marked');
  for (const document of tenant.documents) {
    if (document.last.revision > tenant.mark) break;
    document.commits = [];
  }
  return tenant.mark;
}

function documentOf(tenant: MemoryTenant, revision: number): Document | undefined {
  return tenant.documents[indexOf(tenant, revision)];
}

/** Of the first document that ends at the revision or after it, found by halving. */
function indexOf({ documents }: MemoryTenant, revision: number): number {
  let low = 0;
  let high = documents.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((documents[middle]?.last.revision ?? 0) < revision) low = middle + 1;
    else high = middle;
  }
  return low;
}
