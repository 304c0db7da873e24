import {
  decodeCommit,
  positionOf,
  type EncodedCommit,
  type Position,
  type StoredCommit,
} from '../../../domain/commit.js';
import { demandBatch, type LogBatch } from '../../log.js';

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
 * Encodes a batch in lines: the header as JSON, then for each commit its fingerprint, a space
 * and its body, which is JSON and so has no line ends. Throws COMMIT_TOO_LARGE.
 */
export function encodeBatch(batch: LogBatch): EncodedBatch {
  const { after, commits } = batch;
  demandBatch(batch);
  const tail = positionOf(after.epoch, commits.at(-1) as StoredCommit);
  const header: DocumentHeader = {
    first: after.revision + 1,
    last: tail.revision,
    previous: after.fingerprint,
    fingerprint: tail.fingerprint,
    batch: batch.batchId,
  };
  const lines = commits.map(({ fingerprint, body }) => `${fingerprint} ${body}`);
  const bytes = Buffer.from([encodeEmptied(header), ...lines].join('\n'));
  return { batch, header, last: tail, bytes };
}

/** The document of which only the header is left. */
export function encodeEmptied(header: DocumentHeader): string {
  return JSON.stringify(header);
}

export function decodeHeader(text: string): DocumentHeader {
  const end = text.indexOf('\n');
  return JSON.parse(end < 0 ? text : text.slice(0, end)) as DocumentHeader;
}

/** The commits of a document, still encoded; none if it was emptied. */
export function* encodedCommits(text: string): Generator<EncodedCommit> {
  let revision = decodeHeader(text).first;
  let end = text.indexOf('\n');
  while (end >= 0) {
    const start = end + 1;
    end = text.indexOf('\n', start);
    const space = text.indexOf(' ', start);
    const body = text.slice(space + 1, end < 0 ? undefined : end);
    yield { revision, fingerprint: text.slice(start, space), body };
    revision += 1;
  }
}

/** The commits of a document after revision `after`. */
export function* decodeCommits(text: string, after: number): Generator<StoredCommit> {
  for (const encoded of encodedCommits(text)) {
    if (encoded.revision > after) yield decodeCommit(encoded);
  }
}
