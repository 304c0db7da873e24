import { z } from 'zod';
import type { UserVariable } from '../../domain/config/spec.js';
import { type Entry, fail, lose, placeAt } from '../entry.js';
import type { FilePlace } from '../format.js';
import { variableName } from '../names.js';
import { type ListTree, toPlain, treeAt } from '../tree.js';

/** An element of `inputs`, as the user variable that it becomes. */
export interface Input {
  readonly name: string;
  readonly variable: UserVariable;
  readonly place: FilePlace;
}

/** The inputs of a file. */
export interface Inputs {
  readonly byId: ReadonlyMap<string, Input>;
  /** The names of those that a server uses, as far as servers were read. */
  readonly used: Set<string>;
}

const inputSchema = z.looseObject({
  id: z.string().min(1),
  type: z.string().optional(),
  description: z.string().optional(),
  password: z.boolean().optional(),
});

/**
 * Reads `inputs`. An id that cannot be the name of a variable becomes its title, under
 * which it is written again.
 */
export function readInputs(file: Entry): Inputs {
  const byId = new Map<string, Input>();
  const list = treeAt(file.root, ['inputs']);
  if (list !== undefined && list.kind !== 'list') fail(file, ['inputs'], 'must be a list');
  if (list?.kind === 'list') readList(file, list, byId);
  return { byId, used: new Set() };
}

/** Tells of the inputs that no server uses, once all servers were read. */
export function tellUnused(file: Entry, { byId, used }: Inputs): void {
  for (const { name, place } of byId.values()) {
    const { field, line } = place;
    if (!used.has(name)) file.losses.push({ field, line, reason: 'is used by no server' });
  }
}

function readList(file: Entry, list: ListTree, inputs: Map<string, Input>): void {
  const names = new Set<string>();
  list.items.forEach((item, index) => {
    const path = ['inputs', index];
    const parsed = inputSchema.safeParse(toPlain(item));
    for (const issue of parsed.error?.issues ?? [])
      fail(file, [...path, ...(issue.path as (string | number)[])], issue.message);
    if (!parsed.success) return;
    const { id, description = '', password = false, ...rest } = parsed.data;
    if (inputs.has(id)) {
      fail(file, [...path, 'id'], `${id} is given twice`);
      return;
    }
    tellLost(file, path, rest);
    const name = variableName(id, names);
    names.add(name);
    const title = name === id ? '' : id;
    const variable = { title, description, sensitive: password };
    inputs.set(id, { name, variable, place: placeAt(file, path) });
  });
}

function tellLost(
  file: Entry,
  path: readonly (string | number)[],
  rest: Readonly<Record<string, unknown>>,
): void {
  const { type, ...others } = rest;
  if (type !== undefined && type !== 'promptString')
    lose(file, [...path, 'type'], 'becomes a variable that each user fills in');
  for (const key of Object.keys(others)) {
    lose(file, [...path, key], 'a user variable has no such field');
  }
}
