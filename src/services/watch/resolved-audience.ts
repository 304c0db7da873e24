import { changedId, type Cause, type Position } from '../../domain/commit.js';
import { listResolved, maySee, resolve, type StateIndex } from '../../domain/resolve.js';
import { contentVersion, type StoredServer } from '../../domain/server.js';
import { subjectsOf, viewKey, type Subject, type View } from '../../domain/view.js';
import type { Step, TenantState } from '../replica/tenant-state.js';
import type { Audience, HeartbeatFacts, Memo, ResetReason, SnapshotItem } from './audience.js';

export type EventType = 'added' | 'modified' | 'removed' | 'unchanged';

/** Turns what WatchServers tells into messages. */
export interface WatchEncoder {
  event(
    type: EventType,
    server: { readonly id: string; readonly stored?: StoredServer },
    cause?: Cause,
  ): Uint8Array;
  /**
   * The frames that close a commit in a view: `last`, which is its last event, with the
   * closing in it; or `last` as it is and a closing frame, where a copy of `last` for each
   * view would cost more than that.
   */
  closed(last: Uint8Array, step: Step, view: View): readonly Uint8Array[];
  synced(token: Position, view: View): Uint8Array;
  heartbeat(facts: HeartbeatFacts, view: View): Uint8Array;
  reset(reason: ResetReason): Uint8Array;
}

/** One view, resolved by the server: what WatchServers sends. */
export class ResolvedAudience implements Audience {
  readonly seesInventory: boolean;
  private readonly view: View;
  private readonly encoder: WatchEncoder;
  /** Names what is the same for all streams of the view; made once, as every commit asks for it. */
  readonly sharedKey: string;

  constructor(view: View, encoder: WatchEncoder) {
    this.seesInventory = view.kind === 'inventory';
    this.view = view;
    this.encoder = encoder;
    this.sharedKey = `view ${viewKey(view)}`;
  }

  views(): Iterable<View> {
    return [this.view];
  }

  subjects(): readonly Subject[] {
    return subjectsOf(this.view);
  }

  snapshot(state: StateIndex): readonly StoredServer[] {
    if (this.view.kind === 'inventory') return [...(state as TenantState).all()];
    return listResolved(state, this.view);
  }

  item(stored: StoredServer): SnapshotItem {
    const { id, revision } = stored.record;
    return {
      version: String(revision),
      heldVersion: contentVersion(stored.record),
      frame: this.encoder.event('added', { id, stored }),
      unchanged: () => this.encoder.event('unchanged', { id }),
    };
  }

  removed(id: string): Uint8Array {
    return this.encoder.event('removed', { id });
  }

  step(step: Step, memo: Memo): readonly Uint8Array[] {
    return memo(this.sharedKey, () => framesOf(step, this.view, { encoder: this.encoder, memo }));
  }

  synced(position: Position): Uint8Array {
    return this.encoder.synced(position, this.view);
  }

  heartbeat(facts: HeartbeatFacts, memo: Memo): Uint8Array {
    return memo(`${this.sharedKey} ${String(facts.bookmark?.revision)}`, () =>
      this.encoder.heartbeat(facts, this.view),
    );
  }

  reset(reason: ResetReason): Uint8Array {
    return this.encoder.reset(reason);
  }
}

interface Encoding {
  readonly encoder: WatchEncoder;
  readonly memo: Memo;
}

function framesOf(step: Step, view: View, encoding: Encoding): readonly Uint8Array[] {
  const events = eventsOf(step, view).map((event) => encodeEvent(event, step, encoding));
  const last = events.pop();
  return last === undefined ? [] : [...events, ...encoding.encoder.closed(last, step, view)];
}

interface ResolvedEvent {
  readonly type: 'added' | 'modified' | 'removed';
  readonly stored: StoredServer;
}

function encodeEvent(
  { type, stored }: ResolvedEvent,
  step: Step,
  { encoder, memo }: Encoding,
): Uint8Array {
  const { id } = stored.record;
  // One frame for all streams: it holds nothing of the view.
  return memo(`${type} ${id}`, () => encoder.event(type, { id, stored }, step.commit.cause));
}

/** What a commit changes in a view: by the names that it touches, resolved before and after. */
function eventsOf(step: Step, view: View): ResolvedEvent[] {
  const before = new Map<string, StoredServer>();
  const after = new Map<string, StoredServer>();
  for (const found of concerned(step, view)) {
    if (found.before !== undefined) before.set(found.before.record.id, found.before);
    if (found.after !== undefined) after.set(found.after.record.id, found.after);
  }
  const events: ResolvedEvent[] = [];
  for (const [id, stored] of before) if (!after.has(id)) events.push({ type: 'removed', stored });
  for (const [id, stored] of after) {
    const old = before.get(id);
    if (old === undefined) events.push({ type: 'added', stored });
    else if (old.record.revision !== stored.record.revision)
      events.push({ type: 'modified', stored });
  }
  return events;
}

interface Around {
  readonly before: StoredServer | undefined;
  readonly after: StoredServer | undefined;
}

function* concerned({ commit, before, after }: Step, view: View): Iterable<Around> {
  const names = new Set<string>();
  for (const change of commit.changes) {
    const id = changedId(change);
    const around: Around = { before: before.byId(id), after: after.byId(id) };
    if (view.kind === 'inventory') yield around;
    for (const server of [around.before, around.after]) {
      if (server !== undefined && maySee(server, view)) names.add(server.record.name);
    }
  }
  if (view.kind === 'inventory') return;
  for (const name of names) {
    yield { before: resolve(before, name, view), after: resolve(after, name, view) };
  }
}
