import type { Grant, ServerRecord, StoredServer, Tombstone } from '../../../domain/server.js';
import { compareText } from '../../../domain/resolve.js';
import type { Subject } from '../../../domain/view.js';
import type { RecordedAnswer } from '../../catalog.js';
import { justAfter, keyOf, keysUnder } from './keys.js';
import type { LmdbStore, Table } from './store.js';

/** The grants of a server, sorted by subject. */
export function readGrants(store: LmdbStore, tenant: string, id: string): readonly Grant[] {
  return valuesIn(store.grants, keysUnder(tenant, id))
    .map((text) => JSON.parse(text) as Grant)
    .sort((a, b) => compareText(a.subject, b.subject));
}

/** A server that exists, with its grants. */
export function readServer(store: LmdbStore, tenant: string, id: string): StoredServer | undefined {
  const text = store.servers.get(keyOf(tenant, id));
  return text === undefined ? undefined : withGrants(store, tenant, text);
}

/** A server, or what is left of it. */
export function readServerOrTombstone(
  store: LmdbStore,
  tenant: string,
  id: string,
): StoredServer | Tombstone | undefined {
  const server = readServer(store, tenant, id);
  if (server !== undefined) return server;
  const text = store.tombstones.get(keyOf(tenant, id));
  return text === undefined ? undefined : (JSON.parse(text) as Tombstone);
}

/** All APP and USER servers. */
export function readShared(store: LmdbStore, tenant: string): readonly StoredServer[] {
  return readIds(store, tenant, valuesIn(store.index, keysUnder(tenant, 'shared', '')));
}

/** The PRIVATE servers of the subjects, each once. */
export function readPrivate(
  store: LmdbStore,
  tenant: string,
  subjects: readonly Subject[],
): readonly StoredServer[] {
  const ids = new Set<string>();
  for (const subject of subjects) {
    for (const kind of ['owner', 'grant']) {
      for (const id of valuesIn(store.index, keysUnder(tenant, kind, subject))) ids.add(id);
    }
  }
  return readIds(store, tenant, ids);
}

/** All servers of a name. */
export function readNamed(store: LmdbStore, tenant: string, name: string): readonly StoredServer[] {
  return readIds(store, tenant, valuesIn(store.index, keysUnder(tenant, 'name', name)));
}

/** The servers with the next ids after `afterId`. */
export function readInventory(
  store: LmdbStore,
  tenant: string,
  page: { readonly afterId: string; readonly limit: number },
): readonly StoredServer[] {
  if (page.limit <= 0) return [];
  const { end } = keysUnder(tenant);
  const start = justAfter(keyOf(tenant, page.afterId));
  const texts = valuesIn(store.servers, { start, end, limit: page.limit });
  return texts.map((text) => withGrants(store, tenant, text));
}

export function readAnswer(
  store: LmdbStore,
  tenant: string,
  request: { readonly principal: string; readonly requestId: string },
): RecordedAnswer | undefined {
  const text = store.answers.get(keyOf(tenant, request.principal, request.requestId));
  return text === undefined ? undefined : (JSON.parse(text) as RecordedAnswer);
}

function withGrants(store: LmdbStore, tenant: string, text: string): StoredServer {
  const record = JSON.parse(text) as ServerRecord;
  return { record, grants: readGrants(store, tenant, record.id) };
}

function readIds(store: LmdbStore, tenant: string, ids: Iterable<string>): readonly StoredServer[] {
  return [...ids].flatMap((id) => readServer(store, tenant, id) ?? []);
}

/** Read to the end before anything else is: a cursor stays open no longer than this. */
function valuesIn(
  table: Table,
  range: { readonly start: Buffer; readonly end: Buffer; readonly limit?: number },
): string[] {
  const values: string[] = [];
  for (const { value } of table.getRange(range)) values.push(value);
  return values;
}
