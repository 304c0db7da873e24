import type { FieldChange } from '../domain/field-change.js';

/**
 * What several steps did together, each given as its changed fields, the oldest step first.
 * A field that is in the end as it was is no change.
 */
export function composeChanges(steps: readonly (readonly FieldChange[])[]): readonly FieldChange[] {
  const composed = new Map<string, FieldChange>();
  for (const { path, before, after } of steps.flat()) {
    composed.set(path, { path, before: composed.get(path)?.before ?? before, after });
  }
  return [...composed.values()]
    .filter(({ before, after }) => before !== after)
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The same, looked at from the end. */
export function reversed(changes: readonly FieldChange[]): readonly FieldChange[] {
  return changes.map(({ path, before, after }) => ({ path, before: after, after: before }));
}
