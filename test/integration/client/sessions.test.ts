import { describe, expect, it, onTestFinished } from 'vitest';
import { type View } from '../../../generated/switchboard/v1/common.js';
import {
  SyncRequest,
  type SyncResponse,
} from '../../../generated/switchboard/v1/connection_service.js';
import { Tier } from '../../../generated/switchboard/v1/server.js';
import { openCommitWriter } from '../../support/control-plane/commits.js';
import { openNode, soon } from '../../support/control-plane/node.js';
import { startControlPlane, testFolder } from '../../support/control-plane/control-plane.js';
import { APP, httpSpec, toRefusal, userView } from '../../support/grpc-admin/grpc-admin.js';
import { createNodeFollower } from '../../support/grpc-admin/sync.js';
import { creation, grantsAt } from '../../support/storage/builders.js';

describe('the control plane, beside a client', () => {
  it('cuts a node that never acknowledges, and no other [W12, P21]', async () => {
    const { address, admin } = await startControlPlane({
      flags: { heartbeatInterval: '200ms' },
      watchLimits: { ackMs: 1_000 },
    });
    const { client, states } = openNode(address);
    await client.ready();
    const views = new Map<string, View>([['app', APP]]);
    const silent = createNodeFollower(views, { nodeId: 'silent', acknowledges: false });
    silent.open(admin);
    expect(toRefusal(await silent.ended)).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'SLOW_CONSUMER',
    });
    const spec = httpSpec('https://one.example/mcp');
    await admin.create({ server: { name: 'docs', tier: Tier.TIER_APP, spec } });
    await soon(() => expect(client.app.servers.get('docs')?.name).toBe('docs'));
    expect(states()).toEqual(['CONNECTING starting', 'READY synced']);
  });

  it('replaces a subscription in one step, as one difference [P18, P20]', async () => {
    const dataDir = await testFolder();
    const writer = await openCommitWriter(dataDir);
    const grant = (name: string, ...groups: readonly string[]): Promise<void> =>
      writer.append((revision) =>
        creation(
          { id: name, name, owner: 'eve', revision },
          grantsAt(revision, ...groups.map((group) => `group:${group}` as const)),
        ),
      );
    await grant('both', 'red', 'blue');
    await grant('old', 'red');
    await grant('new', 'blue');
    const { admin } = await startControlPlane({ dataDir });
    const stream = admin.connections.sync();
    onTestFinished(() => {
      stream.cancel();
    });
    const messages: NonNullable<SyncResponse['message']>[] = [];
    stream.on('error', () => undefined);
    stream.on('data', ({ message }: SyncResponse) => {
      if (message !== undefined) messages.push(message);
    });
    const subscribe = (view: View): { subscriptionId: string; view: View; viewDigest: string } => ({
      subscriptionId: 'ana',
      view,
      viewDigest: '',
    });
    const send = (message: Parameters<typeof SyncRequest.fromPartial>[0]['message']): void => {
      stream.write(SyncRequest.fromPartial({ message }));
    };
    const subscriptions = [subscribe(userView('ana', ['red']))];
    send({ $case: 'open', value: { nodeId: 'raw', bootId: 'boot', subscriptions } });
    await soon(() => expect(messages.at(-1)?.$case).toBe('synced'));
    const before = messages.length;
    send({ $case: 'subscribe', value: subscribe(userView('ana', ['blue'])) });
    await soon(() =>
      expect(messages.slice(before).map(({ $case }) => $case)).toEqual(['changes', 'synced']),
    );
    const [changes] = messages.slice(before);
    if (changes?.$case !== 'changes') throw new Error('no changes');
    const told = changes.value.changes.map(({ change, sights }) => {
      if (change?.$case === 'removedId') return `-${change.value}`;
      const id = change?.$case === 'upsert' ? change.value.id : '?';
      return `+${id} for ${sights.map(({ subscriptionId }) => subscriptionId).join()}`;
    });
    expect(told.sort()).toEqual(['+both for ana', '+new for ana', '-old']);
  });
});
