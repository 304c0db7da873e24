import { expect, it } from 'vitest';
import { openMemoryRelay } from '../../src/storage/relay/memory/memory-relay.js';
import type { Relay } from '../../src/storage/relay.js';
import { eventually } from '../support/eventually.js';
import { describeRelay } from './relay.suite.js';

describeRelay('memory', {
  capabilities: { betweenInstances: false },
  create: async () => {
    const opened: Relay[] = [];
    const open = async (): Promise<Relay> => {
      const relay = await openMemoryRelay({ onReceiverError: () => {} });
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
  await relay.subscribe((message) => heard.push(message.tenant));
  const tenants = Array.from({ length: 100 }, (_, at) => String(at));
  await Promise.all(tenants.map((tenant) => relay.publish(messageFor(tenant))));
  await eventually(() => expect(heard.length).toBeGreaterThanOrEqual(100));
  expect(heard).toEqual(tenants);
});

it('the memory relay tells what a receiver threw', async () => {
  const told: unknown[] = [];
  const relay = await openMemoryRelay({ onReceiverError: (error) => told.push(error) });
  const thrown = new Error('as told');
  await relay.subscribe(() => {
    throw thrown;
  });
  await relay.publish(messageFor('a'));
  await eventually(() => expect(told).toEqual([thrown]));
});

it('the memory relay runs no receiver within publish', async () => {
  const relay = await openMemoryRelay();
  let received = false;
  await relay.subscribe(() => (received = true));
  const published = relay.publish(messageFor('a'));
  expect(received).toBe(false);
  await published;
  await eventually(() => expect(received).toBe(true));
});

function messageFor(tenant: string) {
  return { tenant, epoch: 'e', previousFingerprint: '', commits: [] };
}
