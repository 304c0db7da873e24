import { SwitchboardError } from '../domain/errors.js';
import { INVENTORY_VIEW } from '../domain/view.js';
import {
  type AccessCandidate,
  ExplainAccessRequest,
  type ExplainAccessResponse,
  GetServerRequest,
  Verdict,
} from '../wire/clients.js';
import type { ServerMessage } from '../wire/json.js';
import { toViewMessage } from '../wire/view-codec.js';
import type { Connection, Flags } from './connection.js';
import { UsageError } from './failure.js';
import { tierAndOwner } from './server-text.js';
import { indented, printable, table } from './text.js';
import { callUnary } from './unary.js';
import { viewOf } from './view.js';

/** The living and the deleted servers of a name. */
export interface Namesakes {
  readonly living: readonly AccessCandidate[];
  /** The newest first. */
  readonly deleted: readonly AccessCandidate[];
  /** Whether there are more of them than were told. */
  readonly more: boolean;
}

/** All servers that have or had the name. */
export async function namesakes(connection: Connection, name: string): Promise<Namesakes> {
  const { candidates, moreUnseen, moreDeleted } = await explainName(connection, name);
  const isDeleted = ({ verdict }: AccessCandidate): boolean => verdict === Verdict.VERDICT_DELETED;
  return {
    living: candidates.filter((candidate) => !isDeleted(candidate)),
    deleted: candidates.filter(isDeleted),
    more: moreUnseen || moreDeleted,
  };
}

/**
 * The id of the server that a command is about: with `--id`, `key` itself; with `--user` or
 * `--app`, what the name resolves to there; else the only one that has the name, or, if
 * `deletedToo`, the only one that had it. Throws a UsageError that lists them if there are
 * several, and SERVER_NOT_FOUND if there is none.
 */
export async function findId(
  connection: Connection,
  key: string,
  { flags, deletedToo = false }: { readonly flags: Flags; readonly deletedToo?: boolean },
): Promise<string> {
  if (flags['id'] === true) return key;
  const view = viewOf(flags, INVENTORY_VIEW);
  if (view.kind !== 'inventory') {
    const request = { view: toViewMessage(view), key: { $case: 'name', value: key } as const };
    return (await getServer(connection, request)).id;
  }
  const found = await namesakes(connection, key);
  const useDeleted = deletedToo && found.living.length === 0 && found.deleted.length > 0;
  const [only, ...others] = useDeleted ? found.deleted : found.living;
  if (only === undefined) throw notFound(key, found);
  if (others.length > 0) throw severalOf(key, useDeleted ? found.deleted : found.living);
  return only.id;
}

/** The server of an id, as an administrator sees it. */
export function getById(connection: Connection, id: string): Promise<ServerMessage> {
  return getServer(connection, {
    view: toViewMessage(INVENTORY_VIEW),
    key: { $case: 'id', value: id },
  });
}

/** Says of several servers which they are, and how to choose. */
export function severalOf(
  name: string,
  candidates: readonly AccessCandidate[],
  { which, hint } = {
    which: 'servers have',
    hint: 'pick one with --id ID, or resolve the name with --user ID or --app',
  },
): UsageError {
  const rows = candidates.map((candidate) =>
    [candidate.id, tierAndOwner(candidate), candidate.disabled ? 'disabled' : ''].map(printable),
  );
  return new UsageError(
    `${String(candidates.length)} ${which} the name ${name}: ${hint}\n${indented(table(rows))}`,
  );
}

async function getServer(
  { client, tenant, metadata }: Connection,
  what: Pick<GetServerRequest, 'view' | 'key'>,
): Promise<ServerMessage> {
  const request = GetServerRequest.fromPartial({ tenant, ...what });
  const { server } = await callUnary(client.getServer.bind(client), request, { metadata });
  if (server === undefined) throw new SwitchboardError('SERVER_NOT_FOUND');
  return server;
}

function explainName(
  { client, tenant, metadata }: Connection,
  name: string,
): Promise<ExplainAccessResponse> {
  const request = ExplainAccessRequest.fromPartial({
    tenant,
    name,
    view: toViewMessage(INVENTORY_VIEW),
  });
  return callUnary(client.explainAccess.bind(client), request, { metadata });
}

function notFound(name: string, { deleted }: Namesakes): SwitchboardError {
  const [newest] = deleted;
  const hint =
    newest === undefined
      ? ''
      : `; a deleted server had the name (restore it with \`switchboard undelete --id ${newest.id}\`)`;
  return new SwitchboardError('SERVER_NOT_FOUND', `no server has the name ${name}${hint}`);
}
