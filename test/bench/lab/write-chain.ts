import { randomUUID } from 'node:crypto';
import { positionOf, type Position } from '../../../src/domain/commit.js';
import type { ServerRecord } from '../../../src/domain/server.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import type { LogBatch } from '../../../src/storage/log.js';
import {
  appendAtHead,
  batchOf,
  changeOf,
  creation,
  draftOf,
  recordOf,
} from '../../support/storage/builders.js';

/** One writer's tenant, with the one server that it updates. */
export interface WriteChain {
  readonly tenant: string;
  record: ServerRecord;
  position: Position;
}

/** A tenant with one server in it. */
export async function openChain(catalog: Catalog, tenant: string): Promise<WriteChain> {
  const record = recordOf({ id: `server-of-${tenant}`, name: 'tools', title: 'Tools 00000000' });
  const { outcome } = await appendAtHead(catalog, tenant, creation(record));
  return { tenant, record, position: outcome.head };
}

/** The next batches of one update each, made ahead: what is measured is the writing of them. */
export function nextBatches(chain: WriteChain, count: number): readonly LogBatch[] {
  return Array.from({ length: count }, () => {
    const batch = batchOf(chain.position, [updateOf(chain)]);
    const [commit] = batch.commits;
    const after = commit?.changes[0]?.after;
    if (commit === undefined || after === undefined) throw new Error('a batch without an update');
    chain.record = after;
    chain.position = positionOf(chain.position.epoch, commit);
    return batch;
  });
}

function updateOf({ record, position }: WriteChain): Parameters<typeof batchOf>[1][number] {
  const revision = position.revision + 1;
  const title = `Tools ${String(revision).padStart(8, '0')}`;
  const after: ServerRecord = {
    ...recordOf({ id: record.id, name: record.name, title, revision }),
    accessEtag: record.accessEtag,
  };
  const requestId = randomUUID();
  const request = { principal: 'admin', requestId, bodyDigest: record.etag };
  return draftOf(changeOf(record, after), { request });
}
