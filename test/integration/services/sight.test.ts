import { describe, expect, it } from 'vitest';
import type { ServerRecord } from '../../../src/domain/server.js';
import { viewDigest } from '../../../src/domain/token.js';
import { APP_VIEW, userView, type ReaderView } from '../../../src/domain/view.js';
import { eventually } from '../../support/eventually.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { NodeReader } from '../../support/checkers/node.js';
import { Oracle } from '../../support/history/oracle.js';
import {
  demote,
  grant,
  loadManaged,
  promote,
  revoke,
  setAccess,
} from '../../support/services/access.js';
import type { SyncFrame, WatchFrame } from '../../support/services/encoders.js';
import {
  catchUp,
  create,
  openNode,
  openWorld,
  TENANT,
  tokenOf,
  update,
  watch,
  type Replica,
} from '../../support/services/world.js';
import { decodeFrames, type RecordingSink } from '../../support/services/sinks.js';

// Who gains and who loses sight of a server, and what their streams are told of it.

useFakeIntervals();

const ana = userView('ana');
const dev = userView('eve', ['dev']);

/** The events of a stream after its snapshot: what, of which server, why; the version of content. */
function eventsOf(sink: RecordingSink, names: ReadonlyMap<string, string>): readonly string[] {
  const frames = decodeFrames<WatchFrame>(sink);
  const live = frames.slice(frames.findIndex(({ kind }) => kind === 'synced') + 1);
  return live.flatMap((frame) => {
    if (frame.kind !== 'event') return [];
    const { type, id, cause, version } = frame;
    const content = version === undefined ? '' : ` @${String(version)}`;
    return [`${type} ${names.get(id) ?? id} ${cause ?? ''}${content}`];
  });
}

async function watching(replica: Replica, view: ReaderView): Promise<RecordingSink> {
  const { sink, live } = watch(replica, view);
  await live;
  return sink;
}

const titled = (title: string) => ({ specFields: { title } });

describe('a watch', () => {
  it('gains and loses a server with the grants of its user and groups [W9, D34]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    let { value: record } = await create(replica, { name: 'files', owner: 'bob' });
    const streams = [await watching(replica, ana), await watching(replica, dev)] as const;
    const title = async (text: string): Promise<void> =>
      void ({ value: record } = await update(replica, record, titled(text)));
    await title('secret'); // 2
    await grant(replica, record, { subjects: ['user:ana', 'group:dev'] }); // 3
    await title('seen'); // 4
    await revoke(replica, record, { subjects: ['user:ana'] }); // 5
    await title('secret again'); // 6
    const { accessEtag } = (await grant(replica, record, { subjects: ['user:zoe'] })).value.record; // 7
    await setAccess(replica, { ...record, accessEtag }, { subjects: ['user:ana'] }); // 8
    const names = new Map([[record.id, 'files']]);
    expect(eventsOf(streams[0], names)).toEqual([
      ...['added files ACCESS @3', 'modified files UPDATE @4', 'removed files ACCESS'],
      'added files ACCESS @8',
    ]);
    expect(eventsOf(streams[1], names)).toEqual([
      ...['added files ACCESS @3', 'modified files UPDATE @4', 'modified files ACCESS @5'],
      ...['modified files UPDATE @6', 'modified files ACCESS @7', 'removed files ACCESS'],
    ]);
  });

  it('that resumes is told by the access of each commit, also of a group [P17, W9]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { position: start } = await create(replica, { name: 'first' });
    let { value: record } = await create(replica, { name: 'files', owner: 'bob' });
    const title = async (text: string): Promise<void> =>
      void ({ value: record } = await update(replica, record, titled(text)));
    await title('secret'); // 3
    await grant(replica, record, { subjects: ['group:dev'] }); // 4
    await title('seen'); // 5
    await revoke(replica, record, { subjects: ['group:dev'] }); // 6
    await title('secret again'); // 7
    const { value: up } = await promote(replica, record); // 8
    ({ record } = (await demote(replica, up.record, { owner: 'zoe' })).value); // 9
    await title('hidden'); // 10
    const names = new Map([[record.id, 'files']]);
    // A replica that has seen all of it, and one that begins with the resume.
    for (const on of [replica, await world.replica()]) {
      const { sink, live } = watch(on, dev, { resumeToken: tokenOf(start, dev) });
      await live;
      expect(eventsOf(sink, names)).toEqual([
        ...['added files ACCESS @4', 'modified files UPDATE @5', 'removed files ACCESS'],
        ...['added files PROMOTE @8', 'removed files DEMOTE'],
      ]);
    }
  });

  it('sees its own server hidden by a promoted one, and again when that is demoted [W9, R5]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value: own } = await create(replica, { name: 'files', owner: 'ana' });
    const { value: bobs } = await create(replica, { name: 'files', owner: 'bob' });
    const views = [ana, userView('bob'), userView('eve'), APP_VIEW];
    const streams = await Promise.all(views.map((view) => watching(replica, view)));
    const { value: up } = await promote(replica, bobs, { tier: 'APP' }); // 3
    await update(replica, own, titled('unseen')); // 4
    await demote(replica, up.record, { owner: 'bob', subjects: ['user:eve'], name: 'bobs' }); // 5
    const names = new Map([
      [own.id, 'own'],
      [bobs.id, 'bobs'],
    ]);
    expect(streams.map((sink) => eventsOf(sink, names))).toEqual([
      [
        ...['removed own PROMOTE', 'added bobs PROMOTE @3'],
        ...['removed bobs DEMOTE', 'added own DEMOTE @4'],
      ],
      // Who sees it before and after sees it changed, and never gone.
      ['modified bobs PROMOTE @3', 'modified bobs DEMOTE @5'],
      ['added bobs PROMOTE @3', 'modified bobs DEMOTE @5'],
      ['added bobs PROMOTE @3', 'removed bobs DEMOTE'],
    ]);
    // Each commit is closed by one frame after its events: they show in one step.
    const kinds = decodeFrames<WatchFrame>(streams[0]!).map(({ kind }) => kind);
    expect(kinds.slice(-6)).toEqual([
      ...['event', 'event', 'closing', 'event', 'event', 'closing'],
    ]);
  });

  it('of the owner sees the copy in the place of a server of a private source [P28, W9]', async () => {
    await using world = await openWorld();
    const original = await loadManaged(world.catalog, { name: 'files', owner: 'ana' });
    const replica = await world.replica();
    const sink = await watching(replica, ana);
    const { value } = await promote(replica, original);
    const names = new Map([
      [original.id, 'original'],
      [value.record.id, 'copy'],
    ]);
    expect(eventsOf(sink, names)).toEqual(['removed original PROMOTE', 'added copy PROMOTE @2']);
  });

  it('keeps what it has when the winner among granted servers does not change [P4]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value: first } = await create(replica, { name: 'files', owner: 'bob' });
    const { value: second } = await create(replica, { name: 'files', owner: 'zoe' });
    const subjects = ['user:ana'];
    const { value: one } = await grant(replica, first, { subjects }); // 3
    await grant(replica, second, { subjects }); // 4
    const sink = await watching(replica, ana);
    // Written again, with another one added: Ana keeps the grant of 3.
    await setAccess(replica, one.record, { subjects: [...subjects, 'user:eve'] }); // 5
    await revoke(replica, first, { subjects }); // 6
    await grant(replica, first, { subjects }); // 7, and so after the second
    const names = new Map([
      [first.id, 'first'],
      [second.id, 'second'],
    ]);
    expect(eventsOf(sink, names)).toEqual([
      ...['modified first ACCESS @5', 'removed first ACCESS', 'added second ACCESS @4'],
    ]);
  });
});

describe('a node', () => {
  interface Node {
    readonly sink: RecordingSink;
    readonly reader: NodeReader;
  }

  function nodeOf(replica: Replica, views: ReadonlyMap<string, ReaderView>): Node {
    const reader = new NodeReader();
    for (const view of views.values()) reader.knows(view);
    reader.wants(new Set(views.keys()));
    return { sink: openNode(replica, views).sink, reader };
  }

  const framesOf = ({ sink }: Node) => decodeFrames<SyncFrame>(sink);

  /** Waits until the node has what the log had at its end, then measures all that it was told. */
  async function checked(node: Node, oracle: Oracle, contains: string): Promise<void> {
    await eventually(() => {
      expect(JSON.stringify(framesOf(node))).toContain(contains);
    });
    for (const frame of framesOf(node)) node.reader.read(frame, oracle);
    expect(node.reader.violations).toEqual([]);
  }

  it('is told what each of its users sees through every change of sight [W9, R5, D37]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value: own } = await create(replica, { name: 'files', owner: 'ana' });
    let { value: bobs } = await create(replica, { name: 'files', owner: 'bob' });
    const views = new Map<string, ReaderView>([
      ...([
        ['ana', ana],
        ['bob', userView('bob')],
      ] as const),
      ...([
        ['eve', dev],
        ['app', APP_VIEW],
      ] as const),
    ]);
    const nodes = [nodeOf(replica, views), nodeOf(replica, new Map([['app', APP_VIEW]]))] as const;
    await eventually(() => {
      for (const node of nodes) expect(framesOf(node).at(-1)?.kind).toBe('synced');
    });
    const write = async (work: Promise<{ value: { record: ServerRecord } }>): Promise<void> =>
      void ({ record: bobs } = (await work).value);
    await write(grant(replica, bobs, { subjects: ['group:dev', 'user:ana'] })); // 3
    await write(revoke(replica, bobs, { subjects: ['user:ana'] })); // 4
    await write(promote(replica, bobs, { tier: 'APP' })); // 5
    await update(replica, own, titled('hidden')); // 6
    await write(demote(replica, bobs, { owner: 'eve', subjects: ['user:bob'] })); // 7
    await write(setAccess(replica, bobs, { subjects: ['group:dev', 'group:ops'] })); // 8
    await write(promote(replica, bobs, { tier: 'USER' })); // 9
    const { position: end } = await create(replica, { name: 'last', tier: 'APP' }); // 10
    const oracle = new Oracle();
    await oracle.extend(world.catalog, TENANT);
    for (const node of nodes) await checked(node, oracle, tokenOf(end));
    // The one without users is never told of what is not for the app.
    const versions = framesOf(nodes[1]).flatMap((frame) =>
      frame.kind === 'changes'
        ? frame.changes.map((change) => ('version' in change ? change.version : change.kind))
        : [],
    );
    expect(versions).toEqual([5, 'removed', 10]);
  });

  it('resumes across changes of sight [P17, W7, W9]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value: bobs, position } = await create(replica, { name: 'files', owner: 'bob' });
    const subjects = ['group:dev'];
    await grant(replica, bobs, { subjects }); // 2
    await update(replica, bobs, titled('seen')); // 3
    await revoke(replica, bobs, { subjects }); // 4
    await catchUp(replica);
    const views = new Map<string, ReaderView>([['eve', dev]]);
    const fresh = await world.replica();
    const { sink } = openNode(fresh, views, {
      resumeToken: tokenOf(position),
      digestOf: viewDigest,
    });
    await eventually(() => {
      const told = decodeFrames<SyncFrame>({ frames: sink.frames }).flatMap((frame) =>
        frame.kind === 'changes'
          ? frame.changes.map((change) => ('version' in change ? change.version : change.kind))
          : [],
      );
      expect(told).toEqual([2, 3, 'removed']);
    });
  });
});
