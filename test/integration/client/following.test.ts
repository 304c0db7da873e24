import { describe, expect, it } from 'vitest';
import { openNode, soon } from '../../support/control-plane-node.js';
import { startControlPlane } from '../../support/control-plane.js';
import { httpSpec, serverOf } from '../../support/grpc-admin.js';
import { Tier } from '../../../generated/switchboard/v1/server.js';

describe('a client', () => {
  it('is ready, sees a creation, a change and a deletion [W5, W3]', async () => {
    const { address, admin } = await startControlPlane();
    const { client } = openNode(address);
    await client.ready();
    expect(client.app.servers.list()).toEqual([]);
    const created = serverOf(
      await admin.create({
        server: { name: 'docs', tier: Tier.TIER_APP, spec: httpSpec('http://127.0.0.1:1/mcp') },
      }),
    );
    await soon(() => expect(client.app.servers.get('docs')?.id).toBe(created.id));
    await using ana = await client.user('ana');
    expect(ana.servers.list().map(({ name }) => name)).toEqual(['docs']);
    await admin.remove({ id: created.id, etag: created.etag });
    await soon(() => expect(client.app.servers.get('docs')).toBeUndefined());
  });
});
