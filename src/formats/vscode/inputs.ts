import { z } from 'zod';
import type { UserVariable } from '../../domain/spec.js';
import { type Entry, fail, lose, placeAt } from '../entry.js';
import type { FilePlace } from '../format.js';
import { variableName } from '../names.js';
import { toPlain, treeAt } from '../tree.js';

/** An element of `inputs`, as the user variable that it becomes. */
export interface Input {
  readonly name: string;
  readonly variable: UserVariable;
  readonly place: FilePlace;
}

/** The inputs of a file by their id. */
export type Inputs = ReadonlyMap<string, Input>;

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
  const inputs = new Map<string, Input>();
  const list = treeAt(file.root, ['inputs']);
  if (list === undefined) return inputs;
  if (list.kind !== 'list') {
    fail(file, ['inputs'], 'must be a list');
    return inputs;
  }
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
  return inputs;
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
