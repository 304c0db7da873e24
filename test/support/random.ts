import { randomInt } from 'node:crypto';

/** Choices that are equal for equal seeds. */
export interface Random {
  readonly seed: number;
  /** A whole number from 0 up to, and without, `limit`. */
  below(limit: number): number;
  /** One of the items; there must be one. */
  pick<T>(items: readonly T[]): T;
  /** Some of them, perhaps none. */
  some<T>(items: readonly T[]): readonly T[];
  /** True once in `times`. */
  oneIn(times: number): boolean;
  /** True in about `percent` of 100 cases. */
  chance(percent: number): boolean;
}

/** A small generator (mulberry32): good enough to mix cases, and the same everywhere. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    seed,
    below,
    pick: <T>(items: readonly T[]): T => {
      if (items.length === 0) throw new Error('nothing to pick from');
      return items[below(items.length)] as T;
    },
    some: (items) => items.filter(() => next() < 0.4),
    oneIn: (times) => below(times) === 0,
    chance: (percent) => below(100) < percent,
  };
}

/** A printed seed, other than before unless SWITCHBOARD_TEST_SEED names one. */
export function printedSeed(what: string): number {
  const given = Number(process.env['SWITCHBOARD_TEST_SEED'] ?? '');
  const seed = Number.isSafeInteger(given) && given > 0 ? given : randomInt(1, 2 ** 31);
  console.info(`${what}: SWITCHBOARD_TEST_SEED=${String(seed)}`);
  return seed;
}

/** As many seeds, other than before, as SWITCHBOARD_SEEDS asks for; none unless it does. */
export function moreSeeds(): readonly number[] {
  const wanted = Number(process.env['SWITCHBOARD_SEEDS'] ?? '');
  const count = Number.isSafeInteger(wanted) && wanted > 0 ? wanted : 0;
  return Array.from({ length: count }, () => randomInt(1, 2 ** 31));
}
