import type { SubscriptionSight } from '../domain/node-stream.js';
import type { Named, Sight, ViewIndex } from '../domain/resolve.js';
import { APP_VIEW, viewKey, type ReaderView } from '../domain/view.js';
import type { KnownServer } from './server-view.js';

/** A record that the node holds, and which subscriptions see it how. */
export interface Entry {
  readonly server: KnownServer;
  readonly sights: readonly SubscriptionSight[];
}

/** The private servers that one subscription sees, by name. */
export type PrivateNames = Map<string, readonly Entry[]>;

const NONE: readonly Entry[] = [];
const APP_ID = viewKey(APP_VIEW);

/**
 * What one subscription sees, for the rule of the domain: the same object for as long as the
 * subscription is known, so that a lookup makes none.
 */
export class SubscriptionIndex implements ViewIndex<Entry> {
  readonly kind: ReaderView['kind'];
  readonly #id: string;
  readonly #shared: ReadonlyMap<string, Entry>;
  readonly #names: () => PrivateNames | undefined;

  constructor(
    id: string,
    shared: ReadonlyMap<string, Entry>,
    names: () => PrivateNames | undefined,
  ) {
    this.kind = id === APP_ID ? 'app' : 'user';
    this.#id = id;
    this.#shared = shared;
    this.#names = names;
  }

  shared(name: string): Entry | undefined {
    return this.#shared.get(name);
  }

  allShared(): Iterable<Entry> {
    return this.#shared.values();
  }

  privateNamed(name: string): readonly Entry[] {
    return this.#names()?.get(name) ?? NONE;
  }

  *allPrivate(): Iterable<Entry> {
    for (const entries of this.#names()?.values() ?? []) yield* entries;
  }

  recordOf({ server }: Entry): Named {
    return server;
  }

  sightOf({ sights }: Entry): Sight | undefined {
    return sights.find(({ subscriptionId }) => subscriptionId === this.#id);
  }
}
