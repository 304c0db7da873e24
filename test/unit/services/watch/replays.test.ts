import { describe, expect, it } from 'vitest';
import { placeCommit, withoutText, type Commit } from '../../../../src/domain/commit.js';
import { createSlots } from '../../../../src/services/concurrency/slots.js';
import { RecentCommits } from '../../../../src/services/replica/recent-commits.js';
import { Replays, type ReplaySource } from '../../../../src/services/watch/replays.js';
import { creation } from '../../../support/storage/builders.js';

const HEAD = { epoch: 'one', revision: 1, fingerprint: '' };

/** A log of one commit, of which nothing is in memory; it can be replaced. */
function scriptedLog() {
  const start = { ...HEAD, revision: 0 };
  const logs = ['first', 'second'].map((id) => placeCommit(creation({ id }), start));
  const script = { at: 0, reads: 0, replaced: (): void => undefined };
  const source = {
    log: {
      tenant: 'acme',
      position: HEAD,
      recent: new RecentCommits(1),
      onReplaced: (listener: () => void) => {
        script.replaced = listener;
        return () => undefined;
      },
    },
    catalog: {
      log: {
        read: () => {
          script.reads += 1;
          return Promise.resolve({ commits: [logs[script.at]], head: HEAD, mark: 0 });
        },
        positionAt: () => Promise.resolve(start),
      },
    },
  };
  const replays = new Replays(source as unknown as ReplaySource, createSlots(4));
  return { script, kept: logs.map(withoutText), replays };
}

async function replayed(replays: Replays): Promise<readonly Commit[]> {
  const seen: Commit[] = [];
  for await (const commit of replays.commits({ from: 0, to: 1 })) seen.push(commit);
  return seen;
}

function replayedOnce(replays: Replays): Promise<void> {
  return replays.run(async () => {
    await replayed(replays);
  });
}

describe('replays', () => {
  it('keep what they read while one of them is under way, and no longer', async () => {
    const { script, kept, replays } = scriptedLog();
    await replays.run(async () => {
      expect(await replayed(replays)).toEqual([kept[0]]);
      await replayedOnce(replays);
      expect(script.reads).toBe(1);
    });
    await replayedOnce(replays);
    expect(script.reads).toBe(2);
  });

  it('tell nothing of a log that was replaced meanwhile [P16]', async () => {
    const { script, kept, replays } = scriptedLog();
    await replays.run(async () => {
      expect(await replayed(replays)).toEqual([kept[0]]);
      script.at = 1;
      script.replaced();
      expect(await replayed(replays)).toEqual([kept[1]]);
    });
  });
});
