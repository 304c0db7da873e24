import { commitJson, type Commit, type Position } from '../../../domain/commit.js';
import { SwitchboardError } from '../../../domain/errors.js';
import { MAX_BATCH_BYTES, type LogBatch } from '../../catalog.js';

/** What remains of a log document when compaction has emptied it. */
export interface DocumentHeader {
  readonly first: number;
  readonly last: number;
  /** The fingerprint before the first commit. */
  readonly previous: string;
  /** The fingerprint of the last commit. */
  readonly fingerprint: string;
  readonly batch: string;
}

/** A batch as it will lie in the log. */
export interface EncodedBatch {
  readonly batch: LogBatch;
  readonly header: DocumentHeader;
  readonly last: Position;
  readonly bytes: Buffer;
}

/**
 * Encodes a batch: the header as a line of JSON, then the commits as JSON, so that the
 * header can be read without them. Throws COMMIT_TOO_LARGE.
 */
export function encodeBatch(batch: LogBatch): EncodedBatch {
  const { after, commits } = batch;
  const tail = commits.at(-1);
  const inOrder = commits.every((commit, at) => commit.revision === after.revision + 1 + at);
  if (tail === undefined || !inOrder) {
    throw new SwitchboardError('INTERNAL', 'a batch needs commits that follow its position');
  }
  const header: DocumentHeader = {
    first: after.revision + 1,
    last: tail.revision,
    previous: after.fingerprint,
    fingerprint: tail.fingerprint,
    batch: batch.batchId,
  };
  const text = `[${commits.map(commitJson).join(',')}]`;
  const bytes = Buffer.from(`${JSON.stringify(header)}\n${text}`);
  if (bytes.byteLength > MAX_BATCH_BYTES) {
    const told = `${String(bytes.byteLength)} bytes, ${String(MAX_BATCH_BYTES)} are allowed`;
    throw new SwitchboardError('COMMIT_TOO_LARGE', told);
  }
  const last = { epoch: after.epoch, revision: tail.revision, fingerprint: tail.fingerprint };
  return { batch, header, last, bytes };
}

/** The document of which only the header is left. */
export function encodeEmptied(header: DocumentHeader): string {
  return JSON.stringify(header);
}

export function decodeHeader(text: string): DocumentHeader {
  const end = text.indexOf('\n');
  return JSON.parse(end < 0 ? text : text.slice(0, end)) as DocumentHeader;
}

/** The commits of a document; none if it was emptied. */
export function decodeCommits(text: string): readonly Commit[] {
  const end = text.indexOf('\n');
  return end < 0 ? [] : (JSON.parse(text.slice(end + 1)) as Commit[]);
}
