import type { WorldEngine } from './world.js';

/** The engines on which every random history runs. */
export const ENGINES: readonly WorldEngine[] = ['lmdb', 'lagging'];

/**
 * The seeds of the random histories: 1 to 5, or as many as SWITCHBOARD_HISTORIES says. To
 * repeat one history that failed, leave its seed alone here.
 */
export function historySeeds(): readonly number[] {
  const count = Number(process.env['SWITCHBOARD_HISTORIES'] ?? 5);
  return Array.from({ length: count }, (_, at) => at + 1);
}

/** Each seed on each engine, for `it.each` or `describe.each`. */
export function historiesOnEngines(): readonly (readonly [number, WorldEngine])[] {
  return historySeeds().flatMap((seed) => ENGINES.map((engine) => [seed, engine] as const));
}
