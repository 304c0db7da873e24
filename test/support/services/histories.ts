/** A view of a node was added only after everything else had come to rest. */
const KEPT = [107];

/**
 * The seeds of the random histories: 1 to 5, or as many as SWITCHBOARD_HISTORIES says, and
 * those that once failed. To repeat one history that failed, leave its seed alone here.
 */
export function historySeeds(): readonly number[] {
  const count = Number(process.env['SWITCHBOARD_HISTORIES'] ?? 5);
  return [...new Set([...Array.from({ length: count }, (_, at) => at + 1), ...KEPT])];
}
