import type { FieldChange } from '../domain/field-change.js';

/** Whether people may lose a server by these changes of it: another tier or owner, or disabled. */
export function takesAccess(changes: readonly FieldChange[]): boolean {
  return changes.some(
    ({ path, after }) =>
      path === 'tier' || path === 'owner' || (path === 'spec.enabled' && after === 'false'),
  );
}
