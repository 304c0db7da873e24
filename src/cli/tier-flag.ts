import type { Flags } from './connection.js';
import { UsageError } from './failure.js';

/** What `--tier` says. Throws a UsageError for anything but a shared tier. */
export function tierFlag(flags: Flags): 'APP' | 'USER' {
  const tier = ((flags['tier'] as string | undefined) ?? '').toUpperCase();
  if (tier !== 'APP' && tier !== 'USER') throw new UsageError('--tier: app or user');
  return tier;
}
