import { type Entry, fail, openEntry } from './entry.js';
import { type FilePath, fieldText, treeAt } from './tree.js';

/** A server of a file, before it was read. */
export interface Item {
  readonly key: string;
  readonly entry: Entry;
}

/** The servers of the map under `field`. A key that is there twice names none of them. */
export function itemsOfMap(file: Entry, field: string): readonly Item[] {
  const tree = treeAt(file.root, [field]);
  if (!demandOnce(file, field)) return [];
  if (tree?.kind === 'scalar' && tree.value === null) return [];
  if (tree?.kind !== 'map') {
    fail(file, [field], 'must be a map of servers by name');
    return [];
  }
  for (const { key, place, message } of tree.defects) {
    const at = fieldText([field, key]);
    file.problems.push({ server: key, field: at, ...place, message });
  }
  const doubled = new Set(tree.defects.map((defect) => defect.key));
  return [...tree.fields.keys()]
    .filter((key) => !doubled.has(key))
    .map((key) => ({ key, entry: openEntry(file, [field, key], key) }));
}

/** The servers of the list under `field`, named by their `name`. */
export function itemsOfList(file: Entry, field: string): readonly Item[] {
  const tree = treeAt(file.root, [field]);
  if (!demandOnce(file, field)) return [];
  if (tree?.kind !== 'list') {
    fail(file, [field], 'must be a list of servers');
    return [];
  }
  return tree.items.map((_, index) => {
    const at = [field, index];
    const key = nameAt(file, at) ?? fieldText(at);
    return { key, entry: openEntry(file, at, key) };
  });
}

/** The text under `name` of the map at `path`. */
export function nameAt(file: Entry, path: FilePath): string | undefined {
  const name = treeAt(file.root, [...path, 'name']);
  return name?.kind === 'scalar' && typeof name.value === 'string' ? name.value : undefined;
}

function demandOnce(file: Entry, field: string): boolean {
  const defect =
    file.root.kind === 'map' ? file.root.defects.find(({ key }) => key === field) : undefined;
  if (defect !== undefined) file.problems.push({ field, ...defect.place, message: defect.message });
  return defect === undefined;
}
