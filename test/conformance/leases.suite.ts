import { describe, expect, it, onTestFinished } from 'vitest';
import type { Lease, Leases } from '../../src/storage/leases.js';
import { eventually } from '../support/eventually.js';
import { ODD_TEXTS } from '../support/storage/history.js';
import { reasonOf } from './catalog/harness.js';

export interface LeasesHarness {
  readonly leases: Leases;
  /** Another instance of the same deployment, as another replica would open it. */
  openAnother(): Promise<Leases>;
  dispose(): Promise<void>;
}

export interface LeasesSuite {
  /** Fresh, isolated and opened. */
  readonly create: () => Promise<LeasesHarness>;
  readonly capabilities: {
    /** Whether instances exclude each other. */
    readonly betweenInstances: boolean;
  };
}

const TTL = { ttlMs: 5_000 };

/** Registers the conformance suite of the Leases contract. */
export function describeLeases(name: string, suite: LeasesSuite): void {
  describe(`leases: ${name}`, () => {
    describeHolding(suite);
    describeGivingUp(suite);
    describeLeasesLifecycle(suite);
    describeInstances(suite);
  });
}

function describeHolding(suite: LeasesSuite): void {
  it('answers what the body answers, which knows its key', async () => {
    const { leases } = await openLeases(suite);
    const answer = await leases.withLease('k', TTL, async (lease) => {
      expect(lease.signal.aborted).toBe(false);
      return lease.key;
    });
    expect(answer).toBe('k');
  });

  it('throws what the body throws, and lets go [D20]', async () => {
    const { leases } = await openLeases(suite);
    const thrown = new Error('as told');
    const failing = leases.withLease('k', TTL, () => Promise.reject(thrown));
    await expect(failing).rejects.toBe(thrown);
    expect(await leases.withLease('k', TTL, async () => 'free')).toBe('free');
  });

  it('throws what a body throws before its first await, and lets go', async () => {
    const { leases } = await openLeases(suite);
    const failing = leases.withLease('k', TTL, () => {
      throw new Error('as told');
    });
    await expect(failing).rejects.toThrow('as told');
    expect(await leases.withLease('k', TTL, async () => 'free')).toBe('free');
  });

  it('is held by one at a time [D22]', async () => {
    const { leases } = await openLeases(suite);
    let holders = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      holders += 1;
      most = Math.max(most, holders);
      await new Promise(setImmediate);
      holders -= 1;
    };
    await Promise.all(Array.from({ length: 20 }, () => leases.withLease('k', TTL, work)));
    expect([most, holders]).toEqual([1, 0]);
  });

  it('is given in the order of asking', async () => {
    const { leases } = await openLeases(suite);
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 10 }, (_, at) =>
        leases.withLease('k', TTL, async () => void order.push(at)),
      ),
    );
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('different keys are held at once', async () => {
    const { leases } = await openLeases(suite);
    const held = new Set<string>();
    await Promise.all(
      ODD_TEXTS.map((key) =>
        leases.withLease(key, TTL, async () => {
          held.add(key);
          await eventually(() => expect(held.size).toBe(ODD_TEXTS.length));
        }),
      ),
    );
    expect(held.size).toBe(ODD_TEXTS.length);
  });
}

function describeGivingUp(suite: LeasesSuite): void {
  it('is refused with CANCELLED when the signal is already aborted', async () => {
    const { leases } = await openLeases(suite);
    let ran = false;
    const options = { ...TTL, signal: AbortSignal.abort() };
    const asked = leases.withLease('k', options, async () => (ran = true));
    expect(await reasonOf(asked)).toBe('CANCELLED');
    expect(ran).toBe(false);
  });

  it('who gives up while waiting gets CANCELLED, and the next one moves up', async () => {
    const { leases } = await openLeases(suite);
    const held = await hold(leases, 'k');
    const controller = new AbortController();
    let ran = false;
    const impatient = leases.withLease(
      'k',
      { ...TTL, signal: controller.signal },
      async () => (ran = true),
    );
    const patient = leases.withLease('k', TTL, async () => 'mine');
    controller.abort();
    expect(await reasonOf(impatient)).toBe('CANCELLED');
    held.release();
    expect(await patient).toBe('mine');
    expect(ran).toBe(false);
  });

  it("the caller's signal reaches the body, which ends as it will", async () => {
    const { leases } = await openLeases(suite);
    const controller = new AbortController();
    const answer = await leases.withLease(
      'k',
      { ...TTL, signal: controller.signal },
      async (lease) => {
        controller.abort();
        return lease.signal.aborted;
      },
    );
    expect(answer).toBe(true);
    expect(await leases.withLease('k', TTL, async () => 'free')).toBe('free');
  });

  it('an abort after the end changes nothing', async () => {
    const { leases } = await openLeases(suite);
    const controller = new AbortController();
    const options = { ...TTL, signal: controller.signal };
    const next = await leases.withLease('k', options, async () => hold(leases, 'other'));
    controller.abort();
    expect(next.lease.signal.aborted).toBe(false);
    next.release();
    expect(await leases.withLease('k', TTL, async () => 'free')).toBe('free');
  });
}

function describeLeasesLifecycle(suite: LeasesSuite): void {
  it('close aborts what is held and refuses what waits with CLOSED', async () => {
    const { leases } = await openLeases(suite);
    const held = await hold(leases, 'k');
    const waiting = [1, 2].map(() => reasonOf(leases.withLease('k', TTL, async () => 'ran')));
    await leases.close();
    expect(held.lease.signal.aborted).toBe(true);
    expect(await Promise.all(waiting)).toEqual(['CLOSED', 'CLOSED']);
    held.release();
    expect(await held.ended).toBe('released');
  });

  it('fails with CLOSED after close', async () => {
    const { leases } = await openLeases(suite);
    await leases.close();
    expect(await reasonOf(leases.withLease('k', TTL, async () => 'ran'))).toBe('CLOSED');
    await expect(leases.close()).resolves.toBeUndefined();
  });
}

function describeInstances(suite: LeasesSuite): void {
  if (suite.capabilities.betweenInstances) {
    it('instances of a deployment exclude each other', async () => {
      const harness = await openLeases(suite);
      const other = await harness.openAnother();
      const held = await hold(harness.leases, 'k');
      const controller = new AbortController();
      const options = { ...TTL, signal: controller.signal };
      const impatient = reasonOf(other.withLease('k', options, async () => 'ran'));
      const patient = other.withLease('k', TTL, async () => 'mine');
      controller.abort();
      expect(await impatient).toBe('CANCELLED');
      held.release();
      expect(await patient).toBe('mine');
    });
  } else {
    it('instances do not exclude each other', async () => {
      const harness = await openLeases(suite);
      const held = await hold(harness.leases, 'k');
      const other = await harness.openAnother();
      expect(await other.withLease('k', TTL, async () => 'as well')).toBe('as well');
      held.release();
    });
  }

  it('two deployments never wait for each other [F5, D4]', async () => {
    const [one, other] = [await openLeases(suite), await openLeases(suite)];
    const held = await hold(one.leases, 'k');
    expect(await other.leases.withLease('k', TTL, async () => 'free')).toBe('free');
    held.release();
  });
}

interface Held {
  readonly lease: Lease;
  readonly release: () => void;
  readonly ended: Promise<string>;
}

/** Takes a lease and keeps it until `release`. */
function hold(leases: Leases, key: string): Promise<Held> {
  return new Promise((resolve, reject) => {
    const ended = leases.withLease(key, TTL, async (lease) => {
      await new Promise<void>((release) => resolve({ lease, release, ended }));
      return 'released';
    });
    ended.catch(reject);
  });
}

async function openLeases(suite: LeasesSuite): Promise<LeasesHarness> {
  const harness = await suite.create();
  onTestFinished(() => harness.dispose());
  return harness;
}
