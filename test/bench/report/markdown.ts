import type { Bench } from '../bench.js';
import type { RowResult } from '../result.js';
import { formatBeside, formatMark, formatSpread, formatVerdict } from './format.js';
import type { RunFacts } from './machine.js';

/** On what the run was made, as sentences. */
export function renderMachine(run: RunFacts): string {
  const { date, cores, memoryGiB, node, pairs, loadBefore } = run;
  const platform = PLATFORMS[run.platform] ?? run.platform;
  const etcd = run.etcd === undefined ? '' : ` etcd: ${run.etcd}.`;
  return (
    `${date}, ${cores} cores, ${memoryGiB} GiB, ${platform}, Node ${node}, ${pairs} pairs for each row; ` +
    `load average before the run ${loadBefore}.${etcd}`
  );
}

const PLATFORMS: Readonly<Record<string, string>> = {
  linux: 'Linux',
  darwin: 'macOS',
  win32: 'Windows',
};

/** The rows as a table of Markdown: medians, with smallest and largest of all pairs in brackets. */
export function renderMarkdownTable(rows: readonly RowResult[]): string {
  const head = [
    'work',
    'ours',
    'baseline',
    'ratio',
    'mark',
    'server CPU and more, ours vs baseline',
  ];
  return [head, head.map(() => '---'), ...rows.map(toCells)]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

function toCells(row: RowResult): readonly string[] {
  const { name, unit, value, baseline, ratio, mark, spread } = row;
  const compared =
    baseline === null || spread.baseline === null
      ? `${row.baselineIs}: not measured`
      : `${row.baselineIs}: ${formatSpread(baseline, spread.baseline)}`;
  return [
    name,
    `${formatSpread(value, spread.value)} ${unit}`,
    compared,
    ratio === null || spread.ratio === null ? '' : formatSpread(ratio, spread.ratio),
    mark === null ? '' : `${formatMark(mark, unit)}: **${formatVerdict(row).toLowerCase()}**`,
    formatBeside(row),
  ];
}

/** What each bench does. */
export function renderAbouts(benches: readonly Bench[]): string {
  return benches.map(({ name, about }) => `- \`${name}\`: ${about}`).join('\n');
}
