import { describe, expect, it } from 'vitest';
import { SwitchboardError } from '../../../../src/domain/errors.js';
import type { WriteIntent, WriteOutcome } from '../../../../src/services/commit/intent.js';
import { PendingWrite } from '../../../../src/services/commit/pending-write.js';

const DONE: WriteOutcome = {
  kind: 'unchanged',
  decision: undefined,
  position: { epoch: 'e', revision: 1, fingerprint: 'f' },
};

function pending(intent: Partial<WriteIntent> = {}): PendingWrite {
  return new PendingWrite({
    actor: 'tester',
    reason: '',
    validateOnly: false,
    decide: () => undefined,
    prepare: () => Promise.resolve(() => undefined),
    ...intent,
  });
}

describe('a pending write', () => {
  it('is settled once, and then no longer held', async () => {
    let released = 0;
    const write = pending({ prepare: () => Promise.resolve(() => (released += 1)) });
    await write.prepare({});
    await write.prepare({});
    expect(released).toBe(0);
    write.succeed(DONE);
    write.fail(new Error('too late'));
    expect(await write.outcome).toBe(DONE);
    expect(released).toBe(2);
  });

  it('lets go of what it gets to hold only after it was settled', async () => {
    let isHeld = false;
    let arrive: () => void = () => undefined;
    const arriving = new Promise<void>((resolve) => (arrive = resolve));
    const write = pending({
      prepare: async () => {
        await arriving;
        isHeld = true;
        return () => (isHeld = false);
      },
    });
    const preparing = write.prepare({});
    write.succeed(DONE);
    arrive();
    await preparing;
    expect(isHeld).toBe(false);
  });

  it.each([
    ['waits', false, 'NOT_WRITTEN', new SwitchboardError('DEADLINE_EXCEEDED')],
    ['waits', false, 'CANCELLED', new SwitchboardError('CANCELLED')],
    ['is appended', true, 'OUTCOME_UNKNOWN', new SwitchboardError('DEADLINE_EXCEEDED')],
    ['is appended', true, 'OUTCOME_UNKNOWN', new SwitchboardError('CANCELLED')],
  ])('that %s (appended: %s) and is given up is %s [R3, P12]', async (_, sent, reason, cause) => {
    const caller = new AbortController();
    const write = pending({ signal: caller.signal });
    write.mayBeWritten = sent;
    caller.abort(cause);
    await expect(write.outcome).rejects.toMatchObject({ reason });
    expect(write.isSettled).toBe(true);
  });

  it.each(['CATALOG_UNAVAILABLE', 'DEADLINE_EXCEEDED'] as const)(
    'is not written where a read fails with %s [P12]',
    async (cause) => {
      const write = pending();
      write.fail(new SwitchboardError(cause));
      await expect(write.outcome).rejects.toMatchObject({ reason: 'NOT_WRITTEN' });
    },
  );
});
