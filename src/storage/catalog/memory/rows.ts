import type { Commit } from '../../../domain/commit.js';
import { jsonOnce } from '../../../domain/json-once.js';
import {
  projectCommits,
  type ProjectedAnswer,
  type ProjectedServer,
} from '../../../domain/projection/project-commit.js';
import type { IndexEntry } from '../../../domain/projection/project-change.js';
import { compareText } from '../../../domain/resolve.js';
import type { AccessStep, Grant } from '../../../domain/server.js';
import type { Subject } from '../../../domain/view.js';
import type { RequestId } from '../../projections.js';

/** A server: its record as JSON, and its grants. */
export interface ServerRow {
  readonly record: string;
  readonly grants: Map<Subject, Grant>;
}

/**
 * The projections of one tenant. Values are kept as JSON, so that nobody holds an object that
 * is also in here.
 */
export interface Rows {
  /** What they reflect. */
  revision: number;
  readonly servers: Map<string, ServerRow>;
  /** Of servers that do not exist now. */
  readonly tombstones: Map<string, string>;
  /** By id, then by generation. */
  readonly versions: Map<string, Map<number, string>>;
  /** By id, the oldest first. */
  readonly accessSteps: Map<string, string[]>;
  /** Ids by `indexKey`. */
  readonly index: Map<string, Set<string>>;
  /** By user. */
  readonly loads: Map<string, string>;
  /** The private source of the tenant. */
  source: string | undefined;
  /** By `answerKey`. */
  readonly answers: Map<string, string>;
}

export function createRows(): Rows {
  return {
    revision: 0,
    servers: new Map(),
    tombstones: new Map(),
    versions: new Map(),
    accessSteps: new Map(),
    index: new Map(),
    loads: new Map(),
    source: undefined,
    answers: new Map(),
  };
}

/** Moves the rows by the commit after their revision. */
export function applyCommit(rows: Rows, commit: Commit): void {
  const projected = projectCommits([commit], (id) => grantsOf(rows, id));
  for (const { servers, loads, source, answer } of projected) {
    for (const server of servers) applyServer(rows, server);
    for (const load of loads) rows.loads.set(load.user, JSON.stringify(load));
    if (source !== undefined) rows.source = JSON.stringify(source);
    if (answer !== undefined) applyAnswer(rows, answer);
  }
  rows.revision = commit.revision;
}

/** The grants of a server, sorted by subject. */
export function grantsOf(rows: Rows, id: string): readonly Grant[] {
  const grants = [...(rows.servers.get(id)?.grants.values() ?? [])];
  return grants.sort((a, b) => compareText(a.subject, b.subject));
}

/** Where the ids are that an entry finds. No kind has a space in it. */
export function indexKey(kind: IndexEntry['kind'] | 'deleted', value: string): string {
  return `${kind} ${value}`;
}

export function answerKey({ principal, requestId }: RequestId): string {
  return JSON.stringify([principal, requestId]);
}

function applyServer(rows: Rows, server: ProjectedServer): void {
  const { id, record, tombstone, version, accessStep } = server;
  for (const { kind, value } of server.removed) removeEntry(rows, indexKey(kind, value), id);
  for (const { kind, value } of server.added) addEntry(rows, indexKey(kind, value), id);
  if (record === undefined) rows.servers.delete(id);
  else {
    const grants = new Map(rows.servers.get(id)?.grants);
    for (const subject of server.revoked) grants.delete(subject);
    for (const { subject, revision } of server.granted) grants.set(subject, { subject, revision });
    rows.servers.set(id, { record: jsonOnce(record), grants });
    const left = rows.tombstones.get(id);
    if (left !== undefined) removeEntry(rows, indexKey('deleted', nameIn(left)), id);
    rows.tombstones.delete(id);
  }
  if (tombstone !== undefined) {
    rows.tombstones.set(id, JSON.stringify(tombstone));
    addEntry(rows, indexKey('deleted', tombstone.name), id);
  }
  if (version !== undefined) {
    const versions = rows.versions.get(id) ?? new Map<number, string>();
    rows.versions.set(id, versions.set(version.generation, JSON.stringify(version)));
  }
  if (accessStep !== undefined) addAccessStep(rows, id, accessStep);
}

function addAccessStep({ accessSteps }: Rows, id: string, step: AccessStep): void {
  const steps = accessSteps.get(id) ?? [];
  steps.push(JSON.stringify(step));
  accessSteps.set(id, steps);
}

function applyAnswer(rows: Rows, answer: ProjectedAnswer): void {
  rows.answers.set(answerKey(answer), JSON.stringify(answer.recorded));
}

function addEntry({ index }: Rows, key: string, id: string): void {
  const ids = index.get(key) ?? new Set<string>();
  index.set(key, ids.add(id));
}

function removeEntry({ index }: Rows, key: string, id: string): void {
  const ids = index.get(key);
  ids?.delete(id);
  if (ids?.size === 0) index.delete(key);
}

function nameIn(tombstone: string): string {
  return (JSON.parse(tombstone) as { readonly name: string }).name;
}
