import { describe, expect, it, onTestFinished } from 'vitest';
import type { Lease, Leases } from '../../src/storage/leases.js';
import { eventually } from '../support/eventually.js';
import { ODD_TEXTS } from '../support/storage/history.js';
import { reasonOf } from '../support/reason-of.js';

export interface LeasesHarness {
  readonly leases: Leases;
  /** Another instance of the same deployment, as another replica would open it. */
  openAnother(): Promise<Leases>;
  /** What can befall the leases of this engine; absent if nothing can. */
  readonly faults?: LeaseFaults;
  dispose(): Promise<void>;
}

export interface LeaseFaults {
  /** The holder of the key loses its lease. */
  lose(key: string): void;
  /** From now on leases cannot be had. */
  takeDown(): void;
  bringUp(): void;
}

export interface LeasesSuite {
  /** Fresh, isolated and opened. */
  readonly create: () => Promise<LeasesHarness>;
  readonly capabilities: {
    /** Whether instances exclude each other. */
    readonly betweenInstances: boolean;
    /** Whether leases can be lost, or not be had: then the harness has `faults`. */
    readonly canFail: boolean;
  };
}

const TTL = { ttlMs: 5_000 };

/** Registers the conformance suite of the Leases contract. */
export function describeLeases(name: string, suite: LeasesSuite): void {
  describe(`leases: ${name}`, () => {
    describeHolding(suite);
    describeGivingUp(suite);
    if (suite.capabilities.canFail) describeFaults(suite);
    describeLeasesLifecycle(suite);
    describeInstances(suite);
  });
}

function describeHolding(suite: LeasesSuite): void {
  it('returns what the body returns, which knows its key and that it holds it', async () => {
    const { leases } = await openLeases(suite);
    const seen = await leases.withLease('k', TTL, async ({ key, isHeld, signal }) => ({
      key,
      isHeld,
      isLost: signal.aborted,
    }));
    expect(seen).toEqual({ key: 'k', isHeld: true, isLost: false });
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

  it("the caller's signal ends the waiting and nothing else: the lease is not lost by it", async () => {
    const { leases } = await openLeases(suite);
    const controller = new AbortController();
    const isLost = await leases.withLease(
      'k',
      { ...TTL, signal: controller.signal },
      async (lease) => {
        controller.abort();
        return lease.signal.aborted;
      },
    );
    expect(isLost).toBe(false);
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

function describeFaults(suite: LeasesSuite): void {
  it('who loses a lease is told by its signal, and the next one gets it [L4]', async () => {
    const { leases, faults } = await openLeases(suite);
    const held = await hold(leases, 'k');
    const next = hold(leases, 'k');
    faults?.lose('k');
    const { lease, release } = await next;
    expect([held.lease.signal.aborted, lease.signal.aborted]).toEqual([true, false]);
    // The former holder ends late, and releases nothing that it no longer has.
    held.release();
    await held.ended;
    const third = hold(leases, 'k');
    expect(await isSettled(third)).toBe(false);
    release();
    (await third).release();
  });

  it('where leases cannot be had the work is done at once, by everybody, who knows it', async () => {
    const { leases, faults } = await openLeases(suite);
    faults?.takeDown();
    const [one, other] = await Promise.all([hold(leases, 'k'), hold(leases, 'k')]);
    for (const { lease } of [one, other]) {
      expect(lease).toMatchObject({ key: 'k', isHeld: false });
      expect(lease.cause).toBeDefined();
      expect(lease.signal.aborted).toBe(false);
    }
    one.release();
    other.release();
    expect(await Promise.all([one.ended, other.ended])).toEqual(['released', 'released']);
  });

  it('who waits while leases become unavailable does the work without', async () => {
    const { leases, faults } = await openLeases(suite);
    const held = await hold(leases, 'k');
    const waiting = leases.withLease('k', TTL, async ({ isHeld }) => isHeld);
    faults?.takeDown();
    expect(await waiting).toBe(false);
    held.release();
  });

  it('who does the work without holds up nobody, and leases can be had again', async () => {
    const { leases, faults } = await openLeases(suite);
    faults?.takeDown();
    const without = await hold(leases, 'k');
    faults?.bringUp();
    expect(await leases.withLease('k', TTL, async ({ isHeld }) => isHeld)).toBe(true);
    without.release();
  });

  it('who gave up, or came after close, does no work without a lease either', async () => {
    const { leases, faults } = await openLeases(suite);
    faults?.takeDown();
    const options = { ...TTL, signal: AbortSignal.abort() };
    expect(await reasonOf(leases.withLease('k', options, async () => 'ran'))).toBe('CANCELLED');
    await leases.close();
    expect(await reasonOf(leases.withLease('k', TTL, async () => 'ran'))).toBe('CLOSED');
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

/** Whether it has settled when everything that can go on has gone on. */
async function isSettled(work: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  const turn = new Promise((resolve) => setImmediate(resolve, pending));
  return (await Promise.race([work, turn])) !== pending;
}

async function openLeases(suite: LeasesSuite): Promise<LeasesHarness> {
  const harness = await suite.create();
  onTestFinished(() => harness.dispose());
  return harness;
}
