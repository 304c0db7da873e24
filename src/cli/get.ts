import { INVENTORY_VIEW } from '../domain/view.js';
import type { RegistryClient } from '../wire/client/registry-client.js';
import type { Flags } from './connection.js';
import { serverDetails } from './server-text.js';
import { jsonLine } from './text.js';
import { viewOf } from './view.js';

/** `switchboard get`: one server, by the name that resolves in a view or by its id. */
export async function get(client: RegistryClient, key: string, flags: Flags): Promise<string> {
  const byId = flags['id'] === true;
  const view = viewOf(flags, byId ? INVENTORY_VIEW : undefined);
  const answer = await client.getServer(view, byId ? { id: key } : { name: key });
  return flags['json'] === true ? jsonLine(answer) : serverDetails(answer.server);
}
