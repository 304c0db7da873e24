import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import type { HttpTarget } from '../../../src/mcp/connect-target.js';

/** A client in a process of its own. */
export interface ClientProcess {
  /** Lets it close its connection. Answers its exit code and what its one call was answered. */
  end(): Promise<{ readonly code: number | null; readonly said: string }>;
}

const CONNECTOR = path.join(import.meta.dirname, '../../../dist/src/mcp/connector.js');

/** Connects, calls a tool, waits for a line, closes, and does nothing to end its process. */
const PROGRAM = `
  import { once } from 'node:events';
  const [connectorUrl, target] = process.argv.slice(1);
  const { createConnector } = await import(connectorUrl);
  const connector = createConnector({ name: 'child', version: '1' });
  const connection = await connector.connect(JSON.parse(target), { readMs: 60_000 });
  const answer = await connection.callTool({ name: 'echo', arguments: { text: 'me' } });
  process.stdout.write(answer.content[0].text);
  await once(process.stdin, 'data');
  process.stdin.destroy();
  await connection.close();
  await connector.close();
`;

/** Starts one from dist/ and waits until it has called. Killed with the test at the latest. */
export async function runsToItsEnd(
  target: Omit<HttpTarget, 'headers'>,
  options: { readonly caFile?: string } = {},
): Promise<ClientProcess> {
  const { caFile } = options;
  const connectorUrl = pathToFileURL(CONNECTOR).href;
  const args = ['--input-type=module', '-e', PROGRAM, connectorUrl];
  args.push(JSON.stringify({ headers: {}, ...target }));
  const child = spawn(process.execPath, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...(caFile === undefined ? {} : { NODE_EXTRA_CA_CERTS: caFile }) },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`the client ended with ${String(code)} before it had called`);
  });
  failed.catch(() => undefined);
  const [said] = (await Promise.race([once(child.stdout, 'data'), failed])) as [Buffer];
  return {
    async end() {
      const ended = once(child, 'exit') as Promise<[number | null]>;
      child.stdin.end('go');
      const [code] = await ended;
      return { code, said: said.toString() };
    },
  };
}
