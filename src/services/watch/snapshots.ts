import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Position } from '../../domain/commit.js';
import type { Slots } from '../concurrency/slots.js';
import type { TenantState } from '../replica/tenant-state.js';
import type { Audience, SnapshotItem } from './audience.js';

/** So many servers are encoded, or handed to a reader, in one turn of the event loop. */
export const CHUNK = 128;

/** All that an audience sees at one place of the log. */
export interface Snapshot {
  readonly place: Position;
  /** By server id. */
  readonly items: ReadonlyMap<string, SnapshotItem>;
}

interface Begun {
  /** Undefined until its turn has come. */
  place: Position | undefined;
  /** Who waits for the place. */
  readonly waiting: (() => void)[];
}

interface Build extends Begun {
  readonly done: Promise<Snapshot>;
}

/**
 * Builds the snapshots of a tenant in chunks between which the event loop runs. Streams that
 * see the same and wait at the same time get the same one. `slots` bounds how many are built
 * at once; it is free again before anything is delivered (rule 21).
 */
export class Snapshots {
  private readonly log: TenantState;
  private readonly slots: Slots;
  private readonly builds = new Map<string, Build>();

  constructor(log: TenantState, slots: Slots) {
    this.log = log;
    this.slots = slots;
  }

  /**
   * Calls `onPlace` in the turn in which the place of the snapshot is the end of the log:
   * what the log is told from then on comes after it.
   */
  build(audience: Audience, onPlace: () => void): Promise<Snapshot> {
    const { sharedKey } = audience;
    const known = sharedKey === undefined ? undefined : this.builds.get(sharedKey);
    if (known !== undefined && known.place === undefined) {
      known.waiting.push(onPlace);
      return known.done;
    }
    // One that was begun serves only those who missed nothing since.
    if (known !== undefined && known.place === this.log.position) {
      onPlace();
      return known.done;
    }
    return this.begin(audience, onPlace);
  }

  private begin(audience: Audience, onPlace: () => void): Promise<Snapshot> {
    const { sharedKey } = audience;
    const build: Begun = { place: undefined, waiting: [onPlace] };
    const done = this.slots(async () => {
      build.place = this.log.position;
      for (const tell of build.waiting) tell();
      // References only: what they refer to does not change.
      const servers = audience.snapshot(this.log);
      return { place: build.place, items: await encodeAll(servers, audience) };
    });
    if (sharedKey === undefined) return done;
    const shared = Object.assign(build, { done });
    this.builds.set(sharedKey, shared);
    const forget = (): void => {
      if (this.builds.get(sharedKey) === shared) this.builds.delete(sharedKey);
    };
    done.then(forget, forget);
    return done;
  }
}

async function encodeAll(
  servers: ReturnType<Audience['snapshot']>,
  audience: Audience,
): Promise<Map<string, SnapshotItem>> {
  const items = new Map<string, SnapshotItem>();
  for (const server of servers) {
    if (items.size > 0 && items.size % CHUNK === 0) await nextTurn();
    items.set(server.record.id, audience.item(server));
  }
  return items;
}
