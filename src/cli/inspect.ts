import type { RegistryClient } from '../wire/client/registry-client.js';
import type { Flags } from './connection.js';
import { inspectionText } from './facts-text.js';
import { findId } from './find-server.js';
import { jsonLine } from './text.js';

/** `switchboard inspect`: has the control plane look at a server now, and tells what it found. */
export async function inspect(client: RegistryClient, key: string, flags: Flags): Promise<string> {
  const answer = await client.inspectServer(await findId(client, key, { flags }));
  return flags['json'] === true ? jsonLine(answer) : inspectionText(answer.server);
}
