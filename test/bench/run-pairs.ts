import { setTimeout as sleep } from 'node:timers/promises';
import type { Arm, Arms, Bench, Sample } from './bench.js';
import type { Lab } from './lab/lab.js';
import type { Samples } from './result.js';

/**
 * Runs the arms in turns, `pairs` times, each time beginning with another one: what the
 * machine does meanwhile, and what an arm leaves behind, then falls on all of them alike.
 */
export async function runPairs(bench: Bench, lab: Lab, pairs: number): Promise<Samples> {
  const arms = await bench.open(lab);
  const names = Object.keys(arms);
  if (bench.warmUp !== false) {
    lab.progress('warming up');
    for (const name of names) await runArm(arms, name, lab);
  }
  const samples: Record<string, Sample[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (let pair = 0; pair < pairs; pair += 1) {
    for (const name of inTurn(names, pair)) {
      lab.progress(`pair ${pair + 1} of ${pairs}: ${name}`);
      samples[name]?.push(await runArm(arms, name, lab));
    }
  }
  return samples;
}

/** The names, beginning with another one for each pair. */
export function inTurn(names: readonly string[], pair: number): readonly string[] {
  const first = pair % names.length;
  return [...names.slice(first), ...names.slice(0, first)];
}

/** No run takes a tenth of it; one that waits for ever must not hold up the others. */
const ARM_MS = 180_000;

async function runArm(arms: Arms, name: string, lab: Lab): Promise<Sample> {
  lab.signal.throwIfAborted();
  const arm: Arm | undefined = arms[name];
  if (arm === undefined) throw new Error(`no arm ${name}`);
  const settled = new AbortController();
  const late = sleep(ARM_MS, undefined, { signal: settled.signal, ref: false }).then(() => {
    throw new Error(`${name} took longer than ${ARM_MS / 1_000} seconds`);
  });
  try {
    return await Promise.race([arm(), late]);
  } finally {
    late.catch(() => undefined);
    settled.abort();
  }
}
