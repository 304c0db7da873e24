import type { Flags } from './connection.js';
import { UsageError } from './failure.js';

/** The number of a version that a flag names. Throws a UsageError if it is missing or none. */
export function generationOf(flags: Flags, flag: string): number {
  const generation = optionalGeneration(flags, flag);
  if (generation === undefined) {
    throw new UsageError(`--${flag} is required: a generation from \`switchboard history\``);
  }
  return generation;
}

/** The same for a flag that may be left out. */
export function optionalGeneration(flags: Flags, flag: string): number | undefined {
  const text = flags[flag] as string | undefined;
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,14}$/.test(text)) {
    throw new UsageError(`--${flag}: expected a number such as 3, got ${text}`);
  }
  return Number(text);
}
