import { describe, expect, it } from 'vitest';
import { RecordChange, SyncRequest } from '../../../generated/switchboard/v1/connection_service.js';
import { Server, Tier } from '../../../generated/switchboard/v1/server.js';
import type { NodeCall, NodeMessage } from '../../../src/domain/node-stream.js';
import { contentVersion } from '../../../src/domain/server.js';
import { userView } from '../../../src/domain/view.js';
import { fromRecordChange, messagesOf, toSyncRequest } from '../../../src/wire/feed-codec.js';
import { fromSyncRequest } from '../../../src/wire/node-messages.js';
import { recordOf } from '../../support/storage/builders.js';

/** Everything that a record may hold. */
const server = Server.fromPartial({
  id: 'a',
  name: 'notes',
  tier: Tier.TIER_USER,
  spec: {
    transport: {
      $case: 'stdio',
      value: { command: 'npx', args: ['notes'], env: new Map([['LEVEL', 'info']]) },
    },
    icons: [{ src: 'https://a.example/i.png', sizes: ['16x16'] }],
    timeouts: { call: { seconds: 1, nanos: 0 } },
    instructions: { kind: { $case: 'text', value: 'Be brief.' } },
    oauth: { scopes: ['read'], headers: new Map([['a', 'b']]) },
    userVariables: new Map([['KEY', { title: 'Key', description: '', sensitive: true }]]),
    toolFilter: { allow: ['x'], deny: ['y'] },
    labels: new Map([['team', 'a']]),
    annotations: new Map([['note', 'b']]),
  },
  facts: {
    observation: { tools: [{ name: 'x' }], toolCount: 1 },
    failure: { message: 'down', attempts: 1 },
  },
});

/** The paths of the objects in a value that can be changed. */
function mutablePaths(value: unknown, path = 'server'): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const below = Object.entries(value).flatMap(([key, part]) =>
    mutablePaths(part, `${path}.${key}`),
  );
  return Object.isFrozen(value) ? below : [path, ...below];
}

describe('a record that a node was sent', () => {
  it('is immutable at every depth [C8]', () => {
    const change = fromRecordChange(
      RecordChange.fromPartial({ change: { $case: 'upsert', value: server } }),
    );
    expect(change).toMatchObject({ kind: 'upsert', server: { spec: { labels: { team: 'a' } } } });
    expect(change?.kind === 'upsert' && mutablePaths(change.server)).toEqual([]);
  });
});

describe('the stream of a node', () => {
  it('leaves out a kind of change that this client does not know', () => {
    const changes = [RecordChange.fromPartial({})];
    const message = { $case: 'changes', value: { changes } } as const;
    expect([...messagesOf({ message, closes: undefined })]).toEqual([
      { kind: 'changes', changes: [] },
    ]);
  });

  it('carries what the node says as the control plane reads it', () => {
    const docs = recordOf({ id: 'docs', name: 'docs' });
    const opened = {
      kind: 'open',
      tenant: 't',
      nodeId: 'n',
      bootId: 'b',
      resumeToken: 'r',
    } as const;
    const ana = { id: '1', view: userView('ana', ['red']), digest: 'd' };
    const others: readonly Exclude<NodeMessage, { kind: 'open' }>[] = [
      { kind: 'subscribe', subscription: ana },
      { kind: 'unsubscribe', id: '1' },
      { kind: 'applied', token: 'u' },
    ];
    const open: NodeCall = { ...opened, labels: {}, subscriptions: [ana], held: [docs] };
    const sent = [open, ...others].map((call) =>
      SyncRequest.decode(SyncRequest.encode(toSyncRequest(call)).finish()),
    );
    const held = new Map([['docs', contentVersion(docs)]]);
    expect(sent.map(fromSyncRequest)).toEqual([
      { ...opened, subscriptions: [ana], held },
      ...others,
    ]);
  });
});
