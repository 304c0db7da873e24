import { isSwitchboardError } from '../../../src/domain/errors.js';
import type { LoadRecord } from '../../../src/domain/load-record.js';
import { userView } from '../../../src/domain/view.js';
import type { Oracle } from '../history/oracle.js';
import type { Random } from '../random.js';
import { isSeenBySubject } from '../storage/seers.js';
import { idOfRow, versionOf, type Ask, type TestDatabase } from './database.js';
import { catchUp, page, passTime, requestOf, TENANT, type Replica } from './world.js';

/** So long that only jumps of the clock make a load due, or too old. */
export const TTL_MS = 1e9;

/** No failed load waits longer before it is tried again. */
const MAX_BACKOFF_MS = 60_000;

/** Why a load may end without having loaded. */
const REFUSALS = ['SOURCE_UNAVAILABLE', 'LOAD_CONFLICT', 'USER_PURGED'] as const;

/** A load that was forced, and where the log was when the call returned. */
interface Forced {
  readonly user: string;
  readonly asksBefore: number;
  readonly revision: number;
}

interface LoadsDeps {
  readonly database: TestDatabase;
  readonly replicas: readonly Replica[];
  readonly random: Random;
  readonly names: readonly string[];
  readonly users: readonly string[];
  readonly meet: (what: string) => void;
}

/** What befalls the loads of users: rows change, the source is slow or down, users are purged. */
export class LoadsOfUsers {
  private readonly deps: LoadsDeps;
  private readonly forced: Forced[] = [];
  private pending: Promise<void>[] = [];

  constructor(deps: LoadsDeps) {
    this.deps = deps;
  }

  /** Does one thing; what takes long goes on behind it. */
  step(): void {
    const { database, random, names, users, replicas } = this.deps;
    const [replica, user] = [random.pick(replicas), random.pick(users)];
    const choice = random.below(12);
    if (choice < 4) database.change(random, names, users);
    else if (choice < 5) database.slow();
    else if (choice < 7) database.answerOne(random);
    else if (choice < 8) this.begin('load', this.load(replica, user, random.oneIn(2)));
    else if (choice < 9) this.begin('read', page(replica, userView(user)));
    else if (choice < 10) this.begin('invalidate', invalidate(replica, user));
    else if (choice < 11 && random.oneIn(3)) this.begin('purge', purge(replica, user));
    else if (random.oneIn(4)) database.isDown = true;
    else if (random.oneIn(2)) replica.clock.now += random.pick([0.85, 1.1]) * TTL_MS;
    else database.recover();
  }

  /** Lets the source answer everything, until every user is loaded and nothing is under way. */
  async rest(): Promise<void> {
    const { database, replicas } = this.deps;
    for (let isQuiet = false; !isQuiet;) {
      database.recover();
      await Promise.all(this.pending.splice(0));
      // A load that failed is tried again when its time has come: one that replaces what is only
      // due would else begin after this, as soon as somebody reads.
      for (const replica of replicas) passTime(replica, MAX_BACKOFF_MS);
      const asked = database.asks.length;
      const isRead = await this.readAll();
      const { revision } = await replicas[0]!.catalog.log.head(TENANT);
      for (const replica of replicas) await catchUp(replica);
      // Longer than what follows a user waits before it loads at once.
      await new Promise((resolve) => setTimeout(resolve, 25));
      const head = await replicas[0]!.catalog.log.head(TENANT);
      isQuiet = isRead && head.revision === revision && database.asks.length === asked;
    }
  }

  /**
   * What is not so of the loads in the log: each publishes what the database answered to a
   * question that was asked after the last thing which throws loads of the user away, and
   * a forced load is one that was asked for afterwards.
   */
  violations(oracle: Oracle): readonly string[] {
    const found: string[] = [];
    const published: { user: string; revision: number; ask: number }[] = [];
    for (let revision = 1; revision <= oracle.head; revision += 1) {
      const before = oracle.loadsAt(revision - 1);
      for (const [user, load] of oracle.loadsAt(revision)) {
        if (load.revision !== revision || load.state !== 'loaded') continue;
        const since = before.get(user)?.revision ?? 0;
        const ask = this.deps.database.asks.findLastIndex(
          (each) => each.user === user && each.head >= since && isPublished(each, load, oracle),
        );
        if (ask < 0) found.push(`load of ${user} at ${String(revision)} is no answer since`);
        published.push({ user, revision, ask });
        this.deps.meet('loaded');
      }
    }
    for (const { user, asksBefore, revision } of this.forced) {
      const isServed = published.some(
        (each) => each.user === user && each.revision <= revision && each.ask >= asksBefore,
      );
      if (!isServed)
        found.push(`the load of ${user} forced before ${String(revision)} asked nothing`);
    }
    return found;
  }

  private async load(replica: Replica, user: string, force: boolean): Promise<void> {
    const asksBefore = this.deps.database.asks.length;
    const { position } = await replica.services.loadPrivateServers(requestOf(), { user, force });
    if (force) this.forced.push({ user, asksBefore, revision: position.revision });
  }

  private begin(what: string, work: Promise<unknown>): void {
    this.pending.push(
      work.then(
        () => {
          this.deps.meet(what);
        },
        (error: unknown) => {
          if (!isRefusal(error)) throw error;
          this.deps.meet(error.reason);
        },
      ),
    );
  }

  /** Whether every user could be read at every replica. */
  private async readAll(): Promise<boolean> {
    const { replicas, users } = this.deps;
    let isRead = true;
    for (const replica of replicas) {
      for (const user of users) {
        await page(replica, userView(user)).catch((error: unknown) => {
          if (!isRefusal(error)) throw error;
          isRead = false;
        });
        const status = await replica.services.getPrivateLoadStatus(requestOf(), { user });
        isRead &&= !status.value.loading;
      }
    }
    return isRead;
  }
}

/** Whether it is an error with which a load may end. */
export function isRefusal(error: unknown): error is { readonly reason: string } {
  return REFUSALS.some((reason) => isSwitchboardError(error, reason));
}

/** Whether after the load its user saw of the database what it had answered, but for refused rows. */
function isPublished({ user, rows }: Ask, load: LoadRecord, oracle: Oracle): boolean {
  const seen = new Map(
    oracle
      .serversAt(load.revision)
      .filter((server) => isSeenBySubject(server, `user:${user}`))
      .flatMap(({ record }) =>
        record.privateSource === 'app-db' ? [[record.id, record] as const] : [],
      ),
  );
  const refused = new Set(load.refused.map(idOfRow));
  const answered = new Set(rows.map(idOfRow));
  const isSame = rows.every((row) => {
    const record = seen.get(idOfRow(row));
    if (refused.has(idOfRow(row))) return true;
    if (record === undefined || isSwitchboardError(row.content)) return false;
    return versionOf(record) === versionOf({ spec: row.content });
  });
  return isSame && [...seen.keys()].every((id) => answered.has(id));
}

const OPTIONS = { requestId: '', reason: '' };

function invalidate({ services }: Replica, user: string): Promise<unknown> {
  return services.invalidateUser(requestOf(), { user, ...OPTIONS });
}

function purge({ services }: Replica, user: string): Promise<unknown> {
  return services.purgeUser(requestOf(), { user, validateOnly: false, ...OPTIONS });
}
