import type { Decision, DecisionContext } from '../../../src/domain/commands/decide.js';
import { isSwitchboardError, SwitchboardError } from '../../../src/domain/errors.js';
import type { LoadChange, LoadRecord } from '../../../src/domain/load-record.js';
import type { LoadIntent } from '../../../src/domain/commands/load/decide-load.js';
import type { LoadedRow, SourceRights } from '../../../src/domain/commands/load/rows.js';
import { Overlay, RecordSet } from '../../../src/domain/record-set.js';
import type { SourceRecord } from '../../../src/domain/source-record.js';
import type { Grant, StoredServer } from '../../../src/domain/server.js';
import { SPEC_DEFAULTS, type ServerSpec } from '../../../src/domain/config/spec.js';
import { recordOf } from '../storage/builders.js';
import { idOfSourceRow } from './row-ids.js';
import type { TransportPolicy } from '../../../src/domain/transport-policy.js';
import { OPEN_POLICY } from '../transport-policy.js';

export const SOURCE = 'apps';
/** The source may speak for every owner. */
export const RIGHTS: SourceRights = { source: SOURCE, namespace: SOURCE, foreignOwners: true };
/** The source may speak for the user that it is asked for. */
export const OWN_ONLY: SourceRights = { source: SOURCE, namespace: SOURCE, foreignOwners: false };

/** The id of the server that a row of `SOURCE` is. */
export const idOfRow = (rowId: string): string => idOfSourceRow(SOURCE, rowId);

/** What a test says about a row; its name is its id, and it belongs to ana. */
export interface RowParts {
  readonly name?: string;
  readonly owner?: string;
  readonly title?: string;
  readonly spec?: Partial<ServerSpec>;
}

/** A row as a source answers it. */
export function rowOf(rowId: string, parts: RowParts = {}): LoadedRow {
  const { name = rowId, owner = 'ana', title = '', spec = {} } = parts;
  const transport = {
    kind: 'streamable_http',
    url: 'https://mcp.example/mcp',
    headers: {},
  } as const;
  return { rowId, name, owner, content: { ...SPEC_DEFAULTS, transport, title, ...spec } };
}

/** A row that its source could not tell. */
export function brokenRow(rowId: string, parts: RowParts = {}): LoadedRow {
  return { ...rowOf(rowId, parts), content: new SwitchboardError('ROW_BROKEN', 'no key') };
}

/** The server that a load makes of a row. */
export function serverOfRow(
  { rowId, name, owner, content }: LoadedRow,
  {
    revision = 1,
    grants = [],
  }: { readonly revision?: number; readonly grants?: readonly Grant[] } = {},
): StoredServer {
  if (isSwitchboardError(content)) throw content;
  const declared = { name, owner, spec: content, externalId: rowId, privateSource: SOURCE };
  return { record: recordOf({ ...declared, id: idOfRow(rowId), revision }), grants };
}

/** A load record; of a load that found nothing unless `parts` says more. */
export function loadOf(user: string, parts: Partial<LoadRecord> = {}): LoadRecord {
  return {
    user,
    state: 'loaded',
    revision: 1,
    source: SOURCE,
    loadTime: 1_000,
    serverCount: 0,
    refused: [],
    refusedCount: 0,
    ...parts,
  };
}

/** A load record that comes after another, or is the first of its user. */
export function loadChange(before: LoadRecord | undefined, after: LoadRecord): LoadChange {
  return before === undefined ? { after } : { before, after };
}

/** A state of these servers and load records, after revision `revision`. */
export function contextOf(
  servers: readonly StoredServer[],
  more: {
    readonly loads?: readonly LoadRecord[];
    readonly source?: SourceRecord;
    readonly revision?: number;
    readonly now?: number;
    readonly transportPolicy?: TransportPolicy;
  } = {},
): DecisionContext {
  const { loads = [], source, revision = 20, now = 5_000 } = more;
  const state = new RecordSet();
  for (const server of servers) state.put(server);
  for (const load of loads) state.putLoad(load);
  if (source !== undefined) state.putSource(source);
  return {
    state,
    after: { epoch: 'e', revision, fingerprint: `f${String(revision)}` },
    actor: 'root',
    now,
    transportPolicy: more.transportPolicy ?? OPEN_POLICY,
  };
}

/** The state and the place after a decision. */
export function after(context: DecisionContext, decision: Decision): DecisionContext {
  const next = new Overlay(context.state);
  next.apply(decision);
  const revision = context.after.revision + 1;
  const after = { ...context.after, revision, fingerprint: `f${String(revision)}` };
  return { ...context, state: next, after };
}

/** A load for ana that began at the head of the log, of these rows. */
export function intentOf(
  rows: readonly LoadedRow[],
  more: Partial<Omit<LoadIntent, 'rows'>> = {},
): LoadIntent {
  const none = { grants: new Map(), deletions: new Map() };
  return { user: 'ana', rights: RIGHTS, since: 20, isForced: false, ...none, ...more, rows };
}
