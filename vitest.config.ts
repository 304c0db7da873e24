import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

interface Layer {
  readonly name: string;
  /** Where its tests are. Default: the folder of its name. */
  readonly folder?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Layers run one after the other in this order: what fails fastest comes first. */
  readonly order: number;
  /** Spawns processes from dist/, which must therefore be up to date. */
  readonly needsBuild?: boolean;
  /** Files that run at once. Default: as many as there are cores. */
  readonly maxWorkers?: number;
}

const layers: readonly Layer[] = [
  { name: 'unit', order: 0 },
  { name: 'conformance', order: 1 },
  { name: 'checks', order: 2 },
  { name: 'integration', order: 3, needsBuild: true },
  // The same tests of the services once more, on the engine whose projections lag.
  {
    name: 'lagging',
    folder: 'integration/services',
    order: 3,
    env: { SWITCHBOARD_TEST_CATALOG: 'lagging' },
  },
  // Mostly these wait, for processes that each of them starts; many at once would be in each other's way.
  { name: 'e2e', order: 4, needsBuild: true, maxWorkers: 3 },
];

/**
 * Ends a test that hangs, and no other: on a busy machine the longest takes ten times as
 * long as the minute and a half that it needs on an idle one.
 */
const HANGS_AFTER_MS = 2_700_000;

export default defineConfig({
  test: {
    pool: 'forks',
    projects: layers.map((layer) => ({
      test: {
        name: layer.name,
        include: [`test/${layer.folder ?? layer.name}/**/*.test.ts`],
        exclude: ['**/node_modules/**', 'test/checks/fixtures/**'],
        environment: 'node',
        env: layer.env ?? {},
        testTimeout: HANGS_AFTER_MS,
        hookTimeout: HANGS_AFTER_MS,
        sequence: { groupOrder: layer.order },
        ...(layer.needsBuild ? { globalSetup: ['scripts/lib/vitest-build.mjs'] } : {}),
        maxWorkers: layer.maxWorkers ?? availableParallelism(),
      },
    })),
  },
});
