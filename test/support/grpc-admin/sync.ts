import type { ClientDuplexStream } from '@grpc/grpc-js';
import {
  ResetReason,
  type HeldServer,
  type View,
} from '../../../generated/switchboard/v1/common.js';
import {
  SyncRequest,
  type RecordChange,
  type Sight,
  type SubscriptionsSynced,
  type SyncResponse,
} from '../../../generated/switchboard/v1/connection_service.js';
import { Tier, type Server } from '../../../generated/switchboard/v1/server.js';
import { DEFAULT_TENANT } from '../../../src/domain/caller.js';
import { revisionOf, type Admin, type Init } from './grpc-admin.js';
import { endOf, type StreamEnd } from './watch.js';

/** A record as a node holds it. */
export interface HeldRecord {
  readonly server: Server;
  readonly sights: readonly Sight[];
}

/**
 * A node that follows by Sync as the manual describes it: it applies what it is told in one
 * step per commit, acknowledges, resumes, and writes down whatever breaks a promise.
 */
export interface NodeFollower {
  readonly records: ReadonlyMap<string, HeldRecord>;
  /** Subscriptions that are visible, with their digests. */
  readonly visible: ReadonlyMap<string, string>;
  readonly refused: readonly string[];
  readonly token: string;
  readonly revision: number;
  readonly resets: readonly string[];
  readonly faults: readonly string[];
  readonly commits: number;
  /** How many records a snapshot only named, as held already. */
  readonly unchanged: number;
  /** Whether the stream that is open was resumed; undefined before its welcome. */
  readonly resumed: boolean | undefined;
  open(admin: Admin, held?: readonly HeldServer[]): void;
  send(message: Init<typeof SyncRequest>['message']): void;
  readonly stream: ClientDuplexStream<SyncRequest, SyncResponse>;
  readonly ended: Promise<StreamEnd>;
  until(condition: () => boolean): Promise<void>;
  reached(revision: number): Promise<void>;
  close(): void;
}

export interface NodeOptions {
  readonly nodeId: string;
  readonly tenant?: string;
  /** Whether it acknowledges what it applied. Default true. */
  readonly acknowledges?: boolean;
}

export function createNodeFollower(
  views: ReadonlyMap<string, View>,
  { nodeId, tenant = DEFAULT_TENANT, acknowledges = true }: NodeOptions,
): NodeFollower {
  const resets: string[] = [];
  const faults: string[] = [];
  const refused: string[] = [];
  const wakers = new Set<() => void>();
  const visible = new Map<string, string>();
  /** Subscriptions that a `synced` of the stream that is open has named. */
  const named = new Set<string>();
  let records = new Map<string, HeldRecord>();
  let changes: RecordChange[] = [];
  let building: Map<string, HeldRecord> | undefined;
  let token = '';
  let commits = 0;
  let unchanged = 0;
  let resumed: boolean | undefined;
  let hasSynced = false;
  let stream: ClientDuplexStream<SyncRequest, SyncResponse> | undefined;
  let ended: Promise<StreamEnd> | undefined;

  const revision = (of: string): number => (of === '' ? 0 : revisionOf(of, tenant));
  const fault = (what: string): void => void faults.push(`${what} at ${String(revision(token))}`);

  const applyTo = (into: Map<string, HeldRecord>): void => {
    for (const { change, sights } of changes) {
      if (change?.$case === 'upsert') {
        into.set(change.value.id, { server: change.value, sights });
      } else if (change?.$case === 'removedId') {
        if (!into.delete(change.value)) fault(`removed ${change.value}, which was not there`);
      } else if (change?.$case === 'unchangedId') {
        unchanged += 1;
        const held = records.get(change.value);
        if (held === undefined) fault(`unchanged ${change.value}, which is not held`);
        else into.set(change.value, { server: held.server, sights });
      } else fault('an empty change');
    }
    changes = [];
    records = into;
  };

  const acknowledge = (): void => {
    if (acknowledges) send({ $case: 'applied', value: { token } });
  };

  /** A subscription that begins sees what this step says, and nothing from before. */
  const begin = (ids: readonly string[], into: Map<string, HeldRecord>): void => {
    for (const [id, { server, sights }] of [...into]) {
      const left = sights.filter(({ subscriptionId }) => !ids.includes(subscriptionId));
      if (left.length === sights.length) continue;
      if (left.length === 0) into.delete(id);
      else into.set(id, { server, sights: left });
    }
  };

  const synced = ({ token: next, subscriptions }: SubscriptionsSynced): void => {
    const ids = subscriptions.map(({ subscriptionId }) => subscriptionId);
    const isFirst = building !== undefined || (resumed === true && !hasSynced);
    if (isFirst) for (const id of [...visible.keys()]) if (!ids.includes(id)) visible.delete(id);
    const begun = isFirst ? [] : ids.filter((id) => !named.has(id));
    for (const id of ids) named.add(id);
    hasSynced = true;
    // What came before a new subscription may have shown this node nothing.
    const isNew = subscriptions.some(({ subscriptionId }) => !visible.has(subscriptionId));
    if (building === undefined && !isNew && revision(next) !== revision(token)) {
      fault(`synced at ${String(revision(next))} without a commit`);
    }
    const into = building ?? new Map(records);
    begin(begun, into);
    applyTo(into);
    building = undefined;
    token = next;
    for (const { subscriptionId, viewDigest } of subscriptions) {
      visible.set(subscriptionId, viewDigest);
    }
    acknowledge();
  };

  const commit = (next: string): void => {
    commits += 1;
    if (building !== undefined) fault('a commit before the snapshot was complete');
    if (changes.length === 0) fault('a commit that shows nothing');
    if (revision(next) <= revision(token)) fault('a commit out of order');
    applyTo(new Map(records));
    token = next;
    acknowledge();
  };

  const receive = ({ message, closes }: SyncResponse): void => {
    if (resumed === undefined && message?.$case !== 'welcome') fault('no welcome at first');
    switch (message?.$case) {
      case 'welcome':
        resumed = message.value.resumed;
        if (!resumed) building = new Map();
        return;
      case 'changes':
        changes.push(...message.value.changes);
        if (closes !== undefined) commit(closes.token);
        return;
      case 'synced':
        synced(message.value);
        return;
      case 'commit':
        commit(message.value.token);
        return;
      case 'heartbeat':
        if (message.value.token === '') return;
        if (building !== undefined) fault('a bookmark before the snapshot was complete');
        if (revision(message.value.token) < revision(token)) fault('a bookmark that goes back');
        token = message.value.token;
        acknowledge();
        return;
      case 'reset':
        resets.push(ResetReason[message.value.reason].replace('RESET_REASON_', ''));
        building = new Map();
        changes = [];
        return;
      case 'refused':
        refused.push(message.value.subscriptionId);
        return;
      case undefined:
        fault('an empty message');
    }
  };

  const send = (message: Init<typeof SyncRequest>['message']): void => {
    stream?.write(SyncRequest.fromPartial({ message }));
  };

  const follower: NodeFollower = {
    get records() {
      return records;
    },
    visible,
    refused,
    get token() {
      return token;
    },
    get revision() {
      return revision(token);
    },
    resets,
    faults,
    get commits() {
      return commits;
    },
    get unchanged() {
      return unchanged;
    },
    get resumed() {
      return resumed;
    },
    open(admin, held = []) {
      changes = [];
      building = undefined;
      resumed = undefined;
      hasSynced = false;
      named.clear();
      // Where it knows no user's view, it forgets what only users see.
      const knowsUsers = [...visible.keys()].some((id) => views.get(id)?.kind?.$case === 'user');
      if (!knowsUsers)
        for (const [id, { server }] of [...records])
          if (server.tier !== Tier.TIER_APP) records.delete(id);
      stream = admin.connections.sync();
      ended = endOf(stream);
      stream.on('data', (message: SyncResponse) => {
        receive(message);
        for (const wake of wakers) wake();
      });
      const subscriptions = [...views].map(([subscriptionId, view]) => ({
        subscriptionId,
        view,
        viewDigest: visible.get(subscriptionId) ?? '',
      }));
      const bootId = 'boot';
      const open = { tenant, nodeId, bootId, resumeToken: token, subscriptions, held: [...held] };
      send({ $case: 'open', value: open });
    },
    send,
    get stream() {
      if (stream === undefined) throw new Error('no stream was opened');
      return stream;
    },
    get ended() {
      if (ended === undefined) throw new Error('no stream was opened');
      return ended;
    },
    until: (condition) =>
      new Promise((resolve) => {
        const wake = (): void => {
          if (!condition()) return;
          wakers.delete(wake);
          resolve();
        };
        wakers.add(wake);
        wake();
      }),
    reached: (wanted) =>
      follower.until(() => building === undefined && token !== '' && revision(token) >= wanted),
    close: () => stream?.cancel(),
  };
  return follower;
}
