import { describe, expect, it } from 'vitest';
import { openNode, soon } from '../../support/control-plane/node.js';
import { startControlPlane } from '../../support/control-plane/control-plane.js';
import { grantAccess, revokeAccess } from '../../support/grpc-admin/access.js';
import { declarePrivate, httpSpec } from '../../support/grpc-admin/grpc-admin.js';
import { clientErrorOf, openHttpServer, textOf } from '../../support/mcp/pool.js';

describe('a user who loses sight of a server', () => {
  it('loses the open connection too, at every node, and nobody else does [D9, W9, C2]', async () => {
    const mcp = await openHttpServer({ label: 'files' });
    const { address, admin } = await startControlPlane();
    const spec = httpSpec(mcp.url);
    const { id } = await declarePrivate(admin, 'default', { owner: 'bob', name: 'files', spec });
    const subjects = ['user:ana'];
    await grantAccess(admin, { id, subjects });
    const nodes = [openNode(address).client, openNode(address).client];
    const anas = await Promise.all(nodes.map((client) => client.user('ana')));
    const bob = await nodes[0]!.user('bob');
    for (const user of [...anas, bob]) {
      await soon(() => expect(user.servers.get('files')?.id).toBe(id));
      await user.connections.callTool('files', { name: 'label' });
    }
    expect(mcp.alive).toBe(3);
    await revokeAccess(admin, { id, subjects });
    // Nobody looks anything up: what is told closes them.
    await soon(() => expect(mcp.alive).toBe(1));
    for (const ana of anas)
      expect((await clientErrorOf(ana.connections.get('files'))).reason).toBe('SERVER_UNKNOWN');
    expect(textOf(await bob.connections.callTool('files', { name: 'label' }))).toBe('files');
    expect(mcp.opened).toBe(3);
  });
});
