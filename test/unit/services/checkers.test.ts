import { describe, expect, it } from 'vitest';
import type { CommitDraft } from '../../../src/domain/commit.js';
import type { ServerRecord } from '../../../src/domain/server.js';
import { userView } from '../../../src/domain/view.js';
import { CHECKERS, violationsOf, type RecordedStream } from '../../support/checkers/checkers.js';
import { NodeReader } from '../../support/checkers/node.js';
import { Oracle } from '../../support/history/oracle.js';
import type { SyncFrame, WatchFrame } from '../../support/services/encoders.js';
import { changeOf, draftOf, grantsAt, placeAll, recordOf } from '../../support/storage/builders.js';
import { viewDigest } from '../../../src/domain/token.js';

const ana = userView('ana');

/** Eight commits; the ones at 3 and 7 do not concern Ana. */
function history(): Oracle {
  const at = (record: ServerRecord, revision: number): ServerRecord => ({ ...record, revision });
  const files = recordOf({ id: 'files', name: 'files', revision: 1 });
  const mail = recordOf({ id: 'mail', name: 'mail', owner: 'bob', revision: 2 });
  const other = recordOf({ id: 'other', name: 'other', owner: 'bob', revision: 3 });
  const own = recordOf({ id: 'own', name: 'own', owner: 'ana', revision: 4 });
  const granted = grantsAt(5, 'user:ana');
  const drafts: CommitDraft[] = [
    draftOf(changeOf(undefined, files)),
    draftOf(changeOf(undefined, mail)),
    draftOf(changeOf(undefined, other)),
    draftOf(changeOf(undefined, own)),
    draftOf(changeOf(mail, at(mail, 5), { granted })),
    draftOf(changeOf(files, at(files, 6))),
    draftOf(changeOf(at(mail, 5), at(mail, 7), { revoked: granted })),
    draftOf(changeOf(at(mail, 7), at(mail, 8))),
    draftOf(changeOf(own, undefined)),
  ];
  const oracle = new Oracle();
  oracle.add(placeAll({ epoch: 'epoch', revision: 0, fingerprint: '' }, drafts));
  return oracle;
}

const place = (revision: number) => ({ revision, token: `t${String(revision)}` });
const closing = (revision: number): WatchFrame => ({ kind: 'closing', ...place(revision) });
const synced = (revision: number): WatchFrame => ({ kind: 'synced', ...place(revision) });
const event = (type: 'added' | 'modified', id: string, version: number): WatchFrame => ({
  kind: 'event',
  type,
  id,
  version,
});
const removed = (id: string): WatchFrame => ({ kind: 'event', type: 'removed', id });
const heartbeat = (revision: number): WatchFrame => ({
  kind: 'heartbeat',
  bookmark: place(revision),
  newest: revision,
  upstream: 'following',
});

/** What Ana is told who asked at revision 2. */
const FRAMES: readonly WatchFrame[] = [
  event('added', 'files', 1),
  synced(2),
  heartbeat(3),
  event('added', 'own', 4),
  closing(4),
  event('added', 'mail', 5),
  closing(5),
  event('modified', 'files', 6),
  closing(6),
  removed('mail'),
  closing(7),
  heartbeat(8),
  removed('own'),
  closing(9),
];

function changed(change: (frames: WatchFrame[]) => void): RecordedStream {
  const frames = [...FRAMES];
  change(frames);
  return { view: ana, frames };
}

const swap = (frames: WatchFrame[], from: number, count: number, to: number): void => {
  frames.splice(to, 0, ...frames.splice(from, count));
};

describe('the checkers', () => {
  it('find nothing wrong with what is right', () => {
    expect(violationsOf({ view: ana, frames: FRAMES }, history())).toEqual([]);
  });

  it.each([
    ['W1', 'ordered', 'two commits in the other order', changed((f) => swap(f, 3, 2, 7))],
    ['W1', 'ordered', 'a bookmark that goes back', changed((f) => f.push(heartbeat(3)))],
    ['W2', 'unique', 'a commit twice', changed((f) => f.push(f[12]!, f[13]!))],
    ['W2', 'unique', 'a server twice in a commit', changed((f) => f.splice(3, 0, f[3]!))],
    ['W3', 'gap-free', 'a commit left out', changed((f) => f.splice(5, 2))],
    ['W3', 'gap-free', 'an event left out, its commit there', changed((f) => f.splice(7, 1))],
    [
      'W3',
      'gap-free',
      'the last commit left out before a bookmark',
      changed((f) => f.splice(9, 2)),
    ],
    ['W4', 'atomic', 'a commit closed twice with a part each', changed((f) => f.splice(4, 1))],
    ['W4', 'atomic', 'a heartbeat within a commit', changed((f) => f.splice(4, 0, heartbeat(3)))],
    ['W5', 'snapshot', 'a snapshot that lacks a server', changed((f) => f.splice(0, 1))],
    ['W5', 'snapshot', 'a snapshot with old content', changed((f) => f.splice(1, 1, synced(6)))],
    ['W5', 'snapshot', 'a commit before SYNCED', changed((f) => swap(f, 1, 1, 4))],
    ['W6', 'bookmarks', 'a bookmark before its commit', changed((f) => swap(f, 11, 1, 9))],
    ['W6', 'bookmarks', 'a bookmark before SYNCED', changed((f) => swap(f, 2, 1, 0))],
    [
      'W8',
      'reset',
      'a reset without a snapshot',
      changed((f) => f.splice(3, 0, { kind: 'reset', reason: 'lagged' })),
    ],
    [
      'W9',
      'no leak',
      'content after a revoke',
      changed((f) => f.push(event('added', 'mail', 8), closing(8))),
    ],
    [
      'W9',
      'no leak',
      'content of what was never seen',
      changed((f) => f.splice(3, 0, event('added', 'other', 3))),
    ],
    [
      'P17',
      'no leak',
      'content from before a grant',
      changed((f) => f.splice(5, 1, event('added', 'mail', 2))),
    ],
    [
      'W7',
      'resumed',
      'a resume that goes on elsewhere',
      { view: ana, frames: FRAMES.slice(3), resumedFrom: { revision: 1, contents: new Map() } },
    ],
  ] as [string, string, string, RecordedStream][])(
    'for %s: %s sees %s',
    (_id, name, _what, stream) => {
      expect(CHECKERS[name]!(stream, history())).not.toEqual([]);
    },
  );

  it('lets a resumed stream begin with what the client had', () => {
    const resumedFrom = { revision: 5, contents: history().viewAt(ana, 5) };
    const frames = [synced(5), ...FRAMES.slice(7)];
    expect(violationsOf({ view: ana, frames, resumedFrom }, history())).toEqual([]);
  });

  it('lets a reset cut a commit short, and the snapshot after it be the new beginning', () => {
    const frames: WatchFrame[] = [
      ...FRAMES.slice(0, 6),
      { kind: 'reset', reason: 'lagged' },
      event('added', 'files', 6),
      event('added', 'own', 4),
      synced(7),
      ...FRAMES.slice(11),
    ];
    expect(violationsOf({ view: ana, frames }, history())).toEqual([]);
  });
});

/** What a node is told that follows Ana, from revision 4 on. */
function nodeFrames(): SyncFrame[] {
  const sight = [{ subscriptionId: 's', owned: true, grantRevision: 0 }];
  const granted = [{ subscriptionId: 's', owned: false, grantRevision: 5 }];
  const upsert = (id: string, version: number, sights: typeof sight = []): SyncFrame => ({
    kind: 'changes',
    changes: [
      {
        kind: 'upsert',
        id,
        name: id,
        tier: sights.length > 0 ? 'PRIVATE' : 'USER',
        version,
        sights,
      },
    ],
  });
  const gone = (id: string): SyncFrame => ({ kind: 'changes', changes: [{ kind: 'removed', id }] });
  const end = (revision: number): SyncFrame => ({ kind: 'closing', ...place(revision) });
  return [
    { kind: 'welcome', resumed: false },
    upsert('files', 1),
    upsert('own', 4, sight),
    { kind: 'synced', ...place(4), subscriptions: [{ id: 's', digest: viewDigest(ana) }] },
    upsert('mail', 5, granted),
    end(5),
    upsert('files', 6),
    end(6),
    gone('mail'),
    end(7),
    { kind: 'heartbeat', bookmark: place(8), newest: 8, upstream: 'following' },
    gone('own'),
    end(9),
  ];
}

function nodeViolations(change: (frames: SyncFrame[]) => void): readonly string[] {
  const frames = nodeFrames();
  change(frames);
  const reader = new NodeReader();
  reader.knows(ana);
  for (const frame of frames) reader.read(frame, history());
  return reader.violations;
}

describe('the reader of a node', () => {
  it('finds nothing wrong with what is right', () => {
    expect(nodeViolations(() => undefined)).toEqual([]);
  });

  it.each([
    ['a commit left out', (f) => f.splice(4, 2)],
    ['changes left out, their end there', (f) => f.splice(6, 1)],
    ['two commits in the other order', (f) => f.push(...f.splice(4, 2))],
    ['a commit twice', (f) => f.push(f[11]!, f[12]!)],
    ['a removal left out before a bookmark', (f) => f.splice(8, 2)],
    ['a bookmark too early', (f) => f.splice(4, 0, ...f.splice(10, 1))],
    ['a snapshot that lacks a server', (f) => f.splice(2, 1)],
    ['a sight too many', (f) => f.splice(12, 0, f[4]!)],
    [
      'a heartbeat within a commit',
      (f) =>
        f.splice(5, 0, { kind: 'heartbeat', bookmark: place(4), newest: 4, upstream: 'following' }),
    ],
  ] as [string, (frames: SyncFrame[]) => void][])('sees %s', (_what, change) => {
    expect(nodeViolations(change)).not.toEqual([]);
  });
});
