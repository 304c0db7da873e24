import * as vega from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { RowResult } from '../result.js';

/** A drawing, named for its file. */
export interface Plot {
  readonly name: string;
  readonly svg: string;
}

/** Draws what the rows say. */
export async function renderPlots(rows: readonly RowResult[]): Promise<readonly Plot[]> {
  const specs: Readonly<Record<string, TopLevelSpec>> = {
    marks: marksPlot(rows),
    'fan-out': fanOutPlot(rows),
    'fan-out-cpu': fanOutCpuPlot(rows),
    latency: latencyPlot(rows),
  };
  const plots: Plot[] = [];
  for (const [name, spec] of Object.entries(specs)) plots.push({ name, svg: await draw(spec) });
  return plots;
}

async function draw(spec: TopLevelSpec): Promise<string> {
  const view = new vega.View(vega.parse(compile(spec).spec), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

const OURS = '#1f6f8b';
const OTHERS = ['#9aa5b1', '#c9ced6', '#d98e04'];

/** One bar of a plot, with what its pairs spread over. */
interface Bar {
  readonly group: string;
  readonly side: string;
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
}

/** How far each ratio is from its mark: 1 is the mark, more is better. */
function marksPlot(rows: readonly RowResult[]): TopLevelSpec {
  const values = rows.flatMap(({ name, mark, ratio, spread }) => {
    if (mark?.of !== 'ratio' || ratio === null || spread.ratio === null) return [];
    const place = (measured: number): number =>
      mark.direction === 'at least' ? measured / mark.bound : mark.bound / measured;
    return [{ name, at: place(ratio), from: place(spread.ratio[0]), to: place(spread.ratio[1]) }];
  });
  const y = {
    field: 'name',
    type: 'nominal',
    sort: null,
    title: null,
    axis: { labelLimit: 320 },
  } as const;
  const scale = { type: 'log' } as const;
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: 'white',
    width: 480,
    data: { values },
    layer: [
      { mark: { type: 'rule', color: '#555', strokeDash: [4, 4] }, encoding: { x: { datum: 1 } } },
      {
        mark: { type: 'rule', strokeWidth: 3, color: OTHERS[0] ?? '' },
        encoding: { y, x: { field: 'from', type: 'quantitative', scale }, x2: { field: 'to' } },
      },
      {
        mark: { type: 'point', filled: true, size: 70, color: OURS },
        encoding: {
          y,
          x: {
            field: 'at',
            type: 'quantitative',
            scale,
            title:
              'ratio against its mark: met on the line and right of it (smallest, median, largest)',
          },
        },
      },
    ],
  };
}

function fanOutPlot(rows: readonly RowResult[]): TopLevelSpec {
  const fanOut = rows.filter(({ name }) => name.startsWith('watch fan-out'));
  const bars = fanOut.flatMap((row): readonly Bar[] => {
    const group = topologyOf(row);
    const [low, high] = row.spread.value;
    const own: Bar = { group, side: 'Switchboard', value: row.value, low, high };
    if (row.baseline === null || row.spread.baseline === null) return [own];
    const [from, to] = row.spread.baseline;
    return [own, { group, side: row.baselineIs, value: row.baseline, low: from, high: to }];
  });
  return barsPlot(bars, 'deliveries a second');
}

function fanOutCpuPlot(rows: readonly RowResult[]): TopLevelSpec {
  const fanOut = rows.filter(({ name }) => name.startsWith('watch fan-out'));
  const bars = fanOut.flatMap((row): readonly Bar[] => {
    const cpu = row.beside.find(({ figure }) => figure === 'cpu');
    if (cpu === undefined) return [];
    const group = topologyOf(row);
    const own: Bar = { group, side: 'Switchboard', value: cpu.value };
    return cpu.baseline === null
      ? [own]
      : [own, { group, side: row.baselineIs, value: cpu.baseline }];
  });
  return barsPlot(bars, 'µs of server CPU for each delivery');
}

function latencyPlot(rows: readonly RowResult[]): TopLevelSpec {
  const bars = rows
    .filter(({ name }) => name.startsWith('commit to callback'))
    .flatMap(({ value, baseline, baselineIs, beside }): readonly Bar[] => {
      const p50 = beside.find(({ figure }) => figure === 'p50');
      const side = 'Switchboard';
      const own = [
        { group: 'p50', side, value: p50?.value ?? 0 },
        { group: 'p99', side, value },
      ];
      if (baseline === null) return own;
      return [
        ...own,
        { group: 'p50', side: baselineIs, value: p50?.baseline ?? 0 },
        { group: 'p99', side: baselineIs, value: baseline },
      ];
    });
  return barsPlot(bars, 'milliseconds from commit to callback');
}

function topologyOf({ name }: RowResult): string {
  return name.replace('watch fan-out ', '').replace(/,.*/, '');
}

/** Bars side by side in groups, with a line from the smallest to the largest where there is one. */
function barsPlot(bars: readonly Bar[], title: string): TopLevelSpec {
  const unique = [...new Map(bars.map((bar) => [`${bar.group} ${bar.side}`, bar])).values()];
  const sides = [...new Set(unique.map(({ side }) => side))];
  const x = {
    field: 'group',
    type: 'nominal',
    sort: null,
    title: null,
    axis: { labelAngle: 0 },
  } as const;
  const xOffset = { field: 'side', sort: sides } as const;
  const range = [OURS, ...OTHERS];
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: 'white',
    width: { step: 34 },
    height: 240,
    data: { values: unique.map((bar) => ({ ...bar })) },
    layer: [
      {
        mark: 'bar',
        encoding: {
          x,
          xOffset,
          y: { field: 'value', type: 'quantitative', title },
          color: {
            field: 'side',
            type: 'nominal',
            scale: { domain: sides, range },
            title: null,
            legend: { orient: 'bottom', direction: 'vertical', labelLimit: 320 },
          },
        },
      },
      {
        transform: [{ filter: 'isValid(datum.low)' }],
        mark: { type: 'rule', color: '#333' },
        encoding: { x, xOffset, y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } },
      },
    ],
  };
}
