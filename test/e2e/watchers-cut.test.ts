import { on } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { SyncResponse } from '../../generated/switchboard/v1/connection_service.js';
import { type Server, Tier } from '../../generated/switchboard/v1/server.js';
import type { WatchLimits } from '../../src/services/watch/watch-limits.js';
import { eventually } from '../support/eventually.js';
import {
  APP,
  httpSpec,
  revisionOf,
  serverOf,
  toRefusal,
  tokenOf,
} from '../support/grpc-admin/grpc-admin.js';
import { startLocalServer, type LocalServer } from '../support/grpc-admin/server.js';
import { createNodeFollower, type NodeFollower } from '../support/grpc-admin/sync.js';
import { createFollower } from '../support/grpc-admin/watch.js';

const FOREVER = 3_600_000;
/** More than the sockets, the windows of HTTP/2 and the budgets below take. */
const BACKLOG = 400;

const CUT = { code: 'RESOURCE_EXHAUSTED', reason: 'SLOW_CONSUMER' };

/** A server whose clock stands still but for `pass`: a busy machine cuts nobody off. */
interface Timed extends LocalServer {
  readonly pass: (ms: number) => void;
}

async function start(
  watchLimits: Partial<WatchLimits>,
  flags: readonly string[] = [],
): Promise<Timed> {
  let now = 0;
  const local = await startLocalServer({
    flags: ['--watch-budget-bytes', '65536', ...flags],
    watchLimits: { stallMs: FOREVER, ackMs: FOREVER, ...watchLimits },
    monotonic: () => now,
  });
  onTestFinished(() => local[Symbol.asyncDispose]());
  return { ...local, pass: (ms) => void (now += ms) };
}

/** Changes one server so often that a reader who takes nothing falls far behind. */
async function flood({ admin }: LocalServer, start?: Server): Promise<Server> {
  const spec = httpSpec('https://tools.example/mcp');
  let server = start;
  server ??= serverOf(await admin.create({ server: { name: 'big', tier: Tier.TIER_APP, spec } }));
  for (let index = 0; index < BACKLOG; index += 1) {
    const description = String(index).padEnd(10_000, 'x');
    const changed = { ...server, spec: httpSpec('https://tools.example/mcp', { description }) };
    server = serverOf(await admin.update({ server: changed }));
  }
  return server;
}

function slowConsumers({ logged }: LocalServer): number {
  return logged.filter(({ reason }) => reason === 'SLOW_CONSUMER').length;
}

describe('a watcher that does not read [W12, P21]', () => {
  it('is reset when it reads again, and holds what a list answers [W8, W14]', async () => {
    const local = await start({});
    const watch = createFollower(APP);
    const node = createNodeFollower(new Map([['app', APP]]), { nodeId: 'n' });
    for (const follower of [watch, node]) {
      follower.open(local.admin);
      await follower.reached(0);
      follower.stream.pause();
    }
    await flood(local);
    for (const follower of [watch, node]) follower.stream.resume();
    const list = await local.admin.list({ view: APP });
    const newest = revisionOf(tokenOf(list));
    for (const follower of [watch, node]) {
      await follower.reached(newest);
      expect({ resets: follower.resets, faults: follower.faults }).toEqual({
        resets: ['LAGGED'],
        faults: [],
      });
    }
    // It did not see them all.
    expect(watch.seen.commits).toBeLessThan(BACKLOG);
    expect([...watch.servers.values()]).toEqual(list.servers);
    expect([...node.records.values()].map(({ server }) => server)).toEqual(list.servers);
    for (const follower of [watch, node]) follower.close();
  });

  it('is cut when it takes nothing for too long, and told so as soon as it reads', async () => {
    const stallMs = 30_000;
    const local = await start({ stallMs });
    const followers = [
      createFollower(APP),
      createNodeFollower(new Map([['app', APP]]), { nodeId: 'n' }),
    ];
    const healthy = createFollower(APP);
    healthy.open(local.admin);
    for (const follower of followers) {
      follower.open(local.admin);
      await follower.reached(0);
      follower.stream.pause();
    }
    const last = await flood(local);
    await healthy.reached(BACKLOG + 1);
    local.pass(stallMs);
    await eventually(() => expect(slowConsumers(local)).toBe(2));
    for (const follower of followers) {
      follower.stream.resume();
      expect(toRefusal(await follower.ended)).toMatchObject(CUT);
    }
    // It may come back, to the state of now.
    for (const follower of followers) {
      follower.open(local.admin);
      await follower.reached(BACKLOG + 1);
      expect(follower.faults).toEqual([]);
      follower.close();
    }
    expect(healthy.servers.get(last.id)?.etag).toBe(last.etag);
    expect(healthy.resets).toEqual([]);
    healthy.close();
  });

  it('is cut when it was reset too often', async () => {
    const local = await start({ maxResets: 1 });
    const follower = createFollower(APP);
    follower.open(local.admin);
    await follower.reached(0);
    follower.stream.pause();
    const server = await flood(local);
    follower.stream.resume();
    await follower.reached(BACKLOG + 1);
    expect(follower.resets).toEqual(['LAGGED']);
    follower.stream.pause();
    await flood(local, server);
    await eventually(() => expect(slowConsumers(local)).toBe(1));
    follower.stream.resume();
    expect(toRefusal(await follower.ended)).toMatchObject(CUT);
    expect(follower.resets).toEqual(['LAGGED']);
  });
});

/** Waits until the node was sent so many more heartbeats. */
async function heartbeats({ stream }: NodeFollower, count: number): Promise<void> {
  let left = count;
  for await (const [message] of on(stream, 'data') as AsyncIterable<[SyncResponse]>) {
    if (message.message?.$case === 'heartbeat') left -= 1;
    if (left === 0) return;
  }
}

describe('a node that acknowledges nothing [W12]', () => {
  it('is cut, and one that does is not', async () => {
    const ackMs = 40_000;
    const local = await start({ ackMs }, ['--heartbeat-interval', '100ms']);
    const mute = createNodeFollower(new Map([['app', APP]]), {
      nodeId: 'mute',
      acknowledges: false,
    });
    const polite = createNodeFollower(new Map([['app', APP]]), { nodeId: 'polite' });
    for (const follower of [mute, polite]) {
      follower.open(local.admin);
      await follower.reached(0);
    }
    const ended = mute.ended.then(toRefusal);
    // In steps, each with heartbeats that the polite one acknowledges.
    for (let passed = 0; passed < ackMs; passed += ackMs / 4) {
      await heartbeats(polite, 3);
      local.pass(ackMs / 4);
    }
    expect(await ended).toMatchObject(CUT);
    expect(slowConsumers(local)).toBe(1);
    await local.admin.create({
      server: { name: 'a', tier: Tier.TIER_APP, spec: httpSpec('https://a.example') },
    });
    await polite.reached(1);
    expect(polite.faults).toEqual([]);
    polite.close();
  });
});
