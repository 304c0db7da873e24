import { describe, expect, it } from 'vitest';
import { isSwitchboardError } from '../../../src/domain/errors.js';
import { collectViolations } from '../../../src/domain/violations.js';

function errorOf(count: number): unknown {
  const { report, throwIfAny } = collectViolations();
  for (let index = 0; index < count; index += 1) report(`f${String(index)}`, 'is wrong');
  try {
    throwIfAny();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('violations', () => {
  it('are no error if there are none', () => {
    expect(errorOf(0)).toBeUndefined();
  });

  it('are all in the error, up to 100', () => {
    const error = errorOf(100);
    if (!isSwitchboardError(error, 'INVALID_FIELD')) throw error;
    expect(error.violations).toHaveLength(100);
    expect(error.message.endsWith('f99: is wrong')).toBe(true);
  });

  it('are the first 100 and a number, if there are more', () => {
    const error = errorOf(200_000);
    if (!isSwitchboardError(error, 'INVALID_FIELD')) throw error;
    expect(error.violations).toHaveLength(100);
    expect(error.violations.at(-1)?.field).toBe('f99');
    expect(error.message.endsWith('; and 199900 more')).toBe(true);
  });
});
