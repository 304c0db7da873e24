import { SwitchboardError } from '../domain/errors.js';
import type { AccessCandidate } from '../domain/explain.js';
import type { ReportedServer } from '../domain/server.js';
import { INVENTORY_VIEW } from '../domain/view.js';
import type { RegistryClient } from '../wire/client/registry-client.js';
import type { Flags } from './connection.js';
import { UsageError } from './failure.js';
import { tierAndOwner } from './server-text.js';
import { indented, printable, table } from './text.js';
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
export async function namesakes(client: RegistryClient, name: string): Promise<Namesakes> {
  const { candidates, moreUnseen, moreDeleted } = await client.explainAccess(INVENTORY_VIEW, name);
  const isDeleted = ({ verdict }: AccessCandidate): boolean => verdict === 'deleted';
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
  client: RegistryClient,
  key: string,
  { flags, deletedToo = false }: { readonly flags: Flags; readonly deletedToo?: boolean },
): Promise<string> {
  if (flags['id'] === true) return key;
  const view = viewOf(flags, INVENTORY_VIEW);
  if (view.kind !== 'inventory') return (await client.getServer(view, { name: key })).server.id;
  const found = await namesakes(client, key);
  const useDeleted = deletedToo && found.living.length === 0 && found.deleted.length > 0;
  const [only, ...others] = useDeleted ? found.deleted : found.living;
  if (only === undefined) throw notFound(key, found);
  if (others.length > 0) throw severalOf(key, useDeleted ? found.deleted : found.living);
  return only.id;
}

/** The server of an id, as an administrator sees it. */
export async function getById(client: RegistryClient, id: string): Promise<ReportedServer> {
  return (await client.getServer(INVENTORY_VIEW, { id })).server;
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

function notFound(name: string, { deleted }: Namesakes): SwitchboardError {
  const [newest] = deleted;
  const hint =
    newest === undefined
      ? ''
      : `; a deleted server had the name (restore it with \`switchboard undelete --id ${newest.id}\`)`;
  return new SwitchboardError('SERVER_NOT_FOUND', `no server has the name ${name}${hint}`);
}
