import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Tier } from '../../generated/switchboard/v1/server.js';
import { startControlPlane } from '../support/control-plane/control-plane.js';
import { httpSpec, stdioSpec } from '../support/grpc-admin/grpc-admin.js';
import { openHttpServer } from '../support/mcp/pool.js';
import { EVERYTHING } from '../support/mcp/specs.js';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** Runs a program of an application, as users write it, and answers what it printed and its exit code. */
async function runApplication(program: string): Promise<{ text: string; code: unknown }> {
  const source = `import { openSwitchboard } from 'switchboard/client';\n${program}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => (text += String(chunk)));
  const [code] = (await once(child, 'close')) as unknown[];
  return { text, code };
}

describe('an application that closed its client', () => {
  it('ends by itself, without sessions and processes left', async () => {
    const mcp = await openHttpServer();
    const { address, admin } = await startControlPlane();
    const stdio = stdioSpec(process.execPath);
    if (stdio.transport?.$case === 'stdio') stdio.transport.value.args = [EVERYTHING, 'stdio'];
    await admin.create({ server: { name: 'everything', tier: Tier.TIER_APP, spec: stdio } });
    await admin.create({ server: { name: 'http', tier: Tier.TIER_USER, spec: httpSpec(mcp.url) } });
    const { text, code } = await runApplication(`
      const switchboard = openSwitchboard({ target: '${address}' });
      const ana = await switchboard.user('ana');
      for (const { name, error } of await ana.connections.getAll()) console.log(name, error?.reason ?? 'ok');
      await switchboard.close();
      console.log(switchboard.status.current.state);
    `);
    expect(text).toBe('everything ok\nhttp ok\nCLOSED\n');
    expect(code).toBe(0);
    expect(mcp.alive).toBe(0);
  });

  it('ends by itself also if there never was a control plane', async () => {
    const gone = await startControlPlane();
    await gone.close();
    const { text, code } = await runApplication(`
      const switchboard = openSwitchboard({ target: '${gone.address}' });
      await new Promise((resolve) => switchboard.status.subscribe(resolve));
      console.log(switchboard.status.current.reason);
      await switchboard.close();
    `);
    expect(text).toBe('disconnected\n');
    expect(code).toBe(0);
  });
});
