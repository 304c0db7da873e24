import { APP_VIEW, viewKey, type ReaderView } from '../../domain/view.js';
import { isClientError, type ClientError } from '../client-error.js';
import type { KnownServer, ServerView } from '../server-view.js';
import { Backoff, type BackoffOptions } from './backoff.js';
import type { PooledConnection } from './pooled-connection.js';
import type { SharedAttempt } from './shared-attempt.js';

/** Whose connection to a server it is: everyone's, a user's, or a user's in one conversation. */
export interface Identity {
  readonly user?: string;
  readonly conversationId?: string;
}

/** A connect under way. Whoever waited for one without an error looks at the view again. */
export interface Flight {
  readonly configHash: string;
  readonly attempt: SharedAttempt<void>;
}

/**
 * A server as it is seen; undefined if it is not; `unknown` if the view cannot say;
 * `shadowed` if it is seen by its id, but its name leads to another one.
 */
export type Sighting = KnownServer | 'unknown' | 'shadowed' | undefined;

/** How `viewer` sees the server of an id. Unknown is not the same as gone. */
export function lookUp(
  view: ServerView,
  id: string,
  viewer: ReaderView,
): Exclude<Sighting, 'shadowed'> {
  try {
    return view.find(id, viewer);
  } catch (error) {
    if (isClientError(error, 'VIEW_UNKNOWN')) return 'unknown';
    throw error;
  }
}

/** The same by its name: a shadowed one is lent to nobody. */
function lookUpNamed(view: ServerView, id: string, viewer: ReaderView): Sighting {
  const seen = lookUp(view, id, viewer);
  if (typeof seen !== 'object' || seen.tier !== 'PRIVATE') return seen;
  return view.resolve(seen.name, viewer)?.id === id ? seen : 'shadowed';
}

/** Whether `seen` is there, enabled, and of the config with this hash. */
export function isOfConfig(seen: Sighting, configHash: string | undefined): boolean {
  if (typeof seen !== 'object') return false;
  return seen.spec.enabled && seen.configHash === configHash;
}

/** The identity of connections that are shared. */
export const SHARED: Identity = Object.freeze({});

/** A string that is equal for equal identities of one server. */
export function identityKey({ user, conversationId }: Identity): string {
  if (conversationId !== undefined) return `c${JSON.stringify([user ?? null, conversationId])}`;
  return user === undefined ? '' : `u${user}`;
}

/**
 * The place of one connection: at most one that is lent, and at most one connect under
 * way. The credential revision is the third part of the key: the connection of another
 * revision is retired when it is found.
 */
export class Slot {
  readonly serverId: string;
  readonly identity: Identity;
  readonly backoff: Backoff;
  current: PooledConnection | undefined;
  flight: Flight | undefined;
  /**
   * The views of the user that used it and were not left, by key. Some may not see the server
   * now. Empty for a shared one: the app view counts.
   */
  readonly viewers = new Map<string, ReaderView>();
  /** The name that the server had when it was last looked at: every change of it is looked at. */
  name = '';

  constructor(serverId: string, identity: Identity, backoff: BackoffOptions) {
    this.serverId = serverId;
    this.identity = identity;
    this.backoff = new Backoff(backoff);
  }

  /** The server as those see it whose connection this is. */
  seen(view: ServerView): Sighting {
    const { user } = this.identity;
    if (user === undefined) return lookUp(view, this.serverId, APP_VIEW);
    let rest: Exclude<Sighting, KnownServer>;
    for (const viewer of this.viewers.values()) {
      const server = lookUpNamed(view, this.serverId, viewer);
      if (typeof server === 'object') {
        this.name = server.name;
        return server;
      }
      if (server === 'unknown' || rest === undefined) rest = server;
    }
    return rest;
  }

  /** Whether a view of the user that uses it may see the server, or cannot say. */
  isViewed(view: ServerView): boolean {
    const viewers = [...this.viewers.values()];
    return viewers.some((viewer) => lookUp(view, this.serverId, viewer) !== undefined);
  }

  /** Takes note of a view that uses it, and of the name by which the view sees the server. */
  noteViewer(view: ReaderView, { name }: KnownServer): void {
    this.name = name;
    if (this.identity.user !== undefined) this.viewers.set(viewKey(view), view);
  }

  /** Ends the connect under way: who waits gets `error`, or looks at the view again without. */
  endFlight(error?: ClientError): void {
    if (error === undefined) this.flight?.attempt.settle();
    else this.flight?.attempt.end(error);
    this.flight = undefined;
  }

  /** Whether there is nothing in it worth keeping. */
  isEmpty(): boolean {
    const isUsed = this.current !== undefined && this.current.state !== 'closed';
    return !isUsed && this.flight === undefined && this.backoff.isOver();
  }
}

/** The slots of a pool, by server and identity. */
export class SlotTable {
  readonly #servers = new Map<string, Map<string, Slot>>();
  readonly #backoff: BackoffOptions;

  constructor(backoff: BackoffOptions) {
    this.#backoff = backoff;
  }

  get(serverId: string, key: string): Slot | undefined {
    return this.#servers.get(serverId)?.get(key);
  }

  /** Those who have a slot of a server; undefined stands for everyone. */
  usersOf(serverId: string): ReadonlySet<string | undefined> {
    const users = new Set<string | undefined>();
    for (const { identity } of this.of(serverId)) users.add(identity.user);
    return users;
  }

  /** The slot of an identity, made if there is none. */
  obtain(serverId: string, identity: Identity): Slot {
    let slots = this.#servers.get(serverId);
    if (slots === undefined) {
      slots = new Map<string, Slot>();
      this.#servers.set(serverId, slots);
    }
    const key = identityKey(identity);
    let slot = slots.get(key);
    if (slot === undefined) {
      slot = new Slot(serverId, identity, this.#backoff);
      slots.set(key, slot);
    }
    return slot;
  }

  /** The slots of one server; of all without an id. */
  *of(serverId?: string): Iterable<Slot> {
    if (serverId !== undefined) {
      yield* this.#servers.get(serverId)?.values() ?? [];
      return;
    }
    for (const slots of this.#servers.values()) yield* slots.values();
  }

  /** Ends the connects under way of slots that `concerns`, as `Slot.endFlight` does. */
  endFlights(concerns: (slot: Slot) => boolean, error?: ClientError): void {
    for (const slot of this.of()) if (concerns(slot)) slot.endFlight(error);
  }

  /** Forgets empty slots. */
  prune(): void {
    for (const [serverId, slots] of this.#servers) {
      for (const [key, slot] of slots) if (slot.isEmpty()) slots.delete(key);
      if (slots.size === 0) this.#servers.delete(serverId);
    }
  }
}
