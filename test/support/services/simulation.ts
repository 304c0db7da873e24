import { expect } from 'vitest';
import { isSwitchboardError } from '../../../src/domain/errors.js';
import type { ServerRecord } from '../../../src/domain/server.js';
import { viewDigest } from '../../../src/domain/token.js';
import {
  APP_VIEW,
  INVENTORY_VIEW,
  userView,
  type ReaderView,
  type Subject,
  type View,
} from '../../../src/domain/view.js';
import type { NodeSession } from '../../../src/services/watch/node-session.js';
import { violationsOf, readStream, type RecordedStream } from '../checkers/checkers.js';
import { NodeReader } from '../checkers/node.js';
import { eventually } from '../eventually.js';
import { whyNot } from '../history/explain-oracle.js';
import { describeContents, Oracle, type Contents } from '../history/oracle.js';
import { randomFrom, type Random } from '../random.js';
import { demote, grant, promote, revoke, setAccess } from './access.js';
import { apply, explainName, itemOf, rollback, undelete } from './apply.js';
import { returnsOf, type TestDatabase } from './database.js';
import { LoadsOfUsers } from './loads.js';
import type { SyncFrame, WatchFrame } from './encoders.js';
import {
  catchUp,
  create,
  get,
  listed,
  openNode,
  page,
  passTime,
  remove,
  TENANT,
  update,
  watch,
  type Replica,
  type World,
} from './world.js';
import { decodeFrames, type RecordingSink } from './sinks.js';
import { readLog } from '../storage/builders.js';

const NAMES = ['files', 'mail', 'search', 'web'];
const USERS = ['ana', 'bob', 'zoe'];
const GROUPS = ['dev', 'ops'];
const SUBJECTS: readonly Subject[] = [
  ...USERS.map((user): Subject => `user:${user}`),
  ...GROUPS.map((group): Subject => `group:${group}`),
];
const READER_VIEWS: readonly ReaderView[] = [
  APP_VIEW,
  userView('ana'),
  userView('ana', ['dev']),
  userView('bob', ['dev', 'ops']),
  userView('zoe', ['ops']),
  userView('stranger'),
];
const VIEWS: readonly View[] = [...READER_VIEWS, INVENTORY_VIEW];

/** Refusals that a random write may well meet. */
const EXPECTED = [
  ...(['NAME_TAKEN', 'ETAG_MISMATCH', 'SERVER_NOT_FOUND'] as const),
  ...(['NOT_DELETED', 'VERSION_NOT_FOUND', 'TIER_CHANGE_NOT_ALLOWED'] as const),
  ...(['WRONG_TIER', 'WOULD_SHADOW', 'MANAGED_BY_SOURCE'] as const),
];

/** A place to which a client could go back: what it had, and the token. */
interface Bookmark {
  readonly token: string;
  readonly revision: number;
  readonly contents: Contents;
}

interface Watching {
  readonly view: View;
  replica: Replica;
  sink: RecordingSink;
  resumedFrom: Bookmark | undefined;
  readonly bookmarks: Bookmark[];
}

interface Noding {
  replica: Replica;
  sink: RecordingSink;
  session: NodeSession;
  reader: NodeReader;
  /** How many of the frames were read. */
  read: number;
  readonly wanted: Map<string, ReaderView>;
  nextId: number;
}

/**
 * A random life of some replicas on one log: writes, grants, moves between the tiers, watchers
 * and nodes that lag, go away and come back. At quiet points everything that a view is
 * told must agree: list, get, what caught-up watches and nodes hold, and the oracle.
 */
export class Simulation {
  readonly oracle = new Oracle();
  /** What was met on the way, so that a test can see that it was. */
  readonly met = new Map<string, number>();
  private readonly random: Random;
  private readonly world: World;
  private readonly replicas: readonly Replica[];
  private readonly watchers: Watching[] = [];
  private readonly nodes: Noding[] = [];
  private readonly loads: LoadsOfUsers | undefined;
  private known: ServerRecord[] = [];
  /** Servers that somebody wanted to delete. */
  private readonly gone: string[] = [];

  /** With the database from which the replicas load the servers of users, if there is one. */
  constructor(world: World, replicas: readonly Replica[], seed: number, database?: TestDatabase) {
    this.world = world;
    this.replicas = replicas;
    const random = randomFrom(seed);
    this.random = random;
    if (database === undefined) return;
    this.loads = new LoadsOfUsers({
      ...{ database, replicas, random, names: NAMES, users: [...USERS, 'stranger'] },
      meet: (what) => {
        this.meet(what);
      },
    });
  }

  async begin(nodes: number): Promise<void> {
    for (const view of VIEWS) this.watchers.push(this.openWatch(view));
    for (let index = 0; index < nodes; index += 1) this.nodes.push(this.openNode());
    await this.settle();
  }

  async run(steps: number): Promise<void> {
    for (let index = 0; index < steps; index += 1) {
      const writes = Array.from({ length: this.random.below(4) }, () => this.write());
      await this.step();
      this.loads?.step();
      await Promise.all(writes);
      if (this.random.oneIn(20)) await this.settle();
    }
    await this.settle();
    await this.explainAll();
    expect(this.loads?.violations(this.oracle) ?? []).toEqual([]);
    expect(returnsOf(await readLog(this.world.catalog, TENANT))).toEqual([]);
    this.finish();
  }

  private async step(): Promise<void> {
    const choice = this.random.below(10);
    if (choice < 2) this.stallOne();
    else if (choice < 3) await this.reconnectWatch(this.random.pick(this.watchers));
    else if (choice < 4) await this.reconnectNode(this.random.pick(this.nodes));
    else if (choice < 6) this.changeNode(this.random.pick(this.nodes));
    else if (choice < 7) passTime(this.random.pick(this.replicas), 1_000);
    else if (choice < 8) passTime(this.random.pick(this.replicas), 9_000);
    else if (choice < 9) await catchUp(this.random.pick(this.replicas));
  }

  /** Lets everything come to rest, then compares all that a view can be told. */
  async settle(): Promise<void> {
    for (const { sink } of [...this.watchers, ...this.nodes]) sink.release();
    do await this.loads?.rest();
    while (await this.reopen());
    const head = await this.world.catalog.log.head(TENANT);
    for (const replica of this.replicas) await catchUp(replica, head);
    await this.oracle.extend(this.world.catalog, TENANT);
    await eventually(() => {
      for (const replica of this.replicas) passTime(replica, 9_000);
      for (const { sink } of [...this.watchers, ...this.nodes]) {
        const last = decodeFrames<WatchFrame | SyncFrame>({ frames: sink.frames.slice(-1) })[0];
        const bookmark = last?.kind === 'heartbeat' ? last.bookmark?.revision : undefined;
        expect(bookmark, JSON.stringify(sink.ended)).toBe(head.revision);
      }
      // What was asked for last may wait for its records while the stream itself is at rest.
      for (const node of this.nodes) {
        this.readNode(node);
        expect([...node.reader.subscriptions.keys()].sort()).toEqual(
          [...node.wanted.keys()].sort(),
        );
      }
    });
    await this.compareAll(head.revision);
    this.known = this.oracle.serversAt(head.revision).map(({ record }) => record);
  }

  /** Opens again what ended, and asks again for what was refused; whether there was any. */
  private async reopen(): Promise<boolean> {
    const endedWatchers = this.watchers.filter(({ sink }) => sink.ended);
    const endedNodes = this.nodes.filter(({ sink }) => sink.ended);
    for (const each of endedWatchers) await this.reconnectWatch(each);
    for (const each of endedNodes) await this.reconnectNode(each);
    await this.oracle.extend(this.world.catalog, TENANT);
    const refused = this.nodes.filter((node) => this.readNode(node) > 0);
    return endedWatchers.length + endedNodes.length + refused.length > 0;
  }

  private async compareAll(revision: number): Promise<void> {
    for (const each of this.watchers) {
      const stream = this.streamOf(each);
      expect(violationsOf(stream, this.oracle), this.describe(each)).toEqual([]);
      this.noteBookmarks(each, stream);
      const due = describeContents(this.oracle.viewAt(each.view, revision));
      const held = readStream(stream).at(-1)?.contents ?? new Map<string, number>();
      expect(describeContents(held)).toBe(due);
      for (const replica of this.replicas) {
        expect(describeContents(await listed(replica, each.view))).toBe(due);
        expect(describeContents(await this.gotten(replica, each.view))).toBe(due);
      }
    }
  }

  /** What asking for every name, or in the inventory every id, finds. */
  private async gotten(replica: Replica, view: View): Promise<Contents> {
    const found = new Map<string, number>();
    const keys =
      view.kind === 'inventory'
        ? this.oracle.serversAt(this.oracle.head).map(({ record }) => ({ id: record.id }))
        : NAMES.map((name) => ({ name }));
    for (const key of keys) {
      try {
        const { record } = (await get(replica, view, key)).value;
        found.set(record.id, record.revision);
      } catch (error) {
        if (!isSwitchboardError(error, 'SERVER_NOT_FOUND')) throw error;
      }
    }
    return found;
  }

  /** For every view and name, what is explained is what get finds, and true of each server. */
  private async explainAll(): Promise<void> {
    const servers = this.oracle.serversAt(this.oracle.head);
    const deleted = [...this.oracle.deleted()];
    const deletedAs = (name: string): readonly (readonly [string, number])[] =>
      deleted.flatMap(([id, at]) => (at.name === name ? [[id, at.revision]] : []));
    for (const replica of this.replicas) {
      for (const view of READER_VIEWS) {
        for (const name of NAMES) {
          const named = servers.filter(({ record }) => record.name === name);
          const { value, position } = await explainName(replica, view, name);
          expect(position.revision).toBe(this.oracle.head);
          const found = await get(replica, view, { name }).catch(() => undefined);
          expect(value.winner?.record.id).toBe(found?.value.record.id);
          const live = value.candidates.filter(({ verdict }) => verdict !== 'deleted');
          const ids = live.map(({ id }) => id).sort();
          expect(ids).toEqual(named.map(({ record }) => record.id).sort());
          expect(whyNot(live, named, view)).toEqual([]);
          const dead = value.candidates.filter(({ verdict }) => verdict === 'deleted');
          const last = dead.map(({ id, revision }) => [id, revision]);
          expect(last.toSorted()).toEqual(deletedAs(name).toSorted());
          const order = dead.map(({ revision }) => revision);
          expect(order).toEqual(order.toSorted((a, b) => b - a));
          this.meet('explained');
        }
      }
    }
  }

  private async write(): Promise<void> {
    const replica = this.random.pick(this.replicas);
    try {
      await this.writeOn(replica);
      this.meet('write');
    } catch (error) {
      if (!EXPECTED.some((reason) => isSwitchboardError(error, reason))) throw error;
      this.meet((error as { reason: string }).reason);
    }
  }

  private async writeOn(replica: Replica): Promise<unknown> {
    const { random } = this;
    const target = this.known.length === 0 ? undefined : random.pick(this.known);
    if (random.oneIn(4)) return this.writeSet(replica);
    const choice = target === undefined ? 0 : random.below(16);
    if (target === undefined || choice < 3) {
      const tier = random.pick(['APP', 'USER', 'PRIVATE', 'PRIVATE', 'PRIVATE'] as const);
      const owner = tier === 'PRIVATE' ? { owner: random.pick(USERS) } : {};
      const { value } = await create(replica, { name: random.pick(NAMES), tier, ...owner });
      return this.known.push(value);
    }
    if (choice < 7) return this.changeAccess(replica, target);
    if (choice > 12) return this.move(replica, target);
    if (choice < 8) {
      this.gone.push(target.id);
      return remove(replica, target);
    }
    if (choice < 9 && this.gone.length > 0) {
      await undelete(replica, random.pick(this.gone));
      this.meet('undelete');
      return undefined;
    }
    if (choice < 10) {
      await rollback(replica, target, { generation: 1 + random.below(target.generation) });
      this.meet('rollback');
      return undefined;
    }
    const { value } = await update(replica, target, this.randomPatch(target));
    return this.learn(value);
  }

  private async changeAccess(replica: Replica, target: ServerRecord): Promise<unknown> {
    const { random } = this;
    const isPrivate = ({ tier }: ServerRecord): boolean => tier === 'PRIVATE';
    const some = this.known.filter(isPrivate);
    const on = random.oneIn(10) || some.length === 0 ? target : random.pick(some);
    const subjects = [random.pick(SUBJECTS), ...random.some(SUBJECTS)];
    const change = random.pick(['set', 'grant', 'grant', 'revoke'] as const);
    const ways = { set: setAccess, grant, revoke };
    const { value } = await ways[change](replica, on, { subjects });
    this.meet(change);
    return this.learn(value.record);
  }

  private async move(replica: Replica, target: ServerRecord): Promise<unknown> {
    const { random } = this;
    if (target.tier === 'PRIVATE') {
      const tier = random.pick(['APP', 'USER'] as const);
      const policy = random.pick(['fail', 'shadow'] as const);
      const { value } = await promote(replica, target, { tier, policy });
      this.meet('promote');
      return this.learn(value.record);
    }
    const name = random.oneIn(3) ? { name: random.pick(NAMES) } : {};
    const owner = random.pick(USERS);
    const subjects = random.some(SUBJECTS);
    const { value } = await demote(replica, target, { owner, subjects, ...name });
    this.meet('demote');
    return this.learn(value.record);
  }

  private learn(record: ServerRecord): ServerRecord {
    this.known = this.known.map((each) => (each.id === record.id ? record : each));
    return record;
  }

  /** Applies a few servers of one of two sets, in one step or each by itself. */
  private async writeSet(replica: Replica): Promise<unknown> {
    const { random } = this;
    const items = random.some(NAMES).map((name) => {
      const tier = random.pick(['APP', 'USER', 'PRIVATE'] as const);
      const owner = tier === 'PRIVATE' ? { owner: random.pick(USERS) } : {};
      return itemOf({ name, tier, title: `title ${String(random.below(3))}`, ...owner });
    });
    const [allOrNothing, prune, takeOver] = [random.oneIn(2), random.oneIn(2), random.oneIn(2)];
    const set = random.pick(['one.yaml', 'two.yaml']);
    const { value } = await apply(replica, items, { set, allOrNothing, prune, takeOver });
    this.meet(value.applied ? 'set' : 'set held back');
    return value;
  }

  private randomPatch(target: ServerRecord): Parameters<typeof update>[2] {
    const { random } = this;
    const choice = random.below(4);
    if (choice === 0) return { fields: { name: random.pick(NAMES) } };
    if (choice === 1) return { specFields: { enabled: random.oneIn(2) } };
    if (choice === 2 && target.tier !== 'PRIVATE') {
      return { fields: { tier: target.tier === 'APP' ? 'USER' : 'APP' } };
    }
    if (choice === 3 && target.tier === 'PRIVATE') return { owner: random.pick(USERS) };
    return { specFields: { title: `title ${String(random.below(1_000))}` } };
  }

  private stallOne(): void {
    const { sink } = this.random.pick([...this.watchers, ...this.nodes]);
    if (this.random.oneIn(3)) sink.release(1 + this.random.below(4));
    else sink.stall(1 + this.random.below(3));
  }

  private openWatch(view: View, from?: Bookmark, bookmarks: Bookmark[] = []): Watching {
    const replica = this.random.pick(this.replicas);
    const resumeToken = from?.token ?? '';
    const { sink, live } = watch(replica, view, { resumeToken });
    // As a call ends that is refused before it is a stream.
    live.catch((error: unknown) => {
      if (sink.ended === undefined && isSwitchboardError(error)) sink.end(error);
    });
    return { view, replica, sink, resumedFrom: from, bookmarks };
  }

  private async reconnectWatch(watching: Watching): Promise<void> {
    await this.oracle.extend(this.world.catalog, TENANT);
    watching.sink.disconnect();
    const stream = this.streamOf(watching);
    expect(violationsOf(stream, this.oracle), this.describe(watching)).toEqual([]);
    this.noteBookmarks(watching, stream);
    this.noteResets(stream.frames);
    const { bookmarks, view } = watching;
    const from = this.random.oneIn(5) ? undefined : bookmarks[this.random.below(bookmarks.length)];
    this.meet(from === undefined ? 'watch' : 'resume');
    Object.assign(watching, this.openWatch(view, from, bookmarks));
  }

  private streamOf({ view, sink, resumedFrom }: Watching): RecordedStream {
    const frames = decodeFrames<WatchFrame>(sink);
    return { view, frames, ...(resumedFrom === undefined ? {} : { resumedFrom }) };
  }

  private noteBookmarks({ bookmarks }: Watching, stream: RecordedStream): void {
    for (const { frame, contents, upTo } of readStream(stream)) {
      const place = frame.kind === 'heartbeat' ? frame.bookmark : frame;
      if (place === undefined || !('token' in place) || upTo === undefined) continue;
      bookmarks.push({ token: place.token, revision: upTo, contents });
    }
  }

  private openNode(before?: Noding): Noding {
    const replica = this.random.pick(this.replicas);
    const at = before?.reader.at;
    const wanted = before?.wanted ?? new Map([['s0', this.random.pick(READER_VIEWS)] as const]);
    const canResume = at !== undefined && !this.random.oneIn(5);
    const reader = canResume ? new NodeReader(before?.reader) : new NodeReader();
    for (const view of wanted.values()) reader.knows(view);
    const isKept = ([id, view]: [string, ReaderView]): boolean => {
      const visible = before?.reader.subscriptions.get(id);
      return visible !== undefined && viewDigest(visible) === viewDigest(view);
    };
    const kept = new Map([...wanted].filter(isKept));
    // What is new stands in `open`, or is added after it.
    const listed = canResume && at.revision % 2 === 0 ? kept : wanted;
    if (canResume) reader.resumeWith(kept);
    reader.wants(new Set(wanted.keys()));
    const { sink, session } = openNode(replica, listed, {
      resumeToken: canResume ? at.token : '',
      digestOf: (view, id) => (kept.has(id) ? viewDigest(view) : ''),
    });
    if (canResume && listed.size > kept.size) this.meet('node resume, with new views');
    for (const [id, view] of wanted) if (!listed.has(id)) subscribe(session, id, view);
    this.meet(canResume ? 'node resume' : 'node open');
    return { replica, sink, session, reader, read: 0, wanted, nextId: before?.nextId ?? 1 };
  }

  private async reconnectNode(node: Noding): Promise<void> {
    await this.oracle.extend(this.world.catalog, TENANT);
    node.sink.disconnect();
    this.readNode(node);
    this.noteResets(decodeFrames<SyncFrame>(node.sink));
    Object.assign(node, this.openNode(node));
  }

  /** How many subscriptions were refused, which are asked for again. */
  private readNode(node: Noding): number {
    const frames = decodeFrames<SyncFrame>({ frames: node.sink.frames.slice(node.read) });
    node.read = node.sink.frames.length;
    for (const frame of frames) node.reader.read(frame, this.oracle);
    expect(node.reader.violations, JSON.stringify(decodeFrames(node.sink), null, 1)).toEqual([]);
    const refused = frames.flatMap((frame) => (frame.kind === 'refused' ? [frame.id] : []));
    for (const id of refused) {
      const view = node.wanted.get(id);
      if (view !== undefined) subscribe(node.session, id, view);
      this.meet('refused');
    }
    return refused.length;
  }

  /** Subscribes, unsubscribes or replaces a view of a node. */
  private changeNode(node: Noding): void {
    const { wanted, reader, session } = node;
    const choice = this.random.below(3);
    const some = [...wanted.keys()];
    if (choice === 0 && some.length > 0) {
      const id = this.random.pick(some);
      wanted.delete(id);
      reader.wants(new Set(wanted.keys()));
      void session.receive({ kind: 'unsubscribe', id });
      this.meet('unsubscribe');
      return;
    }
    const isReplacing = choice === 1 && some.length > 0;
    const id = isReplacing ? this.random.pick(some) : `s${String(node.nextId)}`;
    if (!isReplacing) node.nextId += 1;
    const view = this.random.pick(READER_VIEWS);
    wanted.set(id, view);
    reader.wants(new Set(wanted.keys()));
    reader.knows(view);
    subscribe(session, id, view);
    this.meet(isReplacing ? 'replace' : 'subscribe');
  }

  private noteResets(frames: readonly (WatchFrame | SyncFrame)[]): void {
    for (const frame of frames) if (frame.kind === 'reset') this.meet(`reset ${frame.reason}`);
  }

  private describe({ view, sink, resumedFrom }: Watching): string {
    return JSON.stringify([view, resumedFrom?.revision, ...decodeFrames(sink)], null, 1);
  }

  /** Counts what the streams that are still open were told as well. */
  private finish(): void {
    for (const { sink } of [...this.watchers, ...this.nodes]) {
      this.noteResets(decodeFrames<WatchFrame | SyncFrame>(sink));
    }
  }

  private meet(what: string): void {
    this.met.set(what, (this.met.get(what) ?? 0) + 1);
  }
}

function subscribe(session: NodeSession, id: string, view: ReaderView): void {
  void session.receive({ kind: 'subscribe', subscription: { id, view, digest: '' } });
}

/** Every page of a list. */
export async function allPages(
  replica: Replica,
  view: View,
  pageSize: number,
): Promise<readonly string[]> {
  const names: string[] = [];
  let pageToken = '';
  do {
    const { value } = await page(replica, view, { pageSize, pageToken });
    names.push(...value.servers.map(({ record }) => record.name));
    pageToken = value.nextPageToken;
  } while (pageToken !== '');
  return names;
}
