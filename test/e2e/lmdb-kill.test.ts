import { randomInt } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import type { FailpointName } from '../../src/domain/failpoint.js';
import { openLmdbCatalog } from '../../src/storage/catalog/lmdb/open-lmdb-catalog.js';
import { expectWholeLog } from '../conformance/catalog/append.js';
import { temporaryFolder } from '../support/storage/lmdb.js';
import { startAppender, type Acknowledged } from '../support/storage/process.js';

const ROUNDS = 20;
const FAILPOINTS: readonly FailpointName[] = [
  'append.before',
  'append.beforeFlush',
  'append.afterFlush',
];

it('loses nothing acknowledged when killed at any moment [F1, R1]', async () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  const dataDir = await folder();
  const acknowledged: Acknowledged[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const appender = startAppender({ dataDir, seed: seed + round });
    await appender.reached(1 + random(120));
    await appender.kill();
    acknowledged.push(...appender.acknowledged);
    expect(await appender.ended).toBe('SIGKILL');
    await expectKept(dataDir, acknowledged);
  }
  expect(acknowledged.length).toBeGreaterThanOrEqual(ROUNDS);
});

it('loses nothing acknowledged when killed at a failpoint [F1, R1]', async () => {
  const seed = newSeed();
  const random = randomFrom(seed);
  const dataDir = await folder();
  const acknowledged: Acknowledged[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const killAt = FAILPOINTS[round % FAILPOINTS.length]!;
    const killAfter = 1 + random(60);
    const appender = startAppender({ dataDir, seed: seed + round, killAt, killAfter });
    expect(await appender.ended).toBe('SIGKILL');
    acknowledged.push(...appender.acknowledged);
    await expectKept(dataDir, acknowledged);
  }
  expect(acknowledged.length).toBeGreaterThanOrEqual(ROUNDS);
});

it('lets no second process in while one lives, and the next one once it is killed [F1, P1]', async () => {
  const seed = newSeed();
  const dataDir = await folder();
  const acknowledged: Acknowledged[] = [];
  for (let round = 0; round < 5; round += 1) {
    const owner = startAppender({ dataDir, seed: seed + 2 * round });
    onTestFinished(() => owner.kill());
    await owner.reached(20);
    const intruder = startAppender({ dataDir, seed: seed + 2 * round + 1 });
    onTestFinished(() => intruder.kill());
    await intruder.reached(1);
    expect(intruder.acknowledged).toEqual([]);
    expect(await intruder.ended).toContain('another process has it open');
    await owner.reached(owner.acknowledged.length + 20);
    await owner.kill();
    expect(await owner.ended).toBe('SIGKILL');
    acknowledged.push(...owner.acknowledged);
  }
  await expectKept(dataDir, acknowledged);
});

it('refuses writes when its file cannot grow, loses none, and goes on when it can [R3, F1]', async () => {
  const dataDir = await folder();
  const padding = 20_000;
  const appender = startAppender({ dataDir, seed: newSeed(), padding, fileLimitKiB: 4_096 });
  onTestFinished(() => appender.kill());
  await appender.reached(300);
  await appender.kill();
  // The compaction that the first of them tries, and each of the four writers that was in a group that failed.
  const reasons = appender.failures.map((failure) => failure.split(' ')[0]);
  expect(reasons.filter((reason) => reason === 'CATALOG_UNAVAILABLE')).toHaveLength(1);
  const refused = reasons.filter((reason) => reason === 'NOT_WRITTEN');
  expect(refused.length).toBeGreaterThanOrEqual(1);
  expect(reasons).toHaveLength(refused.length + 1);
  expect(appender.acknowledged.length).toBeGreaterThanOrEqual(300);
  await expectKept(dataDir, appender.acknowledged);
});

/** Everything acknowledged is in its place, the logs have no holes, the projections are their sums. */
async function expectKept(dataDir: string, acknowledged: readonly Acknowledged[]): Promise<void> {
  const catalog = await openLmdbCatalog({ dataDir });
  try {
    for (const { tenant, revision, fingerprint } of acknowledged) {
      expect(await catalog.log.positionAt(tenant, revision)).toMatchObject({
        revision,
        fingerprint,
      });
    }
    for (const tenant of await catalog.log.tenants()) await expectWholeLog(catalog, tenant);
  } finally {
    await catalog.close();
  }
}

async function folder(): Promise<string> {
  const made = await temporaryFolder();
  onTestFinished(() => made.remove());
  return made.path;
}

/** Printed, so that a failing run can be told from others. */
function newSeed(): number {
  const seed = randomInt(2 ** 31);
  console.info(`seed ${String(seed)}`);
  return seed;
}

function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return Math.floor((state / 2 ** 31) * below);
  };
}
