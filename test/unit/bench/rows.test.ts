import { describe, expect, it } from 'vitest';
import { BENCHES, select } from '../../bench/rows/index.js';

describe('the benches', () => {
  it('have names of their own, and so have their rows', () => {
    const names = BENCHES.map(({ name }) => name);
    const rows = BENCHES.flatMap((bench) => bench.rows.map((row) => row.name));
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(rows).size).toBe(rows.length);
    expect(BENCHES.every((bench) => bench.rows.length > 0)).toBe(true);
  });

  it('hold the bounds that were set for them', () => {
    const marks = BENCHES.flatMap((bench) => bench.rows).flatMap(({ name, mark, ratio }) =>
      mark === undefined ? [] : [`${name}: ${ratio}, ${mark.of} ${mark.direction} ${mark.bound}`],
    );
    expect(marks).toMatchInlineSnapshot(`
      [
        "lookup in the client: ours / baseline, ratio at most 10",
        "borrowing a warm connection: ours / baseline, ratio at most 20",
        "GetServer over gRPC: baseline / ours, ratio at least 0.75",
        "GetServer of a private server: ours / baseline, ratio at most 1.1",
        "watch fan-out 10 x 100, bare: ours / baseline, ratio at least 0.8",
        "watch fan-out 100 x 1, bare: ours / baseline, ratio at least 0.8",
        "watch fan-out 1000 x 1, bare: ours / baseline, ratio at least 0.8",
        "commit to callback, p99: ours / baseline, ratio at most 1",
        "memory of a watcher: ours / baseline, difference at most 4096",
        "durable write, 1 writer, bare: ours / baseline, ratio at least 0.7",
        "durable write, 64 writers, bare: ours / baseline, ratio at least 0.7",
        "list for a user, cold, store commands: ours / baseline, ratio at most 1",
        "list for a user, cold, bytes read: ours / baseline, ratio at most 1.01",
        "list for a user, warm, store commands: ours / baseline, ratio at most 1",
        "list for a user, warm, bytes read: ours / baseline, ratio at most 1.01",
        "list among 1,000,000, cold, store commands: ours / baseline, ratio at most 1",
        "list among 1,000,000, cold, bytes read: ours / baseline, ratio at most 1.01",
        "list among 1,000,000, warm, store commands: ours / baseline, ratio at most 1",
        "list among 1,000,000, warm, bytes read: ours / baseline, ratio at most 1.01",
        "update of a server granted to 10,000: ours / baseline, ratio at most 1.1",
      ]
    `);
  });
});

describe('select', () => {
  it('looks at the names of benches and of rows', () => {
    const [durable] = select(BENCHES, /durable-write 64/);
    expect(durable?.name).toBe('durable-write 64 writers');
    expect(select(BENCHES, /p99/).map(({ name }) => name)).toEqual(['commit-to-callback']);
    expect(select(BENCHES, undefined)).toBe(BENCHES);
    expect(select(BENCHES, /nothing like it/)).toEqual([]);
  });
});
