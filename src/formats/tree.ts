/** A parsed file in which every value knows its place, whatever notation it was written in. */

/** Line and column from 1. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

export type Tree = MapTree | ListTree | ScalarTree;

export interface MapTree {
  readonly kind: 'map';
  readonly place: TextPlace;
  readonly fields: ReadonlyMap<string, Field>;
  /** Keys that no field was made of: given twice, or not allowed. */
  readonly defects: readonly Defect[];
}

export interface ListTree {
  readonly kind: 'list';
  readonly place: TextPlace;
  readonly items: readonly Tree[];
}

export interface ScalarTree {
  readonly kind: 'scalar';
  readonly place: TextPlace;
  readonly value: string | number | boolean | null;
}

/** A field of a map. Its place is that of the key. */
export interface Field {
  readonly place: TextPlace;
  readonly value: Tree;
}

export interface Defect {
  readonly key: string;
  readonly place: TextPlace;
  readonly message: string;
}

/** Keys of maps and indexes of lists, from the outside in. */
export type FilePath = readonly (string | number)[];

/** A path as people write it: `mcpServers.github.args[0]`. */
export function fieldText(path: FilePath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${String(step)}]`;
    else if (!/^[\w$@-]+$/.test(step)) text += `[${JSON.stringify(step)}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** The place of `path`, or of the last step of it that exists. */
export function placeIn(root: Tree, path: FilePath): TextPlace {
  let tree = root;
  let place = root.place;
  for (const step of path) {
    const next = stepInto(tree, step);
    if (next === undefined) return place;
    ({ place, value: tree } = next);
  }
  return place;
}

/** What stands at `path`. */
export function treeAt(root: Tree, path: FilePath): Tree | undefined {
  let tree: Tree | undefined = root;
  for (const step of path) tree = tree && stepInto(tree, step)?.value;
  return tree;
}

function stepInto(tree: Tree, step: string | number): Field | undefined {
  if (tree.kind === 'map') return tree.fields.get(String(step));
  const item = tree.kind === 'list' && typeof step === 'number' ? tree.items[step] : undefined;
  return item && { place: item.place, value: item };
}

/** What a map or list holds. */
export function partsOf(tree: Tree): readonly Tree[] {
  if (tree.kind === 'list') return tree.items;
  return tree.kind === 'map' ? [...tree.fields.values()].map(({ value }) => value) : [];
}

/** The value without its places. Maps become objects; `__proto__` was never let in. */
export function toPlain(tree: Tree): unknown {
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'list') return tree.items.map(toPlain);
  return Object.fromEntries(
    [...tree.fields].map(([key, field]) => [key, toPlain(field.value)] as const),
  );
}

/** Every defect in `tree`, with the path of the key. */
export function defectsIn(
  tree: Tree,
  path: FilePath = [],
): readonly (Defect & { readonly path: FilePath })[] {
  if (tree.kind === 'scalar') return [];
  if (tree.kind === 'list')
    return tree.items.flatMap((item, index) => defectsIn(item, [...path, index]));
  return [
    ...tree.defects.map((defect) => ({ ...defect, path: [...path, defect.key] })),
    ...[...tree.fields].flatMap(([key, field]) => defectsIn(field.value, [...path, key])),
  ];
}

/** A map of `pairs`; the second of two equal keys and `__proto__` become defects. */
export function mapTree(
  place: TextPlace,
  pairs: readonly (Field & { readonly key: string })[],
): MapTree {
  const fields = new Map<string, Field>();
  const defects: Defect[] = [];
  for (const { key, ...field } of pairs) {
    if (key === '__proto__') {
      defects.push({ key, place: field.place, message: 'is not an allowed name' });
    } else if (fields.has(key)) {
      const first = fields.get(key)?.place.line ?? 0;
      defects.push({
        key,
        place: field.place,
        message: `is given twice, first in line ${String(first)}`,
      });
    } else fields.set(key, field);
  }
  return { kind: 'map', place, fields, defects };
}
