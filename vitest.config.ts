import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

interface Layer {
  readonly name: string;
  readonly timeoutMs: number;
  /** Layers run one after the other in this order: what fails fastest comes first. */
  readonly order: number;
  /** Spawns processes from dist/, which must therefore be up to date. */
  readonly needsBuild?: boolean;
  /** Files that run at once. Default: as many as there are cores. */
  readonly maxWorkers?: number;
}

const layers: readonly Layer[] = [
  { name: 'unit', timeoutMs: 10_000, order: 0 },
  { name: 'conformance', timeoutMs: 30_000, order: 1 },
  { name: 'checks', timeoutMs: 60_000, order: 2 },
  { name: 'integration', timeoutMs: 30_000, order: 3, needsBuild: true },
  // Mostly these wait, for processes that each of them starts; many at once would be in each other's way.
  { name: 'e2e', timeoutMs: 120_000, order: 4, needsBuild: true, maxWorkers: 3 },
];

export default defineConfig({
  test: {
    pool: 'forks',
    projects: layers.map((layer) => ({
      test: {
        name: layer.name,
        include: [`test/${layer.name}/**/*.test.ts`],
        exclude: ['**/node_modules/**', 'test/checks/fixtures/**'],
        environment: 'node',
        testTimeout: layer.timeoutMs,
        hookTimeout: layer.timeoutMs,
        sequence: { groupOrder: layer.order },
        ...(layer.needsBuild ? { globalSetup: ['scripts/lib/vitest-build.mjs'] } : {}),
        maxWorkers: layer.maxWorkers ?? availableParallelism(),
      },
    })),
  },
});
