import type { ShadowPolicy } from '../domain/commands/shadow.js';
import type { Flags } from './connection.js';

/** What `--shadow` says: whether private servers of the name may be hidden. */
export function shadowFlag(flags: Flags): ShadowPolicy {
  return flags['shadow'] === true ? 'shadow' : 'fail';
}
