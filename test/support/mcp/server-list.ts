import { ClientError } from '../../../src/client/client-error.js';
import type { AppliedListener, KnownServer, ServerView } from '../../../src/client/server-view.js';
import { configHash } from '../../../src/domain/config/config-hash.js';
import { connectionScope } from '../../../src/domain/config/connection-scope.js';
import type { OAuthNeed } from '../../../src/domain/facts.js';
import { RecordSet } from '../../../src/domain/record-set.js';
import { listResolved, maySee, resolve, type RecordIndex } from '../../../src/domain/resolve.js';
import type { Declaration, ServerRecord, StoredServer } from '../../../src/domain/server.js';
import { SPEC_DEFAULTS, type ServerSpec, type Transport } from '../../../src/domain/config/spec.js';
import type { ReaderView, Subject } from '../../../src/domain/view.js';
import { failureAt } from '../inspection/facts.js';

/** What a test says of a server; the rest is as if nothing was said. */
export interface Declared {
  readonly id?: string;
  readonly name: string;
  readonly tier?: Declaration['tier'];
  readonly owner?: string;
  readonly grantedTo?: readonly Subject[];
  readonly spec: Partial<ServerSpec> & { readonly transport: Transport };
  /** What an inspection of this configuration found. */
  readonly oauthNeed?: OAuthNeed;
}

/** A node's view over a list in memory, with the one rule of the domain. */
export class ServerList implements ServerView {
  readonly #servers = new Map<string, StoredServer>();
  readonly #listeners = new Set<AppliedListener>();
  #revision = 0;
  /** Which views have arrived; the others are unknown. */
  knows: (view: ReaderView) => boolean = () => true;

  /** Applies the creation or change of a server in one step. Answers its id. */
  put(declared: Declared): string {
    const [id] = this.apply([declared]);
    return id!;
  }

  /** Applies several changes in one step. */
  apply(declared: readonly Declared[], removedIds: readonly string[] = []): readonly string[] {
    this.#revision += 1;
    const ids = declared.map((one) => {
      const server = toStored(one, this.#revision);
      this.#servers.set(server.record.id, server);
      return server.record.id;
    });
    for (const id of removedIds) this.#servers.delete(id);
    this.#tell(new Set([...ids, ...removedIds]), declared);
    return ids;
  }

  remove(id: string): void {
    this.apply([], [id]);
  }

  /** Replaces everything, as a snapshot does. */
  replaceAll(declared: readonly Declared[]): void {
    this.#revision += 1;
    this.#servers.clear();
    for (const one of declared) {
      const server = toStored(one, this.#revision);
      this.#servers.set(server.record.id, server);
    }
    this.#tell(undefined, declared);
  }

  resolve(name: string, view: ReaderView): KnownServer | undefined {
    this.#mustKnow(view);
    return toKnown(resolve(this.#index(), name, view));
  }

  find(id: string, view: ReaderView): KnownServer | undefined {
    this.#mustKnow(view);
    const server = this.#servers.get(id);
    return server !== undefined && maySee(server, view) ? toKnown(server) : undefined;
  }

  list(view: ReaderView): readonly KnownServer[] {
    this.#mustKnow(view);
    return listResolved(this.#index(), view).map((server) => toKnown(server)!);
  }

  onApplied(listener: AppliedListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #mustKnow(view: ReaderView): void {
    if (!this.knows(view)) throw new ClientError('VIEW_UNKNOWN');
  }

  #tell(changedIds: ReadonlySet<string> | undefined, declared: readonly Declared[]): void {
    const names = new Set(declared.map(({ name }) => name));
    for (const listener of this.#listeners) listener(changedIds, names);
  }

  #index(): RecordIndex {
    const index = new RecordSet();
    for (const server of this.#servers.values()) index.put(server);
    return index;
  }
}

function toStored(declared: Declared, revision: number): StoredServer {
  const { name, tier = 'APP', owner, grantedTo = [], id = name } = declared;
  const spec: ServerSpec = { ...SPEC_DEFAULTS, ...declared.spec };
  const hash = configHash({ tier, spec });
  const failure = failureAt(hash, { reason: 'UNAUTHORIZED' });
  const { oauthNeed } = declared;
  const record: ServerRecord = {
    id,
    name,
    externalId: '',
    set: '',
    tier,
    ...(owner === undefined ? {} : { owner }),
    spec,
    etag: String(revision),
    accessEtag: String(revision),
    factsEtag: '',
    generation: 1,
    configHash: hash,
    ...(oauthNeed === undefined ? {} : { facts: { oauthNeed, failure } }),
    scope: connectionScope(tier, spec).scope,
    createTime: revision,
    lastUpdatedAt: revision,
    revision,
  };
  return { record, grants: grantedTo.toSorted().map((subject) => ({ subject, revision })) };
}

function toKnown(server: StoredServer | undefined): KnownServer | undefined {
  return server?.record;
}
