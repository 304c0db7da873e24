import type { Commit } from '../../domain/commit.js';
import type { Decision, DecisionContext } from '../../domain/commands/decide.js';
import { MAX_NAMESAKES } from '../../domain/commands/shadow.js';
import { SwitchboardError } from '../../domain/errors.js';
import { compareText } from '../../domain/resolve.js';
import type { StoredServer } from '../../domain/server.js';
import type { Catalog } from '../../storage/catalog.js';
import type { Basis, WriteIntent } from '../commit/intent.js';
import { readExactly, type ExactRead, type ExactSource } from '../replica/exact-read.js';
import type { Tenant } from '../tenants.js';
import { asBefore, readRecordsBefore } from '../writes/earlier-state.js';
import { holdAll, holdOwners } from '../writes/write-request.js';

/** So many of one name are read: one more than is told, the server itself, and a shared one. */
const LIMIT = MAX_NAMESAKES + 3;
/** A server is renamed so often while it is looked at before that is given up. */
const MAX_TRIES = 16;

export interface NamesakesIntent {
  readonly id: string;
  /** Others whose servers the decision looks at. */
  readonly owners: readonly string[];
  readonly decide: (at: DecisionContext, named: readonly StoredServer[]) => Decision | undefined;
}

/**
 * A decision about a server that looks at all that have its name, whoever owns them. Those are
 * in no state: they are read again whenever one of the name has come, gone or changed since.
 */
export function fromNamesakes(
  catalog: Catalog,
  tenant: Tenant,
  { id, owners, decide }: NamesakesIntent,
): Pick<WriteIntent, 'prepare' | 'basis' | 'decide'> {
  const { log } = tenant;
  let read: Namesakes;
  return {
    prepare: async (call) => {
      const release = await holdAll([
        log.holdRecords([id], call),
        holdOwners(tenant, owners, call),
      ]);
      try {
        read = await readNamesakes({ ...call, log, catalog }, id);
        return release;
      } catch (error) {
        release();
        throw error;
      }
    },
    basis: () => read.basis,
    decide: (at) => decide(at, read.servers),
  };
}

interface Namesakes {
  readonly servers: readonly StoredServer[];
  readonly basis: Basis;
}

/** Of a server that does not exist, none; that it still does not is then what counts. */
async function readNamesakes(source: ExactSource, id: string): Promise<Namesakes> {
  const { log } = source;
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const name = log.byId(id)?.record.name;
    if (name === undefined)
      return { servers: [], basis: { ids: [id], revision: log.position.revision } };
    const { revision, value } = await readNamed(source, name);
    // The state may have come to another name only now.
    if (log.byId(id)?.record.name === name) {
      return { servers: value, basis: { names: new Set([name]), revision } };
    }
  }
  throw new SwitchboardError('NOT_WRITTEN', 'the name of the server kept changing', {
    retryDelayMs: 100,
  });
}

/** The servers that had a name when a commit was decided, as a decision about them saw them. */
export async function readNamedBefore(
  { log: { tenant }, catalog, ...call }: ExactSource,
  { name, commit }: { readonly name: string; readonly commit: Commit },
): Promise<readonly StoredServer[]> {
  for (;;) {
    const before = await readRecordsBefore(
      catalog,
      { tenant, revision: commit.revision - 1 },
      call,
    );
    // Those that changed since may take the places of others.
    const limit = LIMIT + before.records.size;
    const { to, value } = await catalog.projections.serversNamed(
      tenant,
      { name, limit },
      { ...call, atLeast: commit.revision },
    );
    if (to > before.upTo) continue;
    return asBefore(before, value, (record) => record.name === name)
      .toSorted((a, b) => compareText(a.record.id, b.record.id))
      .slice(0, LIMIT);
  }
}

/** The servers of a name, whoever owns them, at a revision that the state has reached. */
export async function readNamed(
  source: ExactSource,
  name: string,
): Promise<{ readonly revision: number; readonly value: readonly StoredServer[] }> {
  const read: ExactRead<readonly StoredServer[]> = {
    query: (options) =>
      source.catalog.projections.serversNamed(source.log.tenant, { name, limit: LIMIT }, options),
    concerns: ({ before, after }) => before?.name === name || after?.name === name,
  };
  const { position, value } = await readExactly(source, read);
  return { revision: position.revision, value };
}
