import type { Change } from '../commit.js';
import { SwitchboardError } from '../errors.js';
import { isShared, type ServerRecord, type StoredServer } from '../server.js';

/** How many of the private servers that a shared one hides are counted and named. */
export const MAX_NAMESAKES = 100;

/** What to do if a shared server would hide private ones: refuse, or hide them. */
export type ShadowPolicy = 'fail' | 'shadow';

/** What a write that may hide private servers is decided with. */
export interface ShadowRule {
  readonly policy: ShadowPolicy;
  /** The servers that have a name; of more than `MAX_NAMESAKES` others, one more is enough. */
  readonly named: (name: string) => readonly StoredServer[];
}

/** Those of the servers that are PRIVATE, and hidden by a shared one of the name. */
export function hiddenBy(id: string, named: readonly StoredServer[]): readonly ServerRecord[] {
  return named
    .map(({ record }) => record)
    .filter((record) => !isShared(record) && record.id !== id);
}

/** The private servers that a change hides: those of a name that no shared server had before. */
export function newlyHidden(
  { before, after }: Change,
  named: ShadowRule['named'],
): readonly ServerRecord[] {
  if (after === undefined || !isShared(after)) return [];
  const hadName = before !== undefined && isShared(before) && before.name === after.name;
  return hadName ? [] : hiddenBy(after.id, named(after.name));
}

/** Throws WOULD_SHADOW if the rule forbids what the changes hide. */
export function demandShadows(changes: readonly Change[], { policy, named }: ShadowRule): void {
  if (policy === 'shadow') return;
  for (const change of changes) demandNoneHidden(newlyHidden(change, named));
}

/** Throws WOULD_SHADOW unless the list is empty. */
export function demandNoneHidden([first, ...others]: readonly ServerRecord[]): void {
  if (first === undefined) return;
  const { id, name, owner = '' } = first;
  const count =
    others.length < MAX_NAMESAKES
      ? String(others.length + 1)
      : `more than ${String(MAX_NAMESAKES)}`;
  const quoted = JSON.stringify(name);
  const text =
    others.length === 0
      ? `the private server ${quoted} of ${owner} would be hidden`
      : `the private servers ${quoted} of ${count} owners would be hidden`;
  throw new SwitchboardError('WOULD_SHADOW', text, { metadata: { id, owner, count } });
}
