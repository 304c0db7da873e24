import { table } from '../../src/cli/text.js';
import type { AttackResult } from './run-attacks.js';

const HEAD = [
  'ATTACK',
  'TARGET',
  'STALL',
  'BARE LOOP',
  'RATIO',
  'RSS GROWTH',
  'OTHERS',
  '',
  'OUTCOME',
];

/** The results for a terminal. */
export function renderTable(results: readonly AttackResult[]): string {
  return table([HEAD, ...results.map(toCells)]);
}

function toCells(result: AttackResult): readonly string[] {
  const { name, target, stallMs, bareMs, ratio, maxRatio, growthMiB, maxGrowthMiB } = result;
  const others = `${String(result.failures.length)} of ${String(result.calls)} failed`;
  return [
    name,
    target,
    `${stallMs.toFixed(0)} ms`,
    `${bareMs.toFixed(0)} ms`,
    `${ratio.toFixed(1)} of at most ${String(maxRatio)}`,
    `${growthMiB.toFixed(0)} of at most ${String(maxGrowthMiB)} MiB`,
    result.calls === 0 ? '-' : others,
    result.met ? 'held' : 'FAILED',
    result.held ? result.outcome : `not as it should be: ${result.outcome}`,
  ];
}
