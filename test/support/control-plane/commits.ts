import { onTestFinished } from 'vitest';
import type { CommitDraft } from '../../../src/domain/commit.js';
import { DEFAULT_TENANT } from '../../../src/domain/caller.js';
import { openLmdbCatalog } from '../../../src/storage/catalog/lmdb/open-lmdb-catalog.js';
import { appendAtHead } from '../storage/builders.js';

/** Writes commits into a log beside the control plane, as another replica would. */
export interface CommitWriter {
  /** Makes drafts for the revisions after the head, and appends them as one batch. */
  append(...make: readonly ((revision: number) => CommitDraft)[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the data of a control plane, which may run or not; closed with the test. It can write
 * what no request can yet: grants, and commits of several records.
 */
export async function openCommitWriter(dataDir: string): Promise<CommitWriter> {
  const catalog = await openLmdbCatalog({ dataDir });
  const close = (): Promise<void> => catalog.close();
  onTestFinished(close);
  return {
    async append(...make) {
      for (;;) {
        const { revision } = await catalog.log.head(DEFAULT_TENANT);
        const drafts = make.map((one, index) => one(revision + 1 + index));
        try {
          await appendAtHead(catalog, DEFAULT_TENANT, ...drafts);
          return;
        } catch (error) {
          // The control plane was first: once more, after what it wrote.
          if ((await catalog.log.head(DEFAULT_TENANT)).revision === revision) throw error;
        }
      }
    },
    close,
  };
}
