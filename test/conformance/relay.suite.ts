import { describe, expect, it, onTestFinished } from 'vitest';
import { placeCommit, type Position } from '../../src/domain/commit.js';
import type { Relay, RelayedCommits } from '../../src/storage/relay.js';
import { eventually } from '../support/eventually.js';
import { creation } from '../support/storage/builders.js';
import { ODD_TEXTS } from '../support/storage/history.js';
import { reasonOf } from './catalog/harness.js';

export interface RelayHarness {
  readonly relay: Relay;
  /** Another instance of the same deployment, as another replica would open it. */
  openAnother(): Promise<Relay>;
  dispose(): Promise<void>;
}

export interface RelaySuite {
  /** Fresh, isolated and opened. */
  readonly create: () => Promise<RelayHarness>;
  readonly capabilities: {
    /** Whether instances reach each other. */
    readonly betweenInstances: boolean;
  };
}

/** Registers the conformance suite of the Relay contract. */
export function describeRelay(name: string, suite: RelaySuite): void {
  describe(`relay: ${name}`, () => {
    describeDelivery(suite);
    describeRelayLifecycle(suite);
    describeInstances(suite);
  });
}

function describeDelivery(suite: RelaySuite): void {
  it('brings each message to all who subscribed, the publisher among them', async () => {
    const { relay } = await openRelay(suite);
    const inboxes = [await subscribe(relay), await subscribe(relay)];
    const messages = [messageOf('a', 1), messageOf('b', 1), messageOf('a', 2)];
    for (const message of messages) await relay.publish(message);
    for (const inbox of inboxes) {
      await eventually(() => expect(inbox).toEqual(expect.arrayContaining(messages)));
    }
  });

  it('brings whole messages of any tenant', async () => {
    const { relay } = await openRelay(suite);
    const inbox = await subscribe(relay);
    const messages = ODD_TEXTS.map((tenant) => messageOf(tenant, 3));
    await Promise.all(messages.map((message) => relay.publish(message)));
    await eventually(() => expect(inbox).toEqual(expect.arrayContaining(messages)));
  });

  it('brings nothing to a subscription that has ended', async () => {
    const { relay } = await openRelay(suite);
    const ended: RelayedCommits[] = [];
    const end = await relay.subscribe((message) => ended.push(message));
    const inbox = await subscribe(relay);
    await relay.publish(messageOf('before', 1));
    await eventually(() => expect(ended).toHaveLength(1));
    await end();
    await expect(end()).resolves.toBeUndefined();
    await relay.publish(messageOf('after', 1));
    await eventually(() => expect(tenantsOf(inbox)).toContain('after'));
    expect(tenantsOf(ended)).toEqual(['before']);
  });

  it('a subscription may end itself while it receives', async () => {
    const { relay } = await openRelay(suite);
    const received: RelayedCommits[] = [];
    const end = await relay.subscribe((message) => {
      received.push(message);
      void end();
    });
    const inbox = await subscribe(relay);
    await relay.publish(messageOf('a', 1));
    await eventually(() => expect(inbox).toHaveLength(1));
    await relay.publish(messageOf('b', 1));
    await eventually(() => expect(tenantsOf(inbox)).toContain('b'));
    expect(tenantsOf(received)).toEqual(['a']);
  });

  it('a receiver that throws disturbs nobody, and goes on receiving', async () => {
    const { relay } = await openRelay(suite);
    const heard: string[] = [];
    await relay.subscribe((message) => {
      heard.push(message.tenant);
      throw new Error('as told');
    });
    const inbox = await subscribe(relay);
    await expect(relay.publish(messageOf('a', 1))).resolves.toBeUndefined();
    await relay.publish(messageOf('b', 1));
    await eventually(() => expect(tenantsOf(inbox)).toEqual(expect.arrayContaining(['a', 'b'])));
    expect(heard).toEqual(expect.arrayContaining(['a', 'b']));
  });

  it('publishing to nobody is fine', async () => {
    const { relay } = await openRelay(suite);
    await expect(relay.publish(messageOf('a', 1))).resolves.toBeUndefined();
  });
}

function describeRelayLifecycle(suite: RelaySuite): void {
  it('fails with CLOSED after close', async () => {
    const { relay } = await openRelay(suite);
    await relay.close();
    expect(await reasonOf(relay.publish(messageOf('a', 1)))).toBe('CLOSED');
    expect(await reasonOf(relay.subscribe(() => {}))).toBe('CLOSED');
    await expect(relay.close()).resolves.toBeUndefined();
  });

  it('ending a subscription after close is fine', async () => {
    const { relay } = await openRelay(suite);
    const end = await relay.subscribe(() => {});
    await relay.close();
    await expect(end()).resolves.toBeUndefined();
  });

  it('publishes nothing when the signal is aborted', async () => {
    const { relay } = await openRelay(suite);
    const inbox = await subscribe(relay);
    const given = relay.publish(messageOf('given up', 1), { signal: AbortSignal.abort() });
    expect(await reasonOf(given)).toBe('CANCELLED');
    await relay.publish(messageOf('next', 1), { signal: new AbortController().signal });
    await eventually(() => expect(tenantsOf(inbox)).toContain('next'));
    expect(tenantsOf(inbox)).not.toContain('given up');
  });
}

function describeInstances(suite: RelaySuite): void {
  if (suite.capabilities.betweenInstances) {
    it('reaches other instances of the deployment', async () => {
      const harness = await openRelay(suite);
      const inbox = await subscribe(await harness.openAnother());
      const message = messageOf('a', 2);
      await harness.relay.publish(message);
      await eventually(() => expect(inbox).toContainEqual(message));
    });
  } else {
    it('does not reach other instances', async () => {
      const harness = await openRelay(suite);
      const [own, other] = [
        await subscribe(harness.relay),
        await subscribe(await harness.openAnother()),
      ];
      await harness.relay.publish(messageOf('a', 1));
      await eventually(() => expect(own).toHaveLength(1));
      expect(other).toEqual([]);
    });
  }

  it('two deployments never hear each other [F5, D4]', async () => {
    const [one, other] = [await openRelay(suite), await openRelay(suite)];
    const [ofOne, ofOther] = [await subscribe(one.relay), await subscribe(other.relay)];
    await one.relay.publish(messageOf('of one', 1));
    await other.relay.publish(messageOf('of other', 1));
    await eventually(() => expect(ofOne).toHaveLength(1));
    await eventually(() => expect(ofOther).toHaveLength(1));
    expect([tenantsOf(ofOne), tenantsOf(ofOther)]).toEqual([['of one'], ['of other']]);
  });
}

async function openRelay(suite: RelaySuite): Promise<RelayHarness> {
  const harness = await suite.create();
  onTestFinished(() => harness.dispose());
  return harness;
}

async function subscribe(relay: Relay): Promise<readonly RelayedCommits[]> {
  const inbox: RelayedCommits[] = [];
  await relay.subscribe((message) => inbox.push(message));
  return inbox;
}

function tenantsOf(messages: readonly RelayedCommits[]): readonly string[] {
  return messages.map((message) => message.tenant);
}

function messageOf(tenant: string, revision: number): RelayedCommits {
  const before: Position = { epoch: 'e', revision: revision - 1, fingerprint: 'before' };
  const commit = placeCommit(creation({ id: `of ${tenant}`, name: tenant }), before);
  return { tenant, epoch: 'e', previousFingerprint: 'before', commits: [commit] };
}
