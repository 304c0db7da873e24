import type { Server } from '@grpc/grpc-js';
import { RegistryServiceService } from '../../wire/service-definitions.js';
import type { Shell } from '../grpc/shell.js';
import type { HandlerDeps } from './handler-context.js';
import { registryAccess } from './registry-access.js';
import { registryHistory } from './registry-history.js';
import { registryInspection } from './registry-inspection.js';
import { registryLoads } from './registry-loads.js';
import { registryReads } from './registry-reads.js';
import { registryWrites } from './registry-writes.js';

/** Serves RegistryService: each method decodes, calls one use case, and encodes. */
export function addRegistryService(
  server: Pick<Server, 'addService'>,
  shell: Shell,
  deps: HandlerDeps,
): void {
  shell.addService(server, RegistryServiceService, {
    ...registryReads(deps),
    ...registryWrites(deps),
    ...registryHistory(deps),
    ...registryInspection(deps),
    ...registryAccess(deps),
    ...registryLoads(deps),
  });
}
