import { expect, it } from 'vitest';
import type { SyncRequest } from '../../../generated/switchboard/v1/connection_service.js';
import { addConnectionService } from '../../../src/server/handlers/connection.js';

type Sync = (requests: AsyncIterable<SyncRequest>, call: object) => Promise<void>;

it('Sync reads no message of a node before the one before it is dealt with [W12]', async () => {
  let sync: Sync | undefined;
  const shell = {
    addService: (
      _server: unknown,
      _definition: unknown,
      handlers: { readonly sync: Sync },
    ): void => {
      sync = handlers.sync;
    },
  };
  const dealt: (() => void)[] = [];
  const session = { receive: () => new Promise<void>((resolve) => void dealt.push(resolve)) };
  const deps = { services: { openSession: () => session }, servedBy: 'test' };
  addConnectionService({ addService: () => undefined }, shell as never, deps as never);
  let read = 0;
  async function* requests(): AsyncGenerator<SyncRequest> {
    const value = { tenant: '', nodeId: 'n', bootId: 'b', labels: new Map(), resumeToken: '' };
    read += 1;
    yield { message: { $case: 'open', value: { ...value, subscriptions: [], held: [] } } };
    while (read < 100) {
      await Promise.resolve();
      read += 1;
      yield { message: { $case: 'applied', value: { token: '' } } };
    }
  }
  const sink = { end: () => undefined };
  const served = sync?.(requests(), { sink, context: { caller: {} } });
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    expect([read, dealt.length]).toEqual([turn + 1, turn + 1]);
    dealt.at(-1)?.();
  }
  void served;
});
