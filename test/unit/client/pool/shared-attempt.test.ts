import { describe, expect, it } from 'vitest';
import { ClientError } from '../../../../src/client/client-error.js';
import { SharedAttempt } from '../../../../src/client/pool/shared-attempt.js';
import { clientErrorOf, closedGate } from '../../../support/mcp/pool.js';

describe('SharedAttempt', () => {
  it('gives its outcome to all who join, also later [C1]', async () => {
    let runs = 0;
    const attempt = new SharedAttempt(
      async () => {
        runs += 1;
        return runs;
      },
      () => undefined,
    );
    expect(await Promise.all([attempt.join(), attempt.join()])).toEqual([1, 1]);
    expect(await attempt.join()).toBe(1);
  });

  it('aborts its work only when the last waiter has gone [C1]', async () => {
    const gate = closedGate();
    let signal: AbortSignal | undefined;
    let abandoned = 0;
    const attempt = new SharedAttempt(
      async (own) => {
        signal = own;
        await gate.opened;
      },
      () => (abandoned += 1),
    );
    const [a, b] = [new AbortController(), new AbortController()];
    const first = clientErrorOf(attempt.join(a.signal));
    const second = clientErrorOf(attempt.join(b.signal));
    a.abort('mine');
    expect(await first).toMatchObject({ reason: 'CANCELLED', cause: 'mine' });
    expect([signal?.aborted, abandoned]).toEqual([false, 0]);
    b.abort();
    expect((await second).reason).toBe('CANCELLED');
    expect([signal?.aborted, abandoned]).toEqual([true, 1]);
    gate.open();
  });

  it('does not begin to wait with a signal that has aborted', async () => {
    const attempt = new SharedAttempt(
      async () => 1,
      () => undefined,
    );
    const error = await clientErrorOf(attempt.join(AbortSignal.abort()));
    expect(error.reason).toBe('CANCELLED');
  });

  it('can be ended for all, which aborts the work once', async () => {
    const gate = closedGate();
    let signal: AbortSignal | undefined;
    const attempt = new SharedAttempt(
      async (own) => {
        signal = own;
        await gate.opened;
      },
      () => undefined,
    );
    const waiting = [clientErrorOf(attempt.join()), clientErrorOf(attempt.join())];
    const error = new ClientError('POOL_CLOSED');
    attempt.end(error);
    attempt.end(new ClientError('DISCONNECTED'));
    expect(await Promise.all(waiting)).toEqual([error, error]);
    expect(signal?.reason).toBe(error);
    gate.open();
  });

  it('can be settled for all, which aborts the work once', async () => {
    const gate = closedGate();
    let signal: AbortSignal | undefined;
    const attempt = new SharedAttempt<string>(
      async (own) => {
        signal = own;
        await gate.opened;
        return 'too late';
      },
      () => undefined,
    );
    const waiting = [attempt.join(), attempt.join()];
    attempt.settle('outdated');
    attempt.end(new ClientError('DISCONNECTED'));
    expect(await Promise.all(waiting)).toEqual(['outdated', 'outdated']);
    expect(signal?.reason).toMatchObject({ reason: 'CANCELLED' });
    gate.open();
    expect(await attempt.join()).toBe('outdated');
  });

  it('turns work that throws at once into a failure of those who wait', async () => {
    const broken = new ClientError('CONNECT_FAILED');
    const attempt = new SharedAttempt(
      () => {
        throw broken;
      },
      () => undefined,
    );
    expect(await clientErrorOf(attempt.join())).toBe(broken);
  });
});
