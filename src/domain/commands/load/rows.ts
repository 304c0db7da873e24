import { canonicalJson, digestText } from '../../digest.js';
import { isSwitchboardError, SwitchboardError } from '../../errors.js';
import type { RefusedRow } from '../../load-record.js';
import type { Declaration } from '../../server.js';
import type { ServerSpec } from '../../config/spec.js';
import { ellipsize } from '../../truncate.js';
import type { TransportPolicy } from '../../transport-policy.js';
import { checkId, validateDeclaration } from '../../validate.js';
import { demandTransport } from '../decide.js';

/** A row as its source returned it. */
export interface LoadedRow {
  readonly rowId: string;
  readonly name: string;
  readonly owner: string;
  /** Not yet validated; or what is wrong with it. */
  readonly content: ServerSpec | SwitchboardError;
}

/** UTF-16 units of each text of a refused row that the log keeps. */
const REFUSED_TEXT_LENGTH = 300;

/** What the tenant's configuration says of the source. */
export interface SourceRights {
  readonly source: string;
  /** What the ids of its servers are made from: its first name in the tenant. */
  readonly namespace: string;
  /** Whether its rows may belong to other owners than the user asked for. */
  readonly foreignOwners: boolean;
}

/** What rows are checked against. */
export interface RowRules {
  /** For whom they were asked. */
  readonly user: string;
  readonly rights: SourceRights;
  readonly transportPolicy: TransportPolicy;
}

/** The rows of an answer, each by itself. */
export interface CheckedRows {
  /** By the id of the server that a row is. */
  readonly accepted: ReadonlyMap<string, Declaration>;
  /** Ids of servers whose rows were refused: what is known of them stays. */
  readonly kept: ReadonlySet<string>;
  /** The same of refused rows that have no usable id: servers of these names. */
  readonly keptNames: ReadonlySet<string>;
  /** Whether a refused row has neither: then every server that is known may be meant. */
  readonly keepsAll: boolean;
  readonly refused: readonly RefusedRow[];
}

/**
 * The id of the server that a row is: the same for every user whose load brings it, so
 * that a server that users share is one record (rule 24).
 */
export function serverIdOfRow(namespace: string, rowId: string): string {
  return digestText('source-row', namespace, rowId);
}

/**
 * Checks what can be said of rows without knowing what there is. Rows that are equal count
 * once; of those that contradict each other (one id with two contents, one name twice for
 * one owner) none is taken.
 */
export function checkRows(rows: readonly LoadedRow[], rules: RowRules): CheckedRows {
  const { rights } = rules;
  const accepted = new Map<string, Declaration>();
  const kept = new Set<string>();
  const keptNames = new Set<string>();
  const refused: RefusedRow[] = [];
  const refuse = (row: LoadedRow, error: SwitchboardError): void => {
    refused.push(refusedRow(row, error));
    if (isUsable(row.rowId)) kept.add(serverIdOfRow(rights.namespace, row.rowId));
    else keptNames.add(row.name);
  };
  const distinct = distinctOf(rows);
  const twins = contradicting([...distinct]);
  rows.forEach((row, index) => {
    if (!distinct.delete(row)) return;
    const error = twins.get(row) ?? errorOf(row, index, rules);
    if (error !== undefined) refuse(row, error);
    else accepted.set(serverIdOfRow(rights.namespace, row.rowId), declarationOfRow(row, rights));
  });
  return { accepted, kept, keptNames, keepsAll: keptNames.has(''), refused };
}

/** Whether a refused row may be about a server, so that what is known of it stays. */
export function isKept(
  { id, name }: { readonly id: string; readonly name: string },
  { kept, keptNames, keepsAll }: CheckedRows,
): boolean {
  return keepsAll || kept.has(id) || keptNames.has(name);
}

/** A refused row as the log keeps it. */
export function refusedRow(
  { rowId, name }: Pick<LoadedRow, 'rowId' | 'name'>,
  { reason, message }: SwitchboardError,
): RefusedRow {
  const kept = (text: string): string => ellipsize(text, REFUSED_TEXT_LENGTH);
  return { rowId: kept(rowId), name: kept(name), reason, message: kept(message) };
}

function errorOf(
  row: LoadedRow,
  index: number,
  { user, rights, transportPolicy }: RowRules,
): SwitchboardError | undefined {
  const path = `servers[${String(index)}]`;
  try {
    checkId(row.rowId, `${path}.row_id`, (field, text) => {
      throw new SwitchboardError('INVALID_FIELD', `${field}: ${text}`);
    });
    if (isSwitchboardError(row.content)) return row.content;
    const declared = declarationOfRow(row, rights);
    validateDeclaration(declared, path);
    demandTransport({ transportPolicy }, declared);
  } catch (error) {
    if (isSwitchboardError(error)) return error;
    throw error;
  }
  if (row.owner === user || rights.foreignOwners) return undefined;
  return new SwitchboardError('ROW_NOT_ALLOWED', `it belongs to ${JSON.stringify(row.owner)}`);
}

function isUsable(rowId: string): boolean {
  let usable = true;
  checkId(rowId, '', () => (usable = false));
  return usable;
}

function declarationOfRow({ rowId, name, owner, content }: LoadedRow, rights: SourceRights) {
  const spec = content as ServerSpec;
  return {
    name,
    externalId: rowId,
    tier: 'PRIVATE',
    owner,
    spec,
    set: '',
    privateSource: rights.namespace,
  } as const satisfies Declaration;
}

/** The first of each of the rows that are equal. */
function distinctOf(rows: readonly LoadedRow[]): Set<LoadedRow> {
  const first = new Map<string, LoadedRow>();
  for (const row of rows) {
    const text = textOf(row);
    if (!first.has(text)) first.set(text, row);
  }
  return new Set(first.values());
}

/** Of rows that all differ, those that cannot all be true, with what is wrong. */
function contradicting(rows: readonly LoadedRow[]): ReadonlyMap<LoadedRow, SwitchboardError> {
  const found = new Map<LoadedRow, SwitchboardError>();
  const mark = (group: readonly LoadedRow[], text: string): void => {
    for (const row of group) found.set(row, new SwitchboardError('ROW_CONTRADICTS', text));
  };
  const told = rows.filter(({ rowId }) => rowId !== '');
  for (const group of groupsOf(told, ({ rowId }) => rowId)) {
    if (group.length > 1) mark(group, 'rows of one id differ');
  }
  for (const group of groupsOf(told, ({ owner, name }) => JSON.stringify([owner, name]))) {
    if (new Set(group.map(({ rowId }) => rowId)).size > 1)
      mark(group, 'the owner has several rows of this name');
  }
  return found;
}

function textOf({ content, ...row }: LoadedRow): string {
  return canonicalJson({
    ...row,
    content: isSwitchboardError(content) ? content.message : content,
  });
}

function groupsOf<T>(items: readonly T[], keyOf: (item: T) => string): Iterable<readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups.values();
}
