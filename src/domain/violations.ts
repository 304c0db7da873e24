import { invalidFields, type FieldViolation } from './errors.js';

/** So many are kept: a request can have as many mistakes as it has bytes. */
const MAX_VIOLATIONS = 100;

/** What is wrong with a request, found one by one. */
export interface Violations {
  /** How many were found. */
  readonly count: number;
  readonly report: (field: string, description: string) => void;
  /** Throws one INVALID_FIELD with the first 100 and the number of further ones, if there are any. */
  readonly throwIfAny: () => void;
}

/** Collects what is wrong with a request. */
export function collectViolations(): Violations {
  const kept: FieldViolation[] = [];
  let count = 0;
  return {
    get count() {
      return count;
    },
    report(field, description) {
      count += 1;
      if (kept.length < MAX_VIOLATIONS) kept.push({ field, description });
    },
    throwIfAny() {
      if (count > 0) throw invalidFields(kept, count - kept.length);
    },
  };
}
