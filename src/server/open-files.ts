import { StartError } from './start-error.js';

/** Files and sockets of the server itself: storage, log, inspections, private sources. */
const RESERVED_FILES = 64;
const MIN_CONNECTIONS = 16;

/**
 * How many connections the limit of open files leaves room for; at most `wanted`. Throws a
 * StartError if too few.
 */
export function connectionsWithin(wanted: number, maxFiles = maxOpenFiles()): number {
  const room = maxFiles - RESERVED_FILES;
  if (room >= MIN_CONNECTIONS) return Math.min(wanted, room);
  throw new StartError(
    `this process may open only ${String(maxFiles)} files and sockets, and needs at least ` +
      `${String(RESERVED_FILES + MIN_CONNECTIONS)}: raise the limit, for example with ulimit -n 4096`,
  );
}

/** The soft limit of open files; Infinity where there is none. */
function maxOpenFiles(): number {
  const { report } = process;
  const { excludeNetwork } = report as { excludeNetwork?: boolean };
  // Otherwise it looks up the names of all peers.
  Object.assign(report, { excludeNetwork: true });
  const { userLimits } = report.getReport() as {
    readonly userLimits?: { readonly open_files?: { readonly soft?: number | string } };
  };
  Object.assign(report, { excludeNetwork });
  const soft = Number(userLimits?.open_files?.soft);
  return Number.isNaN(soft) ? Infinity : soft;
}
