import { describe, expect, it, onTestFinished } from 'vitest';
import { testFolder } from '../support/control-plane/control-plane.js';
import { startCrashyServer, type CrashyServer } from '../support/crashy-server/crashy-server.js';
import { eventually } from '../support/eventually.js';
import {
  declare,
  httpSpec,
  INVENTORY,
  newestRevision,
  openAdmin,
  type Admin,
} from '../support/grpc-admin/grpc-admin.js';
import { openOddServer } from '../support/mcp/odd-server.js';
import { closedGate, until } from '../support/mcp/pool.js';

const TENANT = 'default';

async function start(dataDir: string): Promise<{ server: CrashyServer; admin: Admin }> {
  const server = await startCrashyServer({ dataDir, flags: ['--inspect=true'] });
  const admin = openAdmin(server.address);
  onTestFinished(async () => {
    admin.close();
    await server.kill();
  });
  return { server, admin };
}

describe('a control plane that is killed', () => {
  it('during an inspection begins it again at the next start, and nothing is to be repaired [F1]', async () => {
    const dataDir = await testFolder();
    const gate = closedGate();
    const odd = await openOddServer(async ({ rpc }) => {
      if (rpc?.method === 'tools/list') await gate.opened;
      return false;
    });
    const lists = (): number => odd.seen.filter((method) => method === 'tools/list').length;
    const first = await start(dataDir);
    await declare(first.admin, TENANT, { name: 'docs', spec: httpSpec(odd.url) });
    await until(() => lists() === 1);
    await first.server.kill();
    const { admin } = await start(dataDir);
    await until(() => lists() === 2);
    const [listed] = (await admin.list({ view: INVENTORY })).servers;
    expect(listed).toMatchObject({ name: 'docs', facts: undefined });
    gate.open();
    await eventually(async () => {
      const [server] = (await admin.list({ view: INVENTORY })).servers;
      expect(server?.facts?.observation?.serverName).toBe('odd');
    });
    expect(await newestRevision(admin, TENANT)).toBe(2);
  });

  it('between recording facts and telling of them has them at the next start [F1]', async () => {
    const dataDir = await testFolder();
    const odd = await openOddServer();
    const first = await start(dataDir);
    // The first append is the creation, the second the facts.
    first.server.arm('append.after', 2);
    await declare(first.admin, TENANT, { name: 'docs', spec: httpSpec(odd.url) });
    expect(await first.server.ended).toBe('SIGKILL');
    const { admin } = await start(dataDir);
    const [server] = (await admin.list({ view: INVENTORY })).servers;
    expect(server?.facts?.observation?.serverName).toBe('odd');
    // Nothing is left to do: a second server is inspected, the first is not.
    await declare(admin, TENANT, { name: 'mail', spec: httpSpec(odd.url) });
    await eventually(async () => expect(await newestRevision(admin, TENANT)).toBe(4));
    expect(odd.seen.filter((method) => method === 'tools/list')).toHaveLength(2);
  });
});
