import { expect, it, onTestFinished } from 'vitest';
import type { FailpointName } from '../../src/domain/failpoint.js';
import {
  APP,
  declare,
  INVENTORY,
  refusalOf,
  revisionOf,
  serverOf,
  toRefusal,
  tokenOf,
  userView,
} from '../support/grpc-admin/grpc-admin.js';
import { startLocalServer } from '../support/grpc-admin/server.js';
import { createNodeFollower } from '../support/grpc-admin/sync.js';
import { createFollower } from '../support/grpc-admin/watch.js';
import { temporaryFolder } from '../support/storage/lmdb.js';

/** A failpoint at which writes wait, once it is shut, until it is opened. */
function gate(at: FailpointName) {
  const waiting: (() => void)[] = [];
  const state = { shut: false };
  let arrived: () => void;
  const arrival = new Promise<void>((resolve) => (arrived = resolve));
  return {
    state,
    arrival,
    failpoint: (name: FailpointName): void | Promise<void> => {
      if (!state.shut || name !== at) return;
      arrived();
      return new Promise<void>((resolve) => void waiting.push(resolve));
    },
    open: (): void => {
      state.shut = false;
      for (const go of waiting) go();
    },
  };
}

it.each(['append.before', 'answer.before'] as const)(
  'a graceful stop ends the streams with a token to come back with, and lets a write at %s finish [R1, W7]',
  async (at) => {
    const folder = await temporaryFolder();
    onTestFinished(() => folder.remove());
    const door = gate(at);
    const watches = [APP, userView('ana'), INVENTORY].map((view) => createFollower(view));
    const node = createNodeFollower(new Map([['ana', userView('ana')]]), { nodeId: 'n' });
    let written: string;
    {
      await using first = await startLocalServer({
        dataDir: folder.path,
        failpoint: door.failpoint,
        flags: ['--drain-timeout', '20s'],
      });
      const { admin, server } = first;
      await declare(admin, 'default', { name: 'tools' });
      for (const follower of [...watches, node]) {
        follower.open(admin);
        await follower.reached(1);
      }
      door.state.shut = true;
      const writing = declare(admin, 'default', { name: 'in-flight' });
      await door.arrival;

      const closing = server.close();
      for (const follower of [...watches, node]) {
        const end = toRefusal(await follower.ended);
        expect(end).toMatchObject({ code: 'UNAVAILABLE', reason: 'SHUTTING_DOWN' });
        expect(end.retryDelayMs).toBeGreaterThan(0);
        expect(follower.token).not.toBe('');
      }
      // What comes now is refused, whether the old connection takes it or none does.
      const late = await refusalOf(admin.list({ view: APP }));
      expect(late.code).toBe('UNAVAILABLE');
      door.open();
      written = (await writing).id;
      await closing;
      expect(first.defects()).toEqual([]);
    }
    await using second = await startLocalServer({ dataDir: folder.path });
    const list = await second.admin.list({ view: APP });
    expect(list.servers.map(({ id }) => id)).toContain(written);
    await declare(second.admin, 'default', { name: 'after' });
    for (const follower of [...watches, node]) {
      follower.open(second.admin);
      await follower.reached(3);
      expect({ resets: follower.resets, faults: follower.faults }).toEqual({
        resets: [],
        faults: [],
      });
      follower.close();
    }
    expect(watches.map(({ servers }) => servers.size)).toEqual([3, 3, 3]);
    expect(node.records.size).toBe(3);
    expect(node.resumed).toBe(true);
    expect(revisionOf(tokenOf(list))).toBe(2);
    const got = await second.admin.get({ view: APP, key: { $case: 'id', value: written } });
    expect(serverOf(got).name).toBe('in-flight');
  },
);
