import { randomUUID } from 'node:crypto';
import type { LogBatch } from '../../../src/storage/log.js';
import { withCatalog } from './fill.js';

/**
 * The last `count` commits of a log, each as a batch of its own, oldest first. The data may
 * be that of a control plane that runs in this process.
 */
export async function newestBatches(
  dataDir: string,
  tenant: string,
  count: number,
): Promise<readonly LogBatch[]> {
  const batches: LogBatch[] = [];
  await withCatalog(dataDir, async (catalog) => {
    const { revision: newest } = await catalog.log.head(tenant);
    for (let revision = newest - count; revision < newest; revision += 1) {
      const after = await catalog.log.positionAt(tenant, revision);
      const [commit] = (await catalog.log.read(tenant, revision)).commits;
      if (after === undefined || commit === undefined) throw new Error('the log is too short');
      batches.push({ after, batchId: randomUUID(), commits: [commit] });
    }
  });
  return batches;
}
