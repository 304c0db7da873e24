import {
  applyChange,
  follows,
  changedId,
  positionOf,
  type Commit,
  type Position,
  type StoredCommit,
} from '../../../src/domain/commit.js';
import { canonicalJson } from '../../../src/domain/digest.js';
import type { StoredServer } from '../../../src/domain/server.js';
import { encodeToken } from '../../../src/domain/token.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { findAnswer } from '../storage/reads.js';

/** What a write was answered: the token, and everything else in one comparable text. */
export interface WriteAnswer {
  readonly token: string;
  readonly body: string;
}

/** One write as its client knows it, over all the times that it was sent. */
export interface Write {
  readonly tenant: string;
  readonly requestId: string;
  /** For messages. */
  readonly what: string;
  /** Whether a commit does exactly what was asked. */
  readonly isDoneBy: (commit: Commit) => boolean;
  /** Every answer that it was given. */
  readonly answers: readonly WriteAnswer[];
  /** The reasons with which it was refused, those that leave it open not counted. */
  readonly refusals: readonly string[];
}

/** What is on the disk of one tenant. */
export interface Disk {
  readonly tenant: string;
  readonly epoch: string;
  readonly commits: readonly StoredCommit[];
  readonly servers: readonly StoredServer[];
  /** The revision that answers each request that is remembered. */
  readonly answered: ReadonlyMap<string, number>;
}

/** Reads all there is of a tenant, with the answers that are remembered of the writes. */
export async function readDisk(
  catalog: Catalog,
  tenant: string,
  writes: readonly Write[],
): Promise<Disk> {
  const { epoch, revision } = await catalog.log.head(tenant);
  const commits: StoredCommit[] = [];
  while ((commits.at(-1)?.revision ?? 0) < revision) {
    const slice = await catalog.log.read(tenant, commits.at(-1)?.revision ?? 0);
    if (slice.commits.length === 0) break;
    commits.push(...slice.commits);
  }
  const servers: StoredServer[] = [];
  for (;;) {
    const afterId = servers.at(-1)?.record.id ?? '';
    const { value } = await catalog.projections.inventory(tenant, { afterId, limit: 1_000 });
    if (value.length === 0) break;
    servers.push(...value);
  }
  const answered = new Map<string, number>();
  for (const { requestId } of writes.filter((write) => write.tenant === tenant)) {
    const { value } = await findAnswer(catalog, tenant, { principal: 'anonymous', requestId });
    if (value !== undefined) answered.set(requestId, value.revision);
  }
  return { tenant, epoch, commits, servers, answered };
}

/**
 * Whatever on the disk is not as it must be: a hole or a broken chain in the log, a write
 * that was acknowledged and is not there, is there twice or half, one that was refused and
 * is there, one that nobody sent, answers to one request that differ, and projections that
 * are not the sum of the log.
 */
export function violationsOf(disk: Disk, writes: readonly Write[]): string[] {
  const byRequest = new Map<string, Commit[]>();
  for (const commit of disk.commits) {
    const requestId = commit.request?.requestId ?? '';
    byRequest.set(requestId, [...(byRequest.get(requestId) ?? []), commit]);
  }
  return [
    ...brokenChain(disk),
    ...writes.flatMap((write) => wrongOutcome(disk, write, byRequest.get(write.requestId) ?? [])),
    ...strangers(disk, writes),
    ...wrongProjections(disk),
    ...tornLoads(disk),
  ];
}

function brokenChain({ commits, epoch }: Disk): string[] {
  const found: string[] = [];
  let place: Position = { epoch, revision: 0, fingerprint: '' };
  for (const commit of commits) {
    if (commit.revision !== place.revision + 1) {
      found.push(`revision ${String(commit.revision)} after ${String(place.revision)}`);
    } else if (!follows(place, commit)) {
      found.push(`the fingerprint of ${String(commit.revision)} does not continue the chain`);
    }
    place = positionOf(epoch, commit);
  }
  return found;
}

function wrongOutcome(
  { tenant, epoch, answered }: Disk,
  write: Write,
  own: readonly Commit[],
): string[] {
  const [commit] = own;
  const found: string[] = [];
  if (own.length > 1) found.push('it took effect more than once');
  if (commit === undefined) {
    if (write.answers.length > 0) found.push('it was acknowledged and is lost');
    if (answered.has(write.requestId)) found.push('its answer is remembered, but it is lost');
  } else {
    if (!write.isDoneBy(commit)) found.push('it is there in part, or is something else');
    if (write.refusals.length > 0) found.push(`it was refused, ${write.refusals.join()}`);
    if (answered.get(write.requestId) !== commit.revision) found.push('its answer is forgotten');
    const token = encodeToken(tenant, positionOf(epoch, commit));
    if (write.answers.some((answer) => answer.token !== token)) {
      found.push('an answer has another token than that of its commit');
    }
  }
  if (new Set(write.answers.map(({ body }) => body)).size > 1) {
    found.push('a repetition was answered otherwise');
  }
  return found.map((what) => `${write.requestId} (${write.what}): ${what}`);
}

function strangers({ commits }: Disk, writes: readonly Write[]): string[] {
  const sent = new Set(writes.map(({ requestId }) => requestId));
  return commits
    .filter(({ cause, request }) => cause !== 'LOAD' && !sent.has(request?.requestId ?? ''))
    .map(({ revision }) => `nobody asked for revision ${String(revision)}`);
}

function wrongProjections({ commits, servers }: Disk): string[] {
  const sum = new Map<string, StoredServer>();
  for (const change of commits.flatMap((commit) => commit.changes)) {
    const id = changedId(change);
    const after = applyChange(sum.get(id), change);
    if (after === undefined) sum.delete(id);
    else sum.set(id, after);
  }
  const projected = new Map(servers.map((server) => [server.record.id, server]));
  return [...new Set([...sum.keys(), ...projected.keys()])]
    .filter((id) => canonicalJson(sum.get(id) ?? {}) !== canonicalJson(projected.get(id) ?? {}))
    .map((id) => `the projection of ${id} is not the sum of the log`);
}

/** A name, as the row of a generation of a source is called. */
const GENERATION = /^generation-(\d+)-of-(\d+)-/;

/** The names of the rows that a user has in a generation of the source. */
export function generationNames(user: string, generation: number): readonly string[] {
  // Some come and some go with each generation, some stay and are renamed.
  const count = 2 + (generation % 3);
  return Array.from(
    { length: count },
    (_, at) => `generation-${String(generation)}-of-${String(count)}-${user}-${String(at)}`,
  );
}

/** What names of rows are not of one generation, and all of it. None are whole. */
export function tornGeneration(names: readonly string[]): string | undefined {
  const generations = new Set(names.map((name) => GENERATION.exec(name)?.[0] ?? name));
  const count = Number(GENERATION.exec(names[0] ?? '')?.[2] ?? 0);
  if (generations.size <= 1 && names.length === count) return undefined;
  return `${names.toSorted().join(', ')} are no generation of the source`;
}

/** After each commit, a user has one generation of the rows of the source, or none at all. */
function tornLoads({ commits }: Disk): string[] {
  const held = new Map<string, { readonly owner: string; readonly name: string }>();
  const found: string[] = [];
  for (const { revision, changes } of commits) {
    const touched = new Set<string>();
    for (const { before, after } of changes) {
      const record = after ?? before;
      if (record?.privateSource === undefined) continue;
      const { id, owner = '', name } = record;
      touched.add(owner);
      if (after === undefined) held.delete(id);
      else held.set(id, { owner, name });
    }
    for (const user of touched) {
      const names = [...held.values()].filter(({ owner }) => owner === user);
      const torn = tornGeneration(names.map(({ name }) => name));
      if (torn !== undefined) found.push(`after revision ${String(revision)}: ${torn}`);
    }
  }
  return found;
}
