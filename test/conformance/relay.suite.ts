import { describe, expect, it, onTestFinished } from 'vitest';
import { placeCommit, type Position } from '../../src/domain/commit.js';
import { shardOf, shardsOf, type Relay, type RelayMessage } from '../../src/storage/relay.js';
import { eventually } from '../support/eventually.js';
import { creation } from '../support/storage/builders.js';
import { ODD_TEXTS } from '../support/storage/history.js';
import { reasonOf } from '../support/reason-of.js';

export interface RelayHarness {
  readonly relay: Relay;
  /** Another instance of the same deployment, as another replica would open it. */
  openAnother(): Promise<Relay>;
  dispose(): Promise<void>;
}

export interface RelaySuite {
  /** Fresh, isolated and opened, with room for so many messages in its queue. */
  readonly create: (options: { readonly maxQueued?: number }) => Promise<RelayHarness>;
  readonly capabilities: {
    /** Whether instances reach each other. */
    readonly betweenInstances: boolean;
  };
}

/** Registers the conformance suite of the Relay contract. */
export function describeRelay(name: string, suite: RelaySuite): void {
  describe(`relay: ${name}`, () => {
    describePublishing(suite);
    describeDelivery(suite);
    describeShards(suite);
    describeRelayLifecycle(suite);
    describeInstances(suite);
  });
}

function describePublishing(suite: RelaySuite): void {
  it('publishes without a result to wait for, and calls no receiver meanwhile [P12]', async () => {
    const { relay } = await openRelay(suite);
    const inbox = await subscribe(relay);
    const publish: (message: RelayMessage) => unknown = relay.publish.bind(relay);
    const returned = publish(messageOf('a', 1));
    expect(returned).toBeUndefined();
    expect(inbox).toEqual([]);
    await eventually(() => expect(inbox).toHaveLength(1));
  });

  it('drops what does not fit in its queue, the oldest first [P12, P29]', async () => {
    const { relay } = await openRelay(suite, { maxQueued: 3 });
    const inbox = await subscribe(relay);
    // In one turn: nothing can leave the queue in between.
    for (let revision = 1; revision <= 5; revision += 1) relay.publish(messageOf('a', revision));
    await eventually(() => expect(inbox).toHaveLength(3));
    expect(inbox).toEqual([3, 4, 5].map((revision) => messageOf('a', revision)));
    relay.publish(messageOf('a', 6));
    await eventually(() => expect(inbox).toContainEqual(messageOf('a', 6)));
  });

  it('publishing to nobody is fine', async () => {
    const { relay } = await openRelay(suite);
    expect(() => relay.publish(messageOf('a', 1))).not.toThrow();
  });
}

function describeDelivery(suite: RelaySuite): void {
  it('brings each message to all who subscribed, the publisher among them', async () => {
    const { relay } = await openRelay(suite);
    const inboxes = [await subscribe(relay), await subscribe(relay)];
    const messages = [messageOf('a', 1), messageOf('b', 1), messageOf('a', 2)];
    for (const message of messages) relay.publish(message);
    for (const inbox of inboxes) {
      await eventually(() => expect(inbox).toEqual(expect.arrayContaining(messages)));
    }
  });

  it('brings whole messages of any tenant', async () => {
    const { relay } = await openRelay(suite);
    const inbox = await subscribe(relay);
    const messages = ODD_TEXTS.map((tenant) => messageOf(tenant, 3));
    for (const message of messages) relay.publish(message);
    await eventually(() => expect(inbox).toEqual(expect.arrayContaining(messages)));
  });

  it('brings messages of every kind', async () => {
    const { relay } = await openRelay(suite);
    const inbox = await subscribe(relay);
    const failure: RelayMessage = {
      kind: 'load-failed',
      tenant: 'a',
      user: 'ana',
      source: 'app-db',
      loadRevision: 7,
      reason: 'SOURCE_UNAVAILABLE',
      message: 'no route',
      attempts: 2,
      retryDelayMs: 1_800,
    };
    relay.publish(failure);
    relay.publish(messageOf('a', 8));
    await eventually(() => expect(inbox).toEqual([failure, messageOf('a', 8)]));
  });

  it('brings nothing to a subscription that has ended', async () => {
    const { relay } = await openRelay(suite);
    const ended: RelayMessage[] = [];
    const end = await relay.subscribe(shardsOf(relay), (message) => ended.push(message));
    const inbox = await subscribe(relay);
    relay.publish(messageOf('before', 1));
    await eventually(() => expect(ended).toHaveLength(1));
    await end();
    await expect(end()).resolves.toBeUndefined();
    relay.publish(messageOf('after', 1));
    await eventually(() => expect(tenantsOf(inbox)).toContain('after'));
    expect(tenantsOf(ended)).toEqual(['before']);
  });

  it('a subscription may end itself while it receives', async () => {
    const { relay } = await openRelay(suite);
    const received: RelayMessage[] = [];
    const end = await relay.subscribe(shardsOf(relay), (message) => {
      received.push(message);
      void end();
    });
    const inbox = await subscribe(relay);
    relay.publish(messageOf('a', 1));
    await eventually(() => expect(inbox).toHaveLength(1));
    relay.publish(messageOf('b', 1));
    await eventually(() => expect(tenantsOf(inbox)).toContain('b'));
    expect(tenantsOf(received)).toEqual(['a']);
  });

  it('a receiver that throws disturbs nobody, and goes on receiving', async () => {
    const { relay } = await openRelay(suite);
    const heard: string[] = [];
    await relay.subscribe(shardsOf(relay), (message) => {
      heard.push(message.tenant);
      throw new Error('as told');
    });
    const inbox = await subscribe(relay);
    relay.publish(messageOf('a', 1));
    relay.publish(messageOf('b', 1));
    await eventually(() => expect(tenantsOf(inbox)).toEqual(expect.arrayContaining(['a', 'b'])));
    expect(heard).toEqual(expect.arrayContaining(['a', 'b']));
  });
}

function describeShards(suite: RelaySuite): void {
  it('brings what is about the tenants of the shards subscribed to, and nothing else', async () => {
    const { relay } = await openRelay(suite);
    const tenants = Array.from({ length: 64 }, (_, at) => `tenant ${String(at)}`);
    const own = shardOf('tenant 0', relay.shards);
    const received: RelayMessage[] = [];
    await relay.subscribe([own], (message) => received.push(message));
    const nothing: RelayMessage[] = [];
    await relay.subscribe([], (message) => nothing.push(message));
    const all = await subscribe(relay);
    for (const tenant of tenants) relay.publish(messageOf(tenant, 1));
    await eventually(() => expect(all).toHaveLength(tenants.length));
    const due = tenants.filter((tenant) => shardOf(tenant, relay.shards) === own);
    await eventually(() => expect(tenantsOf(received).toSorted()).toEqual(due.toSorted()));
    expect(due.length).toBeLessThan(tenants.length);
    expect(nothing).toEqual([]);
  });
}

function describeRelayLifecycle(suite: RelaySuite): void {
  it('after close nothing is published, and nobody can subscribe', async () => {
    const { relay } = await openRelay(suite);
    const inbox = await subscribe(relay);
    relay.publish(messageOf('before', 1));
    await eventually(() => expect(inbox).toHaveLength(1));
    await relay.close();
    expect(() => relay.publish(messageOf('after', 1))).not.toThrow();
    expect(await reasonOf(relay.subscribe(shardsOf(relay), () => {}))).toBe('CLOSED');
    await expect(relay.close()).resolves.toBeUndefined();
    expect(tenantsOf(inbox)).toEqual(['before']);
  });

  it('ending a subscription after close is fine', async () => {
    const { relay } = await openRelay(suite);
    const end = await relay.subscribe(shardsOf(relay), () => {});
    await relay.close();
    await expect(end()).resolves.toBeUndefined();
  });
}

function describeInstances(suite: RelaySuite): void {
  if (suite.capabilities.betweenInstances) {
    it('reaches other instances of the deployment', async () => {
      const harness = await openRelay(suite);
      const inbox = await subscribe(await harness.openAnother());
      const message = messageOf('a', 2);
      harness.relay.publish(message);
      await eventually(() => expect(inbox).toContainEqual(message));
    });
  } else {
    it('does not reach other instances', async () => {
      const harness = await openRelay(suite);
      const [own, other] = [
        await subscribe(harness.relay),
        await subscribe(await harness.openAnother()),
      ];
      harness.relay.publish(messageOf('a', 1));
      await eventually(() => expect(own).toHaveLength(1));
      expect(other).toEqual([]);
    });
  }

  it('two deployments never hear each other [F5, D4]', async () => {
    const [one, other] = [await openRelay(suite), await openRelay(suite)];
    const [ofOne, ofOther] = [await subscribe(one.relay), await subscribe(other.relay)];
    one.relay.publish(messageOf('of one', 1));
    other.relay.publish(messageOf('of other', 1));
    await eventually(() => expect(ofOne).toHaveLength(1));
    await eventually(() => expect(ofOther).toHaveLength(1));
    expect([tenantsOf(ofOne), tenantsOf(ofOther)]).toEqual([['of one'], ['of other']]);
  });
}

async function openRelay(
  suite: RelaySuite,
  options: { readonly maxQueued?: number } = {},
): Promise<RelayHarness> {
  const harness = await suite.create(options);
  onTestFinished(() => harness.dispose());
  return harness;
}

async function subscribe(relay: Relay): Promise<readonly RelayMessage[]> {
  const inbox: RelayMessage[] = [];
  await relay.subscribe(shardsOf(relay), (message) => inbox.push(message));
  return inbox;
}

function tenantsOf(messages: readonly RelayMessage[]): readonly string[] {
  return messages.map((message) => message.tenant);
}

function messageOf(tenant: string, revision: number): RelayMessage {
  const before: Position = { epoch: 'e', revision: revision - 1, fingerprint: 'before' };
  const commit = placeCommit(creation({ id: `of ${tenant}`, name: tenant }), before);
  return { kind: 'commits', tenant, epoch: 'e', previousFingerprint: 'before', commits: [commit] };
}
