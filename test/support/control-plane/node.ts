import { ChannelCredentials, Metadata } from '@grpc/grpc-js';
import { expect, onTestFinished } from 'vitest';
import { NodeView, subscriptionIdOf } from '../../../src/client/node-view.js';
import {
  openSwitchboard,
  type Switchboard,
  type SwitchboardOptions,
} from '../../../src/client/open-switchboard.js';
import { Reflector } from '../../../src/client/reflector/reflector.js';
import type { ClientStatus } from '../../../src/client/status.js';
import type { FeedStep, FeedTarget } from '../../../src/client/view-feed.js';
import { APP_VIEW, type ReaderView } from '../../../src/domain/view.js';
import { createSyncClient } from '../../../src/wire/client/sync-client.js';
import { eventually } from '../eventually.js';

/** Tries again soon: tests do not want to wait. */
const QUICK = { firstMs: 20, maxMs: 200 };

/** A client of the library, and each status that it had. */
export interface TestNode {
  readonly client: Switchboard;
  readonly history: readonly ClientStatus[];
  /** The states and reasons so far: `READY synced`. */
  states(): readonly string[];
  /** Waits until the present status is this one. */
  is(status: string): Promise<void>;
}

/** Opens a client; it is closed with the test. */
export function openNode(target: string, options: Partial<SwitchboardOptions> = {}): TestNode {
  // Whatever is reported is a commit, which most tests do not reckon with.
  const client = openSwitchboard({ target, retry: QUICK, reportFacts: false, ...options });
  const history = [client.status.current];
  client.status.subscribe((status) => history.push(status));
  onTestFinished(() => client.close());
  const text = ({ state, reason }: ClientStatus): string => `${state} ${reason}`;
  return {
    client,
    history,
    states: () => history.map(text),
    is: (status) => soon(() => expect(text(client.status.current)).toBe(status)),
  };
}

/** A reflector with its view, and every step that it applied. */
export interface TestFollower {
  readonly feed: Reflector;
  readonly view: NodeView;
  readonly steps: readonly FeedStep[];
  /** How many of the steps were snapshots. */
  snapshots(): number;
  /** Ids of what changed, step by step; snapshots left out. */
  changes(): readonly (readonly string[])[];
  follow(view: ReaderView): Promise<void>;
  unfollow(view: ReaderView): void;
}

/** Follows without a pool around; closed with the test. Subscribes to the app's view. */
export function openFollower(target: string): TestFollower {
  const view = new NodeView();
  const steps: FeedStep[] = [];
  const recorder: FeedTarget = {
    apply: (step) => {
      steps.push(step);
      view.apply(step);
    },
    held: () => view.held(),
    drop: (id) => {
      view.drop(id);
    },
    forgetUsers: () => {
      view.forgetUsers();
    },
  };
  const feed = new Reflector({
    connect: () =>
      createSyncClient(target, ChannelCredentials.createInsecure(), {
        'grpc.use_local_subchannel_pool': 1,
      }),
    target: recorder,
    tenant: 'default',
    nodeId: 'follower',
    labels: {},
    metadata: () => new Metadata(),
    retry: QUICK,
  });
  onTestFinished(() => {
    feed.close();
  });
  void feed.subscribe(subscriptionIdOf(APP_VIEW), APP_VIEW).catch(() => undefined);
  return {
    feed,
    view,
    steps,
    snapshots: () => steps.filter(({ replaces }) => replaces).length,
    changes: () =>
      steps
        .filter(({ replaces, changes }) => !replaces && changes.length > 0)
        .map(({ changes }) =>
          changes.map((change) => (change.kind === 'upsert' ? change.server.id : change.id)),
        ),
    follow: (reader) => feed.subscribe(subscriptionIdOf(reader), reader),
    unfollow: (reader) => {
      feed.unsubscribe(subscriptionIdOf(reader));
      view.drop(subscriptionIdOf(reader));
    },
  };
}

/** Waits until `check` throws no more. */
export async function soon<T>(check: () => T | Promise<T>): Promise<T> {
  return eventually(check, { intervalMs: 10 });
}
