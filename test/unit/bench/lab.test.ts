import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { countEvents, encodePut, encodeWatch } from '../../bench/lab/etcd-messages.js';
import { closedLoop, openLoop } from '../../bench/lab/commit-loops.js';
import type { MessageListener, WatchStreams } from '../../bench/lab/watch-streams.js';
import type { Writer, Written } from '../../bench/lab/writers.js';

const NOTHING = Buffer.alloc(0);

/** Streams and a writer without a server in between: each commit reaches each stream at once. */
function fleet(total: number, perCommit: number, most = Number.POSITIVE_INFINITY) {
  let listener: MessageListener = () => undefined;
  let underWay = 0;
  const seen = { writes: 0, mostUnderWay: 0 };
  const streams = {
    total,
    listen: (onMessage: MessageListener) => {
      listener = onMessage;
      return () => undefined;
    },
  } as Partial<WatchStreams> as WatchStreams;
  const write = async (): Promise<Written> => {
    seen.writes += 1;
    underWay += 1;
    seen.mostUnderWay = Math.max(seen.mostUnderWay, underWay);
    await nextTurn();
    underWay -= 1;
    for (let stream = 0; stream < total; stream += 1) listener(stream, perCommit, NOTHING);
    return { request: NOTHING, answer: NOTHING };
  };
  const writer: Writer = { atOnce: most, write };
  return { streams, writer, seen, send: () => listener(0, 1, NOTHING) };
}

describe('the closed loop', () => {
  it('counts each commit once for each stream, and ends when all have all', async () => {
    const { seen, ...parts } = fleet(3, 2);
    const result = await closedLoop(parts, { ms: 5, window: 4, perCommit: 2 });
    expect(result.commits).toBe(seen.writes);
    expect(result.deliveries).toBe(3 * seen.writes);
    expect(seen.mostUnderWay).toBe(4);
  });

  it('never has more under way than the writer can take', async () => {
    const { seen, ...parts } = fleet(2, 1, 3);
    await closedLoop(parts, { ms: 5, window: 16, perCommit: 1 });
    expect(seen.mostUnderWay).toBe(3);
  });

  it('fails on a message that no commit accounts for', async () => {
    const { send, ...parts } = fleet(1, 1);
    const running = closedLoop(parts, { ms: 5, window: 1, perCommit: 1 });
    send();
    await expect(running).rejects.toThrow('more came');
  });
});

describe('the open loop', () => {
  it('takes one time for each commit on each stream', async () => {
    const { seen, ...parts } = fleet(5, 2);
    const result = await openLoop(parts, { commits: 3, everyMs: 1, perCommit: 2 });
    expect(seen.writes).toBe(3);
    expect(result.deliveries).toBe(15);
    expect(result.p50).toBeGreaterThanOrEqual(0);
    expect(result.p99).toBeGreaterThanOrEqual(result.p50);
  });
});

describe('messages of etcd', () => {
  it('are encoded as its documentation gives the fields', () => {
    const key = Buffer.from('k');
    expect(encodePut(key, Buffer.from('vv'))).toEqual(Buffer.from('0a016b12027676', 'hex'));
    expect(encodeWatch(key)).toEqual(Buffer.from('0a030a016b', 'hex'));
  });

  it('are counted by their events, whatever else they hold', () => {
    // header = {revision: 3}, created = true
    expect(countEvents(Buffer.from('0a0218031801', 'hex'))).toBe(0);
    // watch id 1, two events of which one is empty
    expect(countEvents(Buffer.from('10015a0208005a00', 'hex'))).toBe(2);
  });
});
