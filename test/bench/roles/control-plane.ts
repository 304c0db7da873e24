import { DEFAULT_TENANT } from '../../../src/domain/caller.js';
import type { LogBatch } from '../../../src/storage/log.js';
import { newestBatches } from '../lab/newest-batches.js';
import { openControlPlane } from '../lab/open-control-plane.js';
import { serve } from '../lab/serve.js';

/** Data, and the file that says where the private servers of users come from. */
export interface SourcedData {
  readonly dataDir: string;
  readonly privateSources: string;
}

/** Of which data, and how many. */
export interface NewestCommits {
  readonly dataDir: string;
  readonly count: number;
}

const methods = {
  /** Serves with its data in a folder; answers the address. */
  start: async (dataDir: string): Promise<string> => (await openControlPlane(dataDir)).address,
  /** The same with private sources. */
  startSourced: async ({ dataDir, privateSources }: SourcedData): Promise<string> =>
    (await openControlPlane(dataDir, { privateSources })).address,
  /** The last commits of what it serves, which no other process can open. */
  newestBatches: ({ dataDir, count }: NewestCommits): Promise<readonly LogBatch[]> =>
    newestBatches(dataDir, DEFAULT_TENANT, count),
};

/** A control plane that can be asked what it used. */
export type ControlPlane = typeof methods;

serve(methods);
