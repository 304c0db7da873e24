import { describe, expect, it } from 'vitest';
import { createServer } from '../../../src/server/create-server.js';
import { parseServeOptions } from '../../../src/server/options.js';
import { captureLog } from '../../support/capture-log.js';
import { INVENTORY, openAdmin } from '../../support/grpc-admin/grpc-admin.js';

const FLAGS = ['--catalog', 'memory', '--listen', '127.0.0.1:0', '--inspect=false'];

describe('a server whose catalog is in memory', () => {
  it('serves what it is seeded with, and keeps nothing for the next one', async () => {
    const started = async (...flags: readonly string[]) => {
      const { log } = captureLog();
      const server = await createServer(parseServeOptions([...FLAGS, ...flags], {}), { log });
      return { server, admin: openAdmin(server.address) };
    };
    const first = await started('--seed', 'examples/servers.json');
    expect(first.server.dataDir).toBeUndefined();
    expect(first.server.seeds).toEqual({ created: 3, present: 0 });
    const listed = await first.admin.list({ view: INVENTORY });
    expect(listed.servers).toHaveLength(3);
    first.admin.close();
    await first.server.close();

    const second = await started();
    const none = await second.admin.list({ view: INVENTORY });
    expect(none.servers).toEqual([]);
    second.admin.close();
    await second.server.close();
  });
});
