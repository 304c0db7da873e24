import type { View } from '../../../src/domain/view.js';
import { describeContents, sameContents, type Contents, type Oracle } from '../history/oracle.js';
import type { EventFrame, WatchFrame } from '../services/encoders.js';

/** One recorded stream of WatchServers. */
export interface RecordedStream {
  readonly view: View;
  /** What the client had at the token that it sent; undefined without one. */
  readonly resumedFrom?: { readonly revision: number; readonly contents: Contents };
  /** The copies that the client said it holds. */
  readonly held?: Contents;
  readonly frames: readonly WatchFrame[];
}

/** What is wrong with a stream; nothing if it keeps its promise. */
export type Checker = (stream: RecordedStream, oracle: Oracle) => readonly string[];

/** A stream as a client reads it, step by step. */
interface Reading {
  /** What the client holds, after this frame. */
  readonly contents: Contents;
  /** Up to where it knows that it has everything; undefined before SYNCED. */
  readonly upTo: number | undefined;
  /** The same before this frame. */
  readonly before: number | undefined;
  /** The events that this frame makes visible. */
  readonly applied: readonly EventFrame[];
  /** Whether this frame ends a snapshot. */
  readonly endsSnapshot: boolean;
  readonly frame: WatchFrame;
}

/** Reads a stream as the protocol says: events wait for the frame that closes them. */
export function readStream(stream: RecordedStream): readonly Reading[] {
  const { resumedFrom, held = new Map<string, number>() } = stream;
  let contents: Contents = resumedFrom?.contents ?? new Map<string, number>();
  let upTo = resumedFrom?.revision;
  let waiting: EventFrame[] = [];
  return stream.frames.map((frame) => {
    const before = upTo;
    let applied: readonly EventFrame[] = [];
    if (frame.kind === 'event') waiting.push(frame);
    else if (frame.kind === 'reset') {
      [contents, waiting, upTo] = [new Map(), [], undefined];
    } else if (frame.kind === 'synced' || frame.kind === 'closing') {
      [applied, waiting] = [waiting, []];
      contents = applyEvents(contents, applied, held);
      upTo = frame.revision;
    } else if (upTo !== undefined && frame.bookmark !== undefined) upTo = frame.bookmark.revision;
    const endsSnapshot = frame.kind === 'synced' && before === undefined;
    return { contents, upTo, before, applied, endsSnapshot, frame };
  });
}

function applyEvents(contents: Contents, events: readonly EventFrame[], held: Contents): Contents {
  const after = new Map(contents);
  for (const { type, id, version } of events) {
    if (type === 'removed') after.delete(id);
    else after.set(id, type === 'unchanged' ? (held.get(id) ?? -1) : (version ?? -1));
  }
  return after;
}

/** W1: revisions never go back, but after a reset. */
export const checkOrdered: Checker = (stream) =>
  readStream(stream).flatMap(({ frame, before }) => {
    const at = revisionOf(frame);
    if (at === undefined || before === undefined || at >= before) return [];
    return [`${frame.kind} of ${String(at)} after ${String(before)}`];
  });

/** W2: no commit twice, and no server twice in one. */
export const checkUnique: Checker = (stream) => {
  let seen = new Set<number>();
  return readStream(stream).flatMap(({ frame, before, applied }) => {
    if (frame.kind === 'reset') seen = new Set();
    if (frame.kind !== 'closing') return [];
    const errors: string[] = [];
    if (seen.has(frame.revision) || (before !== undefined && frame.revision <= before)) {
      errors.push(`commit ${String(frame.revision)} came again`);
    }
    seen.add(frame.revision);
    const ids = applied.map(({ id }) => id);
    if (new Set(ids).size < ids.length) errors.push('a server twice in one commit');
    return errors;
  });
};

/** W3: whatever changed the view between two places was delivered between them. */
export const checkGapFree: Checker = (stream, oracle) =>
  readStream(stream).flatMap(({ frame, before, upTo, contents }) => {
    if (before === undefined || upTo === undefined || upTo <= before) return [];
    const last = frame.kind === 'closing' ? upTo - 1 : upTo;
    const missed = range(before + 1, last).filter((at) => oracle.changesView(stream.view, at));
    const errors = missed.map((at) => `nothing told of commit ${String(at)}`);
    return [...errors, ...compare(contents, oracle.viewAt(stream.view, upTo), upTo)];
  });

/** W4: the events of a commit stand together, and are exactly its difference. */
export const checkAtomic: Checker = (stream, oracle) => {
  let open = false;
  return readStream(stream).flatMap(({ frame, before, applied }) => {
    const errors: string[] = [];
    const isLive = before !== undefined;
    if (isLive && open && frame.kind !== 'event' && frame.kind !== 'closing') {
      if (frame.kind !== 'reset') errors.push(`${frame.kind} within a commit`);
    }
    open = isLive && frame.kind === 'event';
    if (!isLive || frame.kind !== 'closing') return errors;
    const told = applied.map(({ type, id }) => `${type} ${id}`).sort();
    const due = differenceAt(stream.view, frame.revision, oracle);
    if (told.join() !== due.join()) {
      errors.push(`commit ${String(frame.revision)} told ${told.join()}, due was ${due.join()}`);
    }
    return errors;
  });
};

/** W5, W14: a snapshot is the whole view at the revision of its SYNCED. */
export const checkSnapshot: Checker = (stream, oracle) => {
  const readings = readStream(stream);
  const errors = readings.flatMap(({ endsSnapshot, contents, upTo }) =>
    endsSnapshot && upTo !== undefined
      ? compare(contents, oracle.viewAt(stream.view, upTo), upTo)
      : [],
  );
  const early = readings.some(
    ({ frame, before }) => frame.kind === 'closing' && before === undefined,
  );
  return early ? [...errors, 'a commit before SYNCED'] : errors;
};

/** W6: at a bookmark everything up to it is there, and nothing of it comes later. */
export const checkBookmarks: Checker = (stream, oracle) => {
  let bookmark = -1;
  return readStream(stream).flatMap(({ frame, contents, before }) => {
    if (frame.kind === 'reset') bookmark = -1;
    if (frame.kind === 'closing' && frame.revision <= bookmark) {
      return [`commit ${String(frame.revision)} after the bookmark ${String(bookmark)}`];
    }
    if (frame.kind !== 'heartbeat' || frame.bookmark === undefined) return [];
    if (before === undefined) return ['a bookmark before SYNCED'];
    bookmark = frame.bookmark.revision;
    return compare(contents, oracle.viewAt(stream.view, bookmark), bookmark);
  });
};

/** W7: a stream that continues says so at the token, and sends no snapshot. */
export const checkResumed: Checker = ({ resumedFrom, frames }) => {
  if (resumedFrom === undefined) return [];
  const first = frames.find(({ kind }) => kind !== 'heartbeat');
  if (first === undefined || first.kind === 'reset') return [];
  const fits = first.kind === 'synced' && first.revision === resumedFrom.revision;
  return fits ? [] : [`continues with ${JSON.stringify(first)}`];
};

/** W8: after a reset comes a whole snapshot, and before it nothing that it does not replace. */
export const checkReset: Checker = ({ frames }) => {
  let isReset = false;
  return frames.flatMap((frame) => {
    const errors =
      isReset && frame.kind === 'closing' ? ['a commit between RESET and its SYNCED'] : [];
    if (frame.kind === 'reset') isReset = true;
    if (frame.kind === 'synced') isReset = false;
    return errors;
  });
};

/** P17, R7: no content but what the view may see at the revision it is told at. */
export const checkNoLeak: Checker = (stream, oracle) => {
  const { view } = stream;
  let floor = stream.resumedFrom?.revision ?? 0;
  return readStream(stream).flatMap(({ frame, applied, upTo, before }) => {
    const first = before === undefined ? floor : (upTo ?? 0);
    if (upTo !== undefined) floor = upTo;
    if (upTo === undefined || frame.kind === 'heartbeat') return [];
    return applied.flatMap(({ id, version }) => {
      if (version === undefined) return [];
      const isSeen = range(first, upTo).some((at) => oracle.viewAt(view, at).get(id) === version);
      return isSeen ? [] : [`${id}@${String(version)} told at ${String(upTo)}`];
    });
  });
};

/** All of them, by what they check. */
export const CHECKERS: Readonly<Record<string, Checker>> = {
  ordered: checkOrdered,
  unique: checkUnique,
  'gap-free': checkGapFree,
  atomic: checkAtomic,
  snapshot: checkSnapshot,
  bookmarks: checkBookmarks,
  resumed: checkResumed,
  reset: checkReset,
  'no leak': checkNoLeak,
};

/** What all checkers say of a stream. */
export function violationsOf(stream: RecordedStream, oracle: Oracle): readonly string[] {
  return Object.entries(CHECKERS).flatMap(([name, check]) =>
    check(stream, oracle).map((text) => `${name}: ${text}`),
  );
}

function differenceAt(view: View, revision: number, oracle: Oracle): readonly string[] {
  const [before, after] = [oracle.viewAt(view, revision - 1), oracle.viewAt(view, revision)];
  const due = [...before.keys()].filter((id) => !after.has(id)).map((id) => `removed ${id}`);
  for (const [id, version] of after) {
    if (!before.has(id)) due.push(`added ${id}`);
    else if (before.get(id) !== version) due.push(`modified ${id}`);
  }
  return due.sort();
}

function revisionOf(frame: WatchFrame): number | undefined {
  if (frame.kind === 'synced' || frame.kind === 'closing') return frame.revision;
  return frame.kind === 'heartbeat' ? frame.bookmark?.revision : undefined;
}

function compare(held: Contents, due: Contents, revision: number): readonly string[] {
  if (sameContents(held, due)) return [];
  return [
    `at ${String(revision)} it holds [${describeContents(held)}], due is [${describeContents(due)}]`,
  ];
}

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}
