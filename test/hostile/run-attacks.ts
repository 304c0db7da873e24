import { setTimeout as sleep } from 'node:timers/promises';
import { openLab, type Lab, type LabOptions } from '../bench/lab/lab.js';
import { startWorker, type Worker } from '../bench/lab/worker.js';
import type { Attack, Others, OthersResult } from './attack.js';
import type { Yardstick } from './roles/yardstick.js';

/** What came of one attack. */
export interface AttackResult {
  readonly name: string;
  readonly target: Attack['target'];
  /** The longest turn of the event loop of the process under attack. Milliseconds. */
  readonly stallMs: number;
  /** The longest turn of ten milliseconds of work in a bare loop at the same time. */
  readonly bareMs: number;
  readonly ratio: number;
  readonly maxRatio: number;
  readonly growthMiB: number;
  readonly maxGrowthMiB: number;
  readonly calls: number;
  /** Why calls of others failed; none should. */
  readonly failures: readonly string[];
  /** What the attacker got. */
  readonly outcome: string;
  /** Whether that is all an attacker should get. */
  readonly held: boolean;
  /** Whether it held and no bound was exceeded. */
  readonly met: boolean;
}

/** An attack that could not be run to its end. */
export interface AttackFailure {
  readonly name: string;
  readonly error: string;
}

/** A turn of 100 ms where ten milliseconds of work take ten. */
const MAX_RATIO = 10;
/** How long others go on afterwards: what was begun may be expensive at its end. */
const AFTERMATH_MS = 500;
/** How long an attack may take, and the process under attack to respond. Milliseconds. */
const LIMIT_MS = 60_000;

/** Runs one attack after the other, each against a new process; one that fails stops no other. */
export async function runAttacks(
  attacks: readonly Attack[],
  options: LabOptions & { readonly begin: (name: string) => void },
): Promise<{ readonly results: AttackResult[]; readonly errors: AttackFailure[] }> {
  const results: AttackResult[] = [];
  const errors: AttackFailure[] = [];
  for (const attack of attacks) {
    if (options.signal.aborted) break;
    options.begin(attack.name);
    const lab = openLab(options);
    try {
      results.push(await runAttack(attack, lab));
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      errors.push({ name: attack.name, error: text });
    } finally {
      await lab.close();
    }
  }
  return { results, errors };
}

/** Where nobody else uses the process. */
const NOBODY: Others = {
  begin: () => Promise.resolve(),
  end: () => Promise.resolve({ calls: 0, failures: [] }),
};

async function runAttack(attack: Attack, lab: Lab): Promise<AttackResult> {
  const yardstick: Worker<Yardstick> = startWorker(
    lab,
    new URL('./roles/yardstick.js', import.meta.url),
  );
  await yardstick.call('begin');
  const { victim, others = NOBODY, attack: run } = await attack.open(lab);
  await others.begin();
  const before = await victim.measured();
  await yardstick.call('take');
  const outcome = await within(run(), () => 'nothing in a minute');
  await sleep(AFTERMATH_MS, undefined, { signal: lab.signal });
  const after = await within(victim.measured(), () => {
    throw new Error('the process under attack does not respond any more');
  });
  const bareMs = await yardstick.call('take');
  const { calls, failures } = await others.end();
  return judge(attack, {
    stallMs: after.longestTurnMs,
    bareMs,
    growthMiB: after.peakMiB - before.peakMiB,
    calls,
    failures,
    outcome,
  });
}

/** What `work` resolves to, or what `late` returns once the time is over. */
async function within<T>(work: Promise<T>, late: () => T): Promise<T> {
  const settled = new AbortController();
  const { signal } = settled;
  const timeout = sleep(LIMIT_MS, undefined, { signal }).then(late);
  timeout.catch(() => undefined);
  work.catch(() => undefined);
  try {
    return await Promise.race([work, timeout]);
  } finally {
    settled.abort();
  }
}

type Seen = OthersResult & Pick<AttackResult, 'stallMs' | 'bareMs' | 'growthMiB' | 'outcome'>;

function judge(attack: Attack, seen: Seen): AttackResult {
  const { name, target, maxGrowthMiB, maxRatio = MAX_RATIO } = attack;
  const ratio = seen.stallMs / seen.bareMs;
  const held = attack.held.test(seen.outcome);
  const isBounded = ratio <= maxRatio && seen.growthMiB <= maxGrowthMiB;
  const met = held && isBounded && seen.failures.length === 0;
  return { name, target, ...seen, ratio, maxRatio, maxGrowthMiB, held, met };
}
