import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { stopChild } from './child.js';

const require = createRequire(import.meta.url);
const EVERYTHING = require.resolve('@modelcontextprotocol/server-everything/dist/index.js');
const MEMORY = require.resolve('@modelcontextprotocol/server-memory/dist/index.js');

/** The spec of `server-everything` over stdio: each connection starts a process. */
export function everythingSpec(title: string): object {
  return { title, stdio: { command: process.execPath, args: [EVERYTHING, 'stdio'] } };
}

/** The spec of `server-memory`, with a file for each user: `${user:id}` is filled in at the node. */
export function memorySpec(folder: string): object {
  const env = { MEMORY_FILE_PATH: `${folder}/memory-\${user:id}.jsonl` };
  return { title: 'Memory', stdio: { ...memoryCommand(), env } };
}

/** How `server-memory` is started. */
export function memoryCommand(): {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
} {
  return { command: 'node', args: [path.basename(MEMORY)], cwd: path.dirname(MEMORY) };
}

/** The spec of a server over streamable HTTP. */
export function httpSpec(url: string): object {
  return { title: 'Remote', streamable_http: { url } };
}

/** A `server-everything` that serves over streamable HTTP. */
export interface HttpMcpServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts one. Its tool `get-env` shows `label`, so that an answer tells who gave it. */
export async function startEverything(label: string): Promise<HttpMcpServer> {
  const port = await freePort();
  const child = spawn(process.execPath, [EVERYTHING, 'streamableHttp'], {
    env: { PORT: String(port), DEMO_LABEL: label },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk) => {
      if (String(chunk).includes('listening')) resolve();
    });
    child.once('exit', (code) => {
      reject(new Error(`server-everything ended with ${String(code)}`));
    });
  });
  return { url: `http://127.0.0.1:${port}/mcp`, stop: () => stopChild(child) };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
