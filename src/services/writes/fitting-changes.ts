import { changeJson, type Change } from '../../domain/commit.js';

/** What the changes of one commit of many may come to, in characters of JSON. */
const MAX_CHARACTERS = 1024 * 1024;

/** As many of the changes as one commit should hold; at least one. */
export function fittingChanges(changes: readonly Change[]): readonly Change[] {
  let size = 0;
  const isTooMuch = (change: Change, index: number): boolean => {
    size += changeJson(change).length;
    return index > 0 && size > MAX_CHARACTERS;
  };
  const end = changes.findIndex(isTooMuch);
  return end < 0 ? changes : changes.slice(0, end);
}
