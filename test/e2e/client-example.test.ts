import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Tier } from '../../generated/switchboard/v1/server.js';
import { soon } from '../support/control-plane/node.js';
import { startControlPlane } from '../support/control-plane/control-plane.js';
import { httpSpec } from '../support/grpc-admin/grpc-admin.js';
import { openHttpServer } from '../support/mcp/pool.js';

const EXAMPLE = path.resolve(import.meta.dirname, '../../dist/examples/node/main.js');

describe('the example of a node', () => {
  it('shows servers and tools, follows changes, and ends with Ctrl-C', async () => {
    const [mcp, { address, admin }] = [await openHttpServer(), await startControlPlane()];
    const create = (name: string, url: string): Promise<unknown> =>
      admin.create({ server: { name, tier: Tier.TIER_USER, spec: httpSpec(url) } });
    await create('works', mcp.url);
    await create('fails', 'http://127.0.0.1:1/mcp');
    const child = spawn(process.execPath, [EXAMPLE, 'ana', address], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let text = '';
    child.stdout.on('data', (chunk) => (text += String(chunk)));
    await soon(() => expect(text).toContain('works: label, headers'));
    expect(text).toContain('READY (synced)\n');
    expect(text).toContain('ana: fails, works\n  fails: CONNECT_FAILED\n');
    await create('new', mcp.url);
    await soon(() => expect(text).toContain('ana: fails, new, works\n'));
    child.kill('SIGINT');
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(mcp.alive).toBe(0);
  });
});
