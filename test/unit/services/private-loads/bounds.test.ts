import { describe, expect, it } from 'vitest';
import { SwitchboardError } from '../../../../src/domain/errors.js';
import { LoadFailures } from '../../../../src/services/private-loads/failures.js';
import { LoadClock } from '../../../../src/services/private-loads/load-clock.js';
import { loadOf } from '../../../support/loads/loads.js';

const MANY = 120_000;
const policy = { ttlMs: 1_000, concurrency: 1, foreignOwners: true };
const keys = Array.from({ length: MANY }, (_, at) => `acme\0u${String(at)}`);

describe('what a replica remembers of users', () => {
  it('of ages is the newest 100,000; a forgotten one counts as after a restart [D28, D30]', () => {
    const clock = new LoadClock(
      () => 5_000,
      () => 0.5,
    );
    const load = loadOf('u');
    for (const key of keys) clock.saw(key, load, true);
    expect(clock.dueInMs(keys.at(-1)!, load, policy)).toBe(800);
    expect(clock.dueInMs(keys[MANY - 100_000]!, load, policy)).toBe(800);
    expect(clock.dueInMs(keys[0]!, load, policy)).toBe(400);
  });

  it('of failures is the newest 100,000: a source that is down fills no memory [D28, D30]', () => {
    const failures = new LoadFailures(
      () => 0,
      () => 0,
    );
    const error = new SwitchboardError('SOURCE_UNAVAILABLE');
    for (const key of keys) failures.failed(key, error);
    expect(failures.last(keys.at(-1)!)?.reason).toBe('SOURCE_UNAVAILABLE');
    expect(failures.last(keys[MANY - 100_000]!)?.reason).toBe('SOURCE_UNAVAILABLE');
    expect(failures.last(keys[0]!)).toBeUndefined();
  });
});
