import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { EVERYTHING } from './specs.js';

/** The reference server over a transport to an address, as a process; the caller's to kill. */
export async function startEverything(
  mode: 'streamableHttp' | 'sse',
  port: number,
): Promise<ChildProcess> {
  const child = spawn(process.execPath, [EVERYTHING, mode], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the server ended with ${String(code)}`)));
    let said = '';
    // Read to the end: a pipe that nobody reads stops whoever writes to it.
    child.stderr.on('data', (text: Buffer) => {
      said += text.toString();
      if (/(running|listening) on port/.test(said)) resolve();
    });
  });
  return child;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
