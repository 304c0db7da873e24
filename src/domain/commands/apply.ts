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
import { invalidField, isSwitchboardError, SwitchboardError } from '../errors.js';
import { compareText, type StateIndex } from '../resolve.js';
import type { Declaration, ServerRecord, StoredServer } from '../server.js';
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
  | { readonly kind: 'change'; readonly change: Change }
  | { readonly kind: 'unchanged'; readonly record: ServerRecord }
  | {
      readonly kind: 'refused';
      readonly refusal: SwitchboardError;
      /** The server that has the name; undefined if there is none. */
      readonly record: ServerRecord | undefined;
    };

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
export function impliedTier({ spec }: DeclaredServer): 'APP' | 'USER' {
  return neededScope(spec).scope === 'shared' ? 'APP' : 'USER';
}

/**
 * What is to be done so that a server is as its item declares. One that belongs to no
 * set becomes one of this set; one of another set only with `takeOver`.
 */
export function decideItem(
  context: DecisionContext,
  item: CheckedItem,
  { id, takeOver }: { readonly id: string; readonly takeOver: boolean },
): ItemOutcome {
  const server = holderOf(context.state, item.at);
  const record = server?.record;
  if ('refusal' in item) return { kind: 'refused', refusal: item.refusal, record };
  try {
    demandEtag(item, record);
    if (record === undefined || server === undefined)
      return { kind: 'change', change: creationOf(context, item.declared, id) };
    demandUnmanaged(record);
    if (!takeOver) demandNoOtherSet(record, item.declared.set);
    const change = redeclarationOf(context, server, item.declared);
    return change === undefined ? { kind: 'unchanged', record } : { kind: 'change', change };
  } catch (error) {
    if (!isSwitchboardError(error)) throw error;
    return { kind: 'refused', refusal: error, record };
  }
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
 * Sorts out of all servers of the set those that it does not declare any more, by name. Without
 * `prune` all of them stay; with it, those do that have the name of an item which was
 * refused: what it is about may not be what it says.
 */
export function surplusOf(
  members: readonly StoredServer[],
  items: readonly CheckedItem[],
  prune: boolean,
): Surplus {
  const has = namesOf(items);
  const doubtful = new Set(items.flatMap((item) => ('refusal' in item ? [item.at.name] : [])));
  const surplus = members.map(({ record }) => record).filter((record) => !has(record));
  const stays = ({ name }: ServerRecord): boolean => !prune || doubtful.has(name);
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
