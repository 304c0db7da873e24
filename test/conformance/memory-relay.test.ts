import { expect, it } from 'vitest';
import { openMemoryRelay } from '../../src/storage/relay/memory/memory-relay.js';
import { shardsOf, type Relay, type RelayMessage } from '../../src/storage/relay.js';
import { eventually } from '../support/eventually.js';
import { describeRelay } from './relay.suite.js';

describeRelay('memory', {
  capabilities: { betweenInstances: false },
  create: async (options) => {
    const opened: Relay[] = [];
    const open = async (): Promise<Relay> => {
      const relay = await openMemoryRelay({ onReceiverError: () => {}, ...options });
      opened.push(relay);
      return relay;
    };
    return {
      relay: await open(),
      openAnother: open,
      dispose: async () => {
        for (const relay of opened) await relay.close();
      },
    };
  },
});

it('the memory relay keeps the order of publishing and repeats nothing', async () => {
  const relay = await openMemoryRelay();
  const heard: string[] = [];
  await relay.subscribe(shardsOf(relay), (message) => heard.push(message.tenant));
  const tenants = Array.from({ length: 100 }, (_, at) => String(at));
  for (const tenant of tenants) relay.publish(messageFor(tenant));
  await eventually(() => expect(heard.length).toBeGreaterThanOrEqual(100));
  expect(heard).toEqual(tenants);
});

it('the memory relay tells what a receiver threw', async () => {
  const told: unknown[] = [];
  const relay = await openMemoryRelay({ onReceiverError: (error) => told.push(error) });
  const thrown = new Error('as told');
  await relay.subscribe(shardsOf(relay), () => {
    throw thrown;
  });
  relay.publish(messageFor('a'));
  await eventually(() => expect(told).toEqual([thrown]));
});

function messageFor(tenant: string): RelayMessage {
  return { kind: 'commits', tenant, epoch: 'e', previousFingerprint: '', commits: [] };
}
