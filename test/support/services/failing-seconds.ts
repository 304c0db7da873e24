import { expect } from 'vitest';
import { eventually } from '../eventually.js';
import { passTime, type Replica } from './world.js';

/** Lets so many seconds pass; in each the replica tries to follow a log that it cannot read. */
export async function passFailingSeconds(replica: Replica, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    const failures = replica.errors.length;
    passTime(replica, 1_000);
    await eventually(
      () => {
        expect(replica.errors.length).toBeGreaterThan(failures);
      },
      { intervalMs: 1 },
    );
  }
}
