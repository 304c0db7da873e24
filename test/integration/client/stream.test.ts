import { describe, expect, it } from 'vitest';
import { UpstreamState } from '../../../generated/switchboard/v1/common.js';
import { APP_VIEW, userView } from '../../../src/domain/view.js';
import { SwitchboardError } from '../../../src/domain/errors.js';
import { openFollower, openNode, soon } from '../../support/control-plane/node.js';
import {
  commit,
  heartbeat,
  refused,
  removed,
  startScriptedServer,
  synced,
  tokenAt,
  unchanged,
  upsert,
  welcome,
  type ScriptedStream,
} from '../../support/control-plane/script.js';
import { clientErrorOf } from '../../support/mcp/pool.js';
import { startTcpProxy } from '../../support/network/tcp-proxy.js';

const ANA = userView('ana');
const BEN = userView('ben');

/** Ids on the wire that a stream was opened with, and those that were added since. */
function wireIds(stream: ScriptedStream | undefined): string[] {
  return (stream?.received ?? []).flatMap((message) => {
    if (message.$case === 'open')
      return message.value.subscriptions.map(({ subscriptionId }) => subscriptionId);
    return message.$case === 'subscribe' ? [message.value.subscriptionId] : [];
  });
}

/** Answers what a stream is opened with by a snapshot of one APP server, or resumes it. */
function answer(stream: ScriptedStream): void {
  if (stream.open().resumeToken === '') {
    stream.send(welcome(false), upsert({ id: 'a', tier: 'APP' }), synced(1, ...wireIds(stream)));
  } else stream.send(welcome(true), synced(1, ...wireIds(stream)), heartbeat(1));
}

function sent(stream: ScriptedStream | undefined, kind: string): number {
  return (stream?.received ?? []).filter(({ $case }) => $case === kind).length;
}

const down = new SwitchboardError('SHUTTING_DOWN', undefined, { retryDelayMs: 1 });

describe('a stream of a node', () => {
  it('acknowledges what it applied, and what a heartbeat confirms [P19]', async () => {
    const server = await startScriptedServer((stream) => {
      answer(stream);
      stream.send(upsert({ id: 'b', tier: 'APP' }), commit(2), heartbeat(3));
      stream.sendClosing(upsert({ id: 'c', tier: 'APP' }), 4);
    });
    openFollower(server.address);
    const applied = (): unknown[] =>
      (server.streams[0]?.received ?? []).flatMap((message) =>
        message.$case === 'applied' ? [message.value.token] : [],
      );
    await soon(() => expect(applied()).toEqual([1, 2, 3, 4].map(tokenAt)));
  });

  it('takes a commit that its last changes close in one step, as any other [W4]', async () => {
    const server = await startScriptedServer((stream) => {
      answer(stream);
      stream.send(upsert({ id: 'b', tier: 'APP' }));
      stream.sendClosing(removed('a'), 2);
      // Changes of a kind that no client knows yet, which close a commit nevertheless.
      stream.send(upsert({ id: 'c', tier: 'APP' }));
      stream.sendClosing(undefined, 3);
      stream.send(upsert({ id: 'd', tier: 'APP' }), commit(4));
    });
    const { view, changes } = openFollower(server.address);
    await soon(() => expect(changes()).toEqual([['b', 'a'], ['c'], ['d']]));
    expect(view.list(APP_VIEW).map(({ id }) => id)).toEqual(['b', 'c', 'd']);
  });

  it('resumes from the last token that it was told, in a commit or a heartbeat [W6, W7]', async () => {
    const server = await startScriptedServer((stream, index) => {
      answer(stream);
      if (index === 0) stream.send(upsert({ id: 'b', tier: 'APP' }), commit(2), heartbeat(5));
      if (index === 0) stream.end(down);
    });
    const { view, snapshots } = openFollower(server.address);
    await soon(() => expect(server.streams).toHaveLength(2));
    expect(server.streams[1]?.open().resumeToken).toBe(tokenAt(5));
    expect(server.streams[1]?.open().subscriptions.map((one) => one.viewDigest)).toEqual([
      'digest 1',
    ]);
    expect(server.streams[1]?.open().bootId).toBe(server.streams[0]?.open().bootId);
    expect(view.list(APP_VIEW).map(({ id }) => id)).toEqual(['a', 'b']);
    expect(snapshots()).toBe(1);
  });

  it('applies nothing of a commit that was cut before its end [W4, W2]', async () => {
    const server = await startScriptedServer((stream, index) => {
      answer(stream);
      if (index === 0) stream.send(upsert({ id: 'b', tier: 'APP' }), removed('a'));
      if (index === 0) stream.end(down);
      else stream.send(upsert({ id: 'c', tier: 'APP' }), commit(2));
    });
    const { view, changes } = openFollower(server.address);
    await soon(() => expect(changes()).toEqual([['c']]));
    expect(view.list(APP_VIEW).map(({ id }) => id)).toEqual(['a', 'c']);
  });

  it('keeps its view during a snapshot that is cut, and names it as held [W8]', async () => {
    const server = await startScriptedServer((stream, index) => {
      if (index === 0) answer(stream);
      else if (index === 1)
        stream.send(
          welcome(false),
          { $case: 'reset', value: {} },
          upsert({ id: 'b', tier: 'APP' }),
        );
      else stream.send(welcome(false), unchanged('a'), synced(9, ...wireIds(stream)));
      if (index < 2) stream.end(down);
    });
    const { view, snapshots } = openFollower(server.address);
    await soon(() => expect(snapshots()).toBe(2));
    expect(server.streams[2]?.open().held.map(({ id }) => id)).toEqual(['a']);
    expect(view.list(APP_VIEW).map(({ id }) => id)).toEqual(['a']);
  });

  it('is ready only when it has caught up [W11]', async () => {
    const server = await startScriptedServer((stream, index) => {
      if (index === 0) {
        answer(stream);
        stream.end(down);
      } else stream.send(welcome(true), synced(1, ...wireIds(stream)), heartbeat(1, 3));
    });
    const { feed, changes } = openFollower(server.address);
    await soon(() => expect(sent(server.streams[1], 'applied')).toBe(2));
    expect(feed.status.current).toMatchObject({ state: 'STALE', reason: 'disconnected' });
    server.streams[1]?.send(upsert({ id: 'b', tier: 'APP' }), commit(3));
    await soon(() => expect(changes()).toEqual([['b']]));
    expect(feed.status.current.state).toBe('STALE');
    server.streams[1]?.send(heartbeat(3));
    await soon(() => expect(feed.status.current.state).toBe('READY'));
  });

  it('says that what it is told may be old [W11]', async () => {
    const server = await startScriptedServer(answer);
    const { feed } = openFollower(server.address);
    await soon(() => expect(feed.status.current.state).toBe('READY'));
    const token = tokenAt(1);
    server.streams[0]?.send({
      $case: 'heartbeat',
      value: { token, newest: token, upstreamState: UpstreamState.UPSTREAM_STATE_DEGRADED },
    });
    await soon(() =>
      expect(feed.status.current).toMatchObject({ state: 'STALE', reason: 'upstream_degraded' }),
    );
    server.streams[0]?.send(heartbeat(1));
    await soon(() => expect(feed.status.current.state).toBe('READY'));
  });

  it('starts anew from a token that is refused [W8]', async () => {
    const server = await startScriptedServer((stream, index) => {
      if (index !== 1) answer(stream);
      if (index === 0) stream.end(down);
      if (index === 1) stream.end(new SwitchboardError('TOKEN_INVALID'));
    });
    const { snapshots } = openFollower(server.address);
    await soon(() => expect(snapshots()).toBe(2));
    expect(server.streams.map((stream) => stream.open().resumeToken)).toEqual(['', tokenAt(1), '']);
  });

  it('opens again after a message that makes no sense', async () => {
    const server = await startScriptedServer((stream, index) => {
      if (index === 0) stream.send(welcome(false), unchanged('never held'));
      else answer(stream);
    });
    const { feed } = openFollower(server.address);
    await soon(() => expect(feed.status.current.state).toBe('READY'));
    expect(server.streams[0]?.isOver).toBe(true);
  });

  it('opens again after a plain end', async () => {
    const server = await startScriptedServer((stream, index) => {
      if (index === 0) stream.end();
      else answer(stream);
    });
    const { client, is } = openNode(server.address);
    await is('READY synced');
    await client.ready();
  });

  it('has a connection of its own, closed with it', async () => {
    const server = await startScriptedServer((stream, index) => {
      answer(stream);
      if (index < 5) stream.end(down);
    });
    await using proxy = await startTcpProxy(server.address);
    const { client } = openNode(proxy.address);
    await soon(() => expect(server.streams).toHaveLength(6));
    await soon(() => expect([proxy.accepted, proxy.open]).toEqual([6, 1]));
    const { client: other } = openNode(proxy.address);
    await other.ready();
    expect(proxy.open).toBe(2);
    await other.close();
    await client.close();
    await soon(() => expect(proxy.open).toBe(0));
  });

  it('is not opened for a client that was closed meanwhile', async () => {
    const server = await startScriptedServer(answer);
    let tell: (token: string) => void = () => undefined;
    const token = new Promise<string>((resolve) => (tell = resolve));
    await using proxy = await startTcpProxy(server.address);
    const { client } = openNode(proxy.address, { token: () => token });
    await client.close();
    tell('too late');
    await token;
    // Whatever began now would be accepted before another one that begins later is ready.
    await new Promise((resolve) => setImmediate(resolve));
    await openNode(server.address).client.ready();
    expect(proxy.accepted).toBe(0);
  });

  it('waits as long as the server asks for', async () => {
    const delay = new SwitchboardError('SHUTTING_DOWN', undefined, { retryDelayMs: 3_600_000 });
    const server = await startScriptedServer((stream) => {
      answer(stream);
      stream.end(delay);
    });
    const { is } = openNode(server.address);
    await is('STALE disconnected');
    expect(server.streams).toHaveLength(1);
  });
});

describe('a subscription on a stream', () => {
  it('is not visible by what was meant for an earlier one of the same view [P20]', async () => {
    const server = await startScriptedServer(answer);
    const { view, follow, unfollow } = openFollower(server.address);
    await soon(() => expect(view.isKnown(APP_VIEW)).toBe(true));
    void follow(ANA).catch(() => undefined);
    unfollow(ANA);
    const known = follow(ANA);
    await soon(() => expect(wireIds(server.streams[0])).toHaveLength(3));
    const [, first = '', second = ''] = wireIds(server.streams[0]);
    // As a server answers the three in order: the snapshot, its withdrawal, the snapshot again.
    server.streams[0]?.send(
      upsert({ id: 'own', owner: 'ana' }, first),
      synced(1, first),
      heartbeat(1),
    );
    await soon(() => expect(sent(server.streams[0], 'applied')).toBe(3));
    expect(view.isKnown(ANA)).toBe(false);
    server.streams[0]?.send(removed('own'), synced(1));
    server.streams[0]?.send(upsert({ id: 'own', owner: 'ana' }, second), synced(1, second));
    await known;
    expect(view.list(ANA).map(({ id }) => id)).toEqual(['a', 'own']);
  });

  it('that was added while it was cut off learns of what was deleted meanwhile [W3]', async () => {
    const server = await startScriptedServer((stream, index) => {
      if (index === 0) {
        const ids = wireIds(stream);
        stream.send(welcome(false), upsert({ id: 'u', tier: 'USER' }), synced(1, ...ids));
      } else stream.send(welcome(true), synced(1, '1'), heartbeat(2));
    });
    const { feed, view, follow, unfollow } = openFollower(server.address);
    const early = follow(ANA);
    await early;
    expect(view.list(ANA).map(({ id }) => id)).toEqual(['u']);
    unfollow(ANA);
    server.streams[0]?.end(down);
    await soon(() => expect(feed.status.current.state).toBe('STALE'));
    // The USER server is deleted at revision 2; a stream opened without a user is not told.
    const late = follow(BEN);
    await soon(() => expect(wireIds(server.streams[1])).toHaveLength(2));
    server.streams[1]?.send(synced(2, wireIds(server.streams[1])[1] ?? ''));
    await late;
    expect(view.list(BEN)).toEqual([]);
  });

  it('can be dropped while a snapshot refers to what it held', async () => {
    const server = await startScriptedServer((stream, index) => {
      const ids = wireIds(stream);
      if (index === 0)
        stream.send(
          welcome(false),
          upsert({ id: 'own', owner: 'ana' }, ...ids.slice(1)),
          synced(1, ...ids),
        );
    });
    const { view, feed, follow, unfollow } = openFollower(server.address);
    await follow(ANA);
    server.streams[0]?.end(down);
    await soon(() => expect(server.streams).toHaveLength(2));
    unfollow(ANA);
    const [app = '', ana = ''] = wireIds(server.streams[1]);
    server.streams[1]?.send(welcome(false), unchanged('own', ana), synced(2, app, ana));
    await soon(() => expect(feed.status.current.state).toBe('READY'));
    expect([...view.held()]).toEqual([]);
    expect(server.streams).toHaveLength(2);
  });

  it('fails alone when it is refused', async () => {
    const server = await startScriptedServer(answer);
    const { view, follow } = openFollower(server.address);
    await soon(() => expect(view.isKnown(APP_VIEW)).toBe(true));
    const [ana, ben] = [follow(ANA), follow(BEN)];
    await soon(() => expect(wireIds(server.streams[0])).toHaveLength(3));
    const [, first = '', second = ''] = wireIds(server.streams[0]);
    const passing = new SwitchboardError('CATALOG_UNAVAILABLE', 'try again');
    server.streams[0]?.send(refused(first, passing), synced(1, second));
    await ben;
    const error = await clientErrorOf(ana);
    expect(error.reason).toBe('SUBSCRIPTION_REFUSED');
    expect(error.cause).toMatchObject({ reason: 'CATALOG_UNAVAILABLE' });
    expect(server.streams).toHaveLength(1);
  });

  it('that a stream was opened with is asked for again alone when it was refused [C7]', async () => {
    const passing = new SwitchboardError('SOURCE_UNAVAILABLE', undefined, { retryDelayMs: 1 });
    const server = await startScriptedServer((stream, index) => {
      if (index > 0) return;
      stream.send(welcome(false), refused(wireIds(stream)[1] ?? '', passing));
      stream.send(synced(1, wireIds(stream)[0] ?? ''));
    });
    const { view, follow } = openFollower(server.address);
    const ana = follow(ANA);
    await soon(() => expect(wireIds(server.streams[0])).toHaveLength(3));
    const [, first, again = ''] = wireIds(server.streams[0]);
    expect(again).toBe(first);
    expect(view.isKnown(APP_VIEW)).toBe(true);
    server.streams[0]?.send(synced(1, again));
    await ana;
    expect(server.streams).toHaveLength(1);
  });

  it('that was followed before is asked for until it is not refused any more [F3]', async () => {
    const passing = new SwitchboardError('CATALOG_UNAVAILABLE', undefined, { retryDelayMs: 1 });
    const server = await startScriptedServer((stream, index) => {
      const ids = wireIds(stream);
      if (index === 0) answer(stream);
      if (index === 0) stream.end(down);
      else if (index < 3) stream.send(welcome(true), refused(ids[0] ?? '', passing), synced(1));
      else answer(stream);
    });
    const { feed, view } = openFollower(server.address);
    await soon(() => expect(server.streams).toHaveLength(4));
    await soon(() => expect(feed.status.current.state).toBe('READY'));
    expect(view.list(APP_VIEW).map(({ id }) => id)).toEqual(['a']);
  });

  it('that may not be followed any more becomes unknown, not old', async () => {
    const server = await startScriptedServer((stream, index) => {
      if (index === 0) {
        answer(stream);
        return;
      }
      const [app = '', ana = ''] = wireIds(stream);
      const error = new SwitchboardError('TOO_MANY_SUBSCRIPTIONS');
      stream.send(welcome(true), refused(ana, error), synced(1, app), heartbeat(1));
    });
    const { feed, view, follow } = openFollower(server.address);
    await follow(ANA);
    server.streams[0]?.end(down);
    await soon(() => expect(view.isKnown(ANA)).toBe(false));
    await soon(() => expect(feed.status.current.state).toBe('READY'));
    expect(view.list(APP_VIEW).map(({ id }) => id)).toEqual(['a']);
  });
});
