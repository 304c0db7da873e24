import type { Change } from '../commit.js';
import { neededScope } from '../config/connection-scope.js';
import {
  creationOf,
  deletionOf,
  demandUnmanaged,
  etagMismatch,
  holderOf,
  nameOf,
  redeclarationOf,
  type DecisionContext,
  type ScopedName,
} from './decide.js';
import { moveOf } from './move.js';
import { demandShadows, newlyHidden, type ShadowRule } from './shadow.js';
import { invalidField, isSwitchboardError, SwitchboardError } from '../errors.js';
import { compareText, type StateIndex } from '../resolve.js';
import { isShared, type Declaration, type ServerRecord, type StoredServer } from '../server.js';
import { validateDeclaration } from '../validate.js';

/** What a declared set says of one server; without a tier, that follows from the spec. */
export type DeclaredServer = Omit<Declaration, 'tier' | 'set'> & Partial<Pick<Declaration, 'tier'>>;

/** One server of a declared set as it came. */
export interface SetItem {
  /** Which server it is about, as far as that can be told. */
  readonly at: ScopedName;
  /** Of the copy that it was made from; empty for none. */
  readonly etag: string;
  /** What it declares, or what is wrong with it. */
  readonly content: DeclaredServer | SwitchboardError;
}

/** One server of a declared set that can be decided. */
export interface ReadyItem {
  readonly at: ScopedName;
  readonly etag: string;
  readonly declared: Declaration;
}

/** One that cannot. */
export interface WrongItem {
  readonly at: ScopedName;
  readonly refusal: SwitchboardError;
}

export type CheckedItem = ReadyItem | WrongItem;

/** What is to become of one server, as decided at one state. */
export type ItemOutcome =
  | {
      readonly kind: 'change';
      readonly change: Change;
      /** The private servers that it hides, as far as they were looked at. */
      readonly hidden: number;
    }
  | { readonly kind: 'unchanged'; readonly record: ServerRecord }
  | {
      readonly kind: 'refused';
      readonly refusal: SwitchboardError;
      /** The server that has the name; undefined if there is none. */
      readonly record: ServerRecord | undefined;
    };

/** What an item is decided with besides the state. */
export interface ItemRule extends ShadowRule {
  /** Of the server if it is created. */
  readonly id: string;
  /** The server that the item is about, or was about before somebody moved it, if there is one. */
  readonly aboutId: string | undefined;
  /** Whether to take what is of another set, or was moved. */
  readonly takeOver: boolean;
}

/**
 * Checks everything about a set that does not depend on what there is. Each item is checked
 * by itself, with paths below `servers[n]`; of two items of one name the second is refused.
 */
export function checkSet(items: readonly SetItem[], set: string): readonly CheckedItem[] {
  const first = new Map<string, number>();
  return items.map((item, index) => {
    const key = nameKey(item.at);
    const twin = first.get(key);
    first.set(key, twin ?? index);
    return checkItem(item, { set, index, twin });
  });
}

function checkItem(
  { at, etag, content }: SetItem,
  where: { readonly set: string; readonly index: number; readonly twin: number | undefined },
): CheckedItem {
  const { set, index, twin } = where;
  const path = `servers[${String(index)}]`;
  try {
    if (isSwitchboardError(content)) throw content;
    // One that becomes APP by itself fits there: it needs no value of a user.
    validateDeclaration({ ...content, tier: content.tier ?? 'USER', set }, path);
    if (twin !== undefined)
      throw invalidField(`${path}.name`, `servers[${String(twin)}] has the same name`);
    return {
      at,
      etag,
      declared: { ...content, tier: content.tier ?? impliedTier(content), set },
    };
  } catch (error) {
    if (!isSwitchboardError(error)) throw error;
    return { at, refusal: error };
  }
}

/** APP if one connection can serve everybody, else USER. */
export function impliedTier({ spec }: Pick<DeclaredServer, 'spec'>): 'APP' | 'USER' {
  return neededScope(spec).scope === 'shared' ? 'APP' : 'USER';
}

/**
 * What is to be done so that a server is as its item declares. One that belongs to no
 * set becomes one of this set. One of another set, or one that somebody moved since, only with
 * `takeOver`.
 */
export function decideItem(
  context: DecisionContext,
  item: CheckedItem,
  rule: ItemRule,
): ItemOutcome {
  const server = holderOf(context.state, item.at) ?? movedFrom(context.state, item, rule);
  const record = server?.record;
  if ('refusal' in item) return { kind: 'refused', refusal: item.refusal, record };
  try {
    demandEtag(item, record);
    const change = server
      ? changeOfItem(context, item.declared, { server, rule })
      : creationOf(context, item.declared, rule.id);
    if (change === undefined) return { kind: 'unchanged', record: record as ServerRecord };
    demandShadows([change], rule);
    return { kind: 'change', change, hidden: newlyHidden(change, rule.named).length };
  } catch (error) {
    if (!isSwitchboardError(error)) throw error;
    return { kind: 'refused', refusal: error, record };
  }
}

/** The server that the set has elsewhere because somebody moved it. */
function movedFrom(
  state: StateIndex,
  { at }: CheckedItem,
  { aboutId = '' }: ItemRule,
): StoredServer | undefined {
  const server = state.byId(aboutId);
  const from = server?.record.moved?.from;
  return from !== undefined && nameKey(nameOf(from)) === nameKey(at) ? server : undefined;
}

/** What makes a server as declared; undefined for nothing. Afterwards it is where its set says. */
function changeOfItem(
  context: DecisionContext,
  declared: Declaration,
  { server, rule: { takeOver } }: { readonly server: StoredServer; readonly rule: ItemRule },
): Change | undefined {
  const { record } = server;
  demandUnmanaged(record);
  if (!takeOver) {
    demandNoOtherSet(record, declared.set);
    demandNotMoved(record, declared);
  }
  const isBetweenTiers = record.moved !== undefined && isShared(record) !== isShared(declared);
  const change = isBetweenTiers
    ? moveOf(context, { before: record, declared }, { granted: [], revoked: server.grants })
    : redeclarationOf(context, server, declared);
  if (change?.after === undefined) return change;
  const { moved: _back, ...after } = change.after;
  return { ...change, after };
}

/** Throws MOVED if the declaration would undo what somebody did with the server. */
function demandNotMoved({ id, name, tier, owner, moved }: ServerRecord, to: Declaration): void {
  if (moved === undefined) return;
  if (name === to.name && tier === to.tier && owner === to.owner) return;
  const now = owner === undefined ? tier : `${tier} of ${owner}`;
  const time = new Date(moved.time).toISOString();
  const text = `${moved.actor} made it ${JSON.stringify(name)}, ${now}, at ${time}`;
  throw new SwitchboardError('MOVED', text, { metadata: { id, actor: moved.actor, time } });
}

function demandEtag({ etag }: ReadyItem, record: ServerRecord | undefined): void {
  if (etag !== '' && etag !== record?.etag) throw etagMismatch(record ?? { id: '', etag: '' });
}

function demandNoOtherSet({ id, set }: ServerRecord, own: string): void {
  if (set === '' || set === own) return;
  const text = `the server belongs to ${JSON.stringify(set)}`;
  throw new SwitchboardError('OTHER_SET', text, { metadata: { id, set } });
}

/** The servers that belong to a set and are not declared in it any more. */
export interface Surplus {
  /** Those that stay. */
  readonly left: readonly ServerRecord[];
  /** Those to be deleted. */
  readonly pruned: readonly ServerRecord[];
}

/**
 * Sorts out of all servers of the set those that it does not declare any more, by name. Those
 * stay that may not be pruned, and those that have the name of an item which was refused: what
 * it is about may not be what it says.
 */
export function surplusOf(
  members: readonly StoredServer[],
  items: readonly CheckedItem[],
  mayPrune: (record: ServerRecord) => boolean,
): Surplus {
  const has = namesOf(items);
  const doubtful = new Set(items.flatMap((item) => ('refusal' in item ? [item.at.name] : [])));
  const surplus = members.map(({ record }) => record).filter((record) => !has(record));
  const stays = (record: ServerRecord): boolean => doubtful.has(record.name) || !mayPrune(record);
  return {
    left: surplus.filter(stays).sort(byName),
    pruned: surplus.filter((record) => !stays(record)).sort(byName),
  };
}

/** Whether the set has an item for a server. */
export function namesOf(items: readonly CheckedItem[]): (server: Declaration) => boolean {
  const keys = new Set(items.map(({ at }) => nameKey(at)));
  return (server) => keys.has(nameKey(nameOf(server)));
}

/** The deletions of those of the servers that are still there and in the set. */
export function decidePrune(
  state: StateIndex,
  ids: readonly string[],
  stillSurplus: (record: ServerRecord) => boolean,
): readonly Change[] {
  return ids.flatMap((id) => {
    const server = state.byId(id);
    return server !== undefined && stillSurplus(server.record) ? [deletionOf(server)] : [];
  });
}

/** Orders servers by name, of equals by id. */
export function byName(a: ServerRecord, b: ServerRecord): number {
  return compareText(a.name, b.name) || compareText(a.id, b.id);
}

/** Equal exactly for names that one server at most can have. */
export function nameKey({ name, owner }: ScopedName): string {
  return JSON.stringify([name, owner]);
}
