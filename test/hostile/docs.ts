import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import path from 'node:path';
import { withPart } from '../../scripts/lib/docs-parts.mjs';
import type { Attack } from './attack.js';
import { ATTACKS } from './attacks/index.js';
import type { AttackResult } from './run-attacks.js';

/** When and on what a run was made. */
export interface RunFacts {
  /** Day, ISO 8601. */
  readonly date: string;
  readonly cores: number;
  readonly node: string;
  /** Load average of the last minute before the run: an idle machine has almost none. */
  readonly loadBefore: number;
}

/** A whole run, as docs/security.md shows it. */
export interface Results {
  /** Undefined as long as none was kept. */
  readonly run?: RunFacts;
  readonly results: readonly AttackResult[];
}

/** The page, written by hand but for its table. */
export const PAGE = 'docs/security.md';
const FOLDER = 'docs/security';
const RESULTS = `${FOLDER}/attacks.json`;

/** The facts of a run that begins now. */
export function describeRun(): RunFacts {
  return {
    date: new Date().toISOString().slice(0, 10),
    cores: cpus().length,
    node: process.versions.node,
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

/** Keeps a run for the docs. */
export async function saveResults(root: string, results: Results): Promise<void> {
  await mkdir(path.join(root, FOLDER), { recursive: true });
  await writeFile(path.join(root, RESULTS), `${JSON.stringify(results, null, 2)}\n`);
}

/** Writes the table of the page anew from the run that was kept. */
export async function renderDocs(root: string): Promise<void> {
  await writeFile(path.join(root, PAGE), await renderPage(root));
}

/** The page as it should be. */
export async function renderPage(root: string): Promise<string> {
  const kept = JSON.parse(await readFile(path.join(root, RESULTS), 'utf8')) as Results;
  const page = await readFile(path.join(root, PAGE), 'utf8');
  return withPart(page, 'attacks', renderAttacks(kept));
}

function renderAttacks({ run, results }: Results): string {
  const byName = new Map(results.map((result) => [result.name, result]));
  const head = [
    '| attack | what stops it | longest turn | memory | others failed |',
    '| --- | --- | --- | --- | --- |',
  ];
  const rows = ATTACKS.map((attack) => {
    const cells = [...toProse(attack), ...toFigures(byName.get(attack.name))];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return [describe(run), '', ...head, ...rows].join('\n');
}

function describe(run: RunFacts | undefined): string {
  if (run === undefined) return 'No run was kept yet.';
  const { date, cores, node, loadBefore } = run;
  const load = `a load of ${String(loadBefore)} before`;
  return `Measured on ${date} with ${String(cores)} cores, Node ${node}, and ${load}.`;
}

function toProse({ name, about, defence }: Attack): readonly string[] {
  return [`**${name}**: ${about}`, defence];
}

/** A turn as a multiple of one of a bare loop, growth of memory, and calls of others. */
function toFigures(result: AttackResult | undefined): readonly string[] {
  if (result === undefined) return ['not measured', '', ''];
  const { stallMs, ratio, growthMiB, maxGrowthMiB, calls, failures, met } = result;
  return [
    `${stallMs.toFixed(0)} ms, ${ratio.toFixed(1)} × bare${met ? '' : ' (**failed**)'}`,
    `${growthMiB.toFixed(0)} of ${String(maxGrowthMiB)} MiB`,
    calls === 0 ? '-' : `${String(failures.length)} of ${String(calls)}`,
  ];
}
