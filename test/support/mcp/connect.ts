import { onTestFinished } from 'vitest';
import type { ConnectTarget } from '../../../src/mcp/connect-target.js';
import { createConnector, type ConnectOptions } from '../../../src/mcp/connector.js';
import type { McpConnection } from '../../../src/mcp/mcp-connection.js';
import { McpError } from '../../../src/mcp/mcp-error.js';

/** A connection without a pool; closed with the test. */
export async function openConnection(
  target: ConnectTarget,
  options: ConnectOptions = {},
): Promise<McpConnection> {
  const connector = createConnector({ name: 'test', version: '1' });
  onTestFinished(() => connector.close());
  const connection = await connector.connect(target, options);
  onTestFinished(() => connection.close());
  return connection;
}

/** The McpError that `work` rejects with. */
export async function mcpErrorOf(work: Promise<unknown>): Promise<McpError> {
  const outcome: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof McpError) return outcome;
  throw new Error(`no McpError: ${String(outcome)}`, { cause: outcome });
}
