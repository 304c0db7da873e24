import type { CheckedItem } from '../../../domain/commands/apply.js';
import { checkId } from '../../../domain/validate.js';

/** The owners whose servers have to be held for the items to be decided. */
export function ownersOf(items: readonly CheckedItem[]): readonly string[] {
  return items.flatMap(({ at: { owner } }) => (owner !== undefined && isId(owner) ? [owner] : []));
}

/** What is not an id owns nothing, and may be as long as it likes. */
function isId(owner: string): boolean {
  const wrong: string[] = [];
  checkId(owner, 'owner', (field) => wrong.push(field));
  return wrong.length === 0;
}
