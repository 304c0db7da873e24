import { describe, expect, it } from 'vitest';
import { RecordChange } from '../../../generated/switchboard/v1/connection_service.js';
import { Server, Tier } from '../../../generated/switchboard/v1/server.js';
import { fromRecordChange } from '../../../src/wire/feed-codec.js';

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
