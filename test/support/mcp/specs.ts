import { createRequire } from 'node:module';
import type { HttpTransport, StdioTransport } from '../../../src/domain/config/spec.js';

const require = createRequire(import.meta.url);

/** The reference server with all features: its program file. */
export const EVERYTHING = require.resolve('@modelcontextprotocol/server-everything/dist/index.js');
export const MEMORY = require.resolve('@modelcontextprotocol/server-memory/dist/index.js');
export const FILESYSTEM = require.resolve('@modelcontextprotocol/server-filesystem/dist/index.js');

/** A transport that starts `node` with `args`. */
export function nodeServer(
  args: readonly string[],
  more: Partial<StdioTransport> = {},
): StdioTransport {
  return {
    kind: 'stdio',
    command: process.execPath,
    args,
    env: {},
    cwd: '',
    stderr: 'ignore',
    ...more,
  };
}

/** A transport to an address. */
export function httpServer(url: string, headers: Record<string, string> = {}): HttpTransport {
  return { kind: 'streamable_http', url, headers };
}
