import {
  Cause,
  ListServerVersionsRequest,
  type ListServerVersionsResponse,
  type ServerVersion,
} from '../wire/clients.js';
import type { Connection } from './connection.js';
import { readPages } from './pages.js';
import { callUnary } from './unary.js';

const PAGE_SIZE = 1_000;
/** What a later version tells has no name here. */
const CAUSES: Readonly<Record<number, string | undefined>> = Cause;

/** All versions of a server, the newest first, as one answer. */
export async function readVersions(
  { client, tenant, metadata }: Connection,
  id: string,
): Promise<ListServerVersionsResponse> {
  const request = ListServerVersionsRequest.fromPartial({ tenant, id, pageSize: PAGE_SIZE });
  const { pages, last } = await readPages((pageToken) =>
    callUnary(client.listServerVersions.bind(client), { ...request, pageToken }, { metadata }),
  );
  return { ...last, versions: pages.flatMap(({ versions }) => versions) };
}

/** What made a version, in a word. */
export function causeWord({ cause }: Pick<ServerVersion, 'cause'>): string {
  return (CAUSES[cause] ?? '').replace(/^CAUSE_/, '').toLowerCase();
}
