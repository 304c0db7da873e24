import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Bench } from '../../bench/bench.js';
import { openLab, type LabOptions, type OpenLab } from '../../bench/lab/lab.js';
import { inTurn, runPairs } from '../../bench/run-pairs.js';

const OPTIONS: LabOptions = {
  isQuick: true,
  signal: new AbortController().signal,
  dir: '',
  progress: () => undefined,
  etcd: () => Promise.resolve(undefined),
};

/** A lab as the command opens it, in which nothing is started. */
function labOf(signal = OPTIONS.signal): OpenLab {
  return openLab({ ...OPTIONS, signal });
}

function benchOf(names: readonly string[], ran: string[], warmUp?: boolean): Bench {
  const arm = (name: string) => () => {
    ran.push(name);
    return Promise.resolve({ turn: ran.length });
  };
  const arms = { ours: arm('ours'), ...Object.fromEntries(names.map((name) => [name, arm(name)])) };
  return {
    name: 'a bench',
    about: '',
    rows: [],
    ...(warmUp === undefined ? {} : { warmUp }),
    open: () => Promise.resolve(arms),
  };
}

describe('runPairs', () => {
  it('runs the arms in turns, each pair beginning with another one, after one that does not count', async () => {
    const ran: string[] = [];
    const samples = await runPairs(benchOf(['bare'], ran), labOf(), 3);
    expect(ran.join(' ')).toBe('ours bare ours bare bare ours ours bare');
    expect(samples).toEqual({
      ours: [{ turn: 3 }, { turn: 6 }, { turn: 7 }],
      bare: [{ turn: 4 }, { turn: 5 }, { turn: 8 }],
    });
  });

  it('begins at once where no warming up is wanted', async () => {
    const ran: string[] = [];
    await runPairs(benchOf(['bare', 'etcd'], ran, false), labOf(), 2);
    expect(ran.join(' ')).toBe('ours bare etcd bare etcd ours');
  });

  it('stops between two runs when it is interrupted', async () => {
    const interrupted = new AbortController();
    const ran: string[] = [];
    const bench = benchOf(['bare'], ran);
    const stopping: Bench = {
      ...bench,
      open: async (lab) => ({
        ...(await bench.open(lab)),
        bare: () => {
          interrupted.abort();
          return Promise.resolve({});
        },
      }),
    };
    await expect(runPairs(stopping, labOf(interrupted.signal), 5)).rejects.toThrow('aborted');
    expect(ran).toEqual(['ours']);
  });
});

describe('inTurn', () => {
  it('lets each name be first equally often', () => {
    const names = ['a', 'b', 'c'];
    const firsts = [0, 1, 2, 3, 4, 5].map((pair) => inTurn(names, pair)[0]);
    expect(firsts).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
    for (const pair of [0, 1, 2]) expect([...inTurn(names, pair)].sort()).toEqual(names);
  });
});

describe('a lab', () => {
  it('cleans up in reverse, all of it, also when some of it fails', async () => {
    const lab = labOf();
    const done: string[] = [];
    lab.defer(() => void done.push('first'));
    lab.defer(() => {
      throw new Error('stuck');
    });
    lab.defer(() => void done.push('last'));
    await expect(lab.close()).rejects.toThrow('not everything');
    expect(done).toEqual(['last', 'first']);
    await lab.close();
    expect(done).toEqual(['last', 'first']);
  });

  it('removes folders once everything else has ended, which may still write to them', async () => {
    const lab = openLab({ ...OPTIONS, dir: tmpdir() });
    const written: string[] = [];
    lab.defer(async () => {
      for (const folder of folders) await writeFile(path.join(folder, 'last words'), 'bye');
      written.push(...folders);
    });
    const folders = [await lab.folder(), await lab.folder()];
    await lab.close();
    expect(written).toEqual(folders);
    expect(folders.filter(existsSync)).toEqual([]);
  });
});
