import { onTestFinished } from 'vitest';
import type { RetryPolicy } from '../../../src/domain/inspection.js';
import type { ServerRecord } from '../../../src/domain/server.js';
import { INVENTORY_VIEW } from '../../../src/domain/view.js';
import type { InspectionSetup } from '../../../src/services/inspection/inspection-deps.js';
import { createConnector } from '../../../src/mcp/connector.js';
import { createInspector } from '../../../src/mcp/inspector.js';
import { openMemoryLeases } from '../../../src/storage/leases/memory/memory-leases.js';
import {
  get,
  requestOf,
  type Replica,
  type ReplicaOptions,
  type World,
} from '../services/world.js';

/** Tries again at once: tests do not want to wait. */
export const EAGER: RetryPolicy = { firstMs: 20, maxMs: 40, rareFirstMs: 20, rareMaxMs: 40 };

/** A replica of a world that inspects with a real inspector; its leases are its own. */
export async function inspectingReplica(
  world: World,
  inspection: Partial<InspectionSetup> = {},
  options: ReplicaOptions = {},
): Promise<Replica> {
  const connector = createConnector({ name: 'inspector', version: '1.0.0' });
  const leases = await openMemoryLeases();
  onTestFinished(() => leases.close());
  const setup = {
    inspector: createInspector({ connector, environment: process.env }),
    leases,
    replicaId: 'replica',
    retry: EAGER,
    timeoutMs: 20_000,
    ...inspection,
  };
  return world.replica({ ...options, inspection: setup });
}

/** The record as the inventory has it. */
export async function recordIn(replica: Replica, id: string): Promise<ServerRecord> {
  return (await get(replica, INVENTORY_VIEW, { id })).value.record;
}

/** Inspects now, as an administrator. */
export async function inspectNow(replica: Replica, id: string): Promise<ServerRecord> {
  return (await replica.services.inspectServer(requestOf({ waitMs: 20_000 }), id)).value;
}
