import type { Flags } from './connection.js';

/** What `--reason` says; empty without it. */
export function reasonOf(flags: Flags): string {
  return (flags['reason'] as string | undefined) ?? '';
}
