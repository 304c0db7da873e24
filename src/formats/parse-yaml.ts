import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
} from 'yaml';
import type { Problem } from './format.js';
import type { ParsedText, PlaceAt } from './parsed-text.js';
import { type Field, mapTree, partsOf, type TextPlace, type Tree } from './tree.js';

/** How many values aliases may stand for in one file: a bomb has billions. */
const MAX_ALIASED = 100_000;

/** Characters that YAML 1.2 does not allow, and that the parser takes. */
// eslint-disable-next-line no-control-regex -- these are what is looked for
const NOT_PRINTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;

/** How the parser tells that it ran out of stack. */
const STACK = /call stack/;

type KeyedField = Field & { readonly key: string };

interface Walk {
  readonly placeAt: PlaceAt;
  readonly problems: Problem[];
  /** Values by anchor, as far as they are complete: an alias inside its own anchor finds none. */
  readonly anchors: Map<string, Tree>;
  readonly sizes: Map<Tree, number>;
  /** For how many values aliases stood so far. */
  aliased: number;
}

/** Reads YAML 1.2, with the merge key `<<` of 1.1, which people use. */
export function parseYaml(text: string, placeAt: PlaceAt): ParsedText {
  const document = parseDocument(text, {
    prettyErrors: false,
    // Checked while the tree is made, in time that grows with the file and not with its square.
    uniqueKeys: false,
    // Not `silent`: that would also hide that there is a second document.
    logLevel: 'error',
  });
  const problems: Problem[] = [...document.errors, ...document.warnings].map((error) => ({
    field: '',
    ...placeAt(error.pos[0]),
    message: STACK.test(error.message) ? 'is nested too deeply' : `is not YAML: ${error.message}`,
  }));
  const strange = text.search(NOT_PRINTABLE);
  if (strange >= 0) {
    const code = text.charCodeAt(strange).toString(16).toUpperCase().padStart(4, '0');
    const message = `is not YAML: it has the character U+${code}, which YAML does not allow`;
    problems.push({ field: '', ...placeAt(strange), message });
  }
  const walk: Walk = { placeAt, problems, anchors: new Map(), sizes: new Map(), aliased: 0 };
  const content = document.contents;
  let root: Tree | undefined;
  if (content === null || (isScalar(content) && content.value === null)) {
    if (problems.length === 0)
      problems.push({ field: '', line: 1, column: 1, message: 'is empty' });
  } else if (problems.length === 0) root = toTree(content, walk);
  return {
    root: problems.length > 0 ? undefined : root,
    notation: 'yaml',
    problems,
    relaxations: [],
  };
}

function toTree(node: Node, walk: Walk): Tree {
  if (isAlias(node)) return aliased(node, walk);
  const place = walk.placeAt(node.range?.[0] ?? 0);
  const tree = ownTree(node, place, walk);
  let size = 1;
  for (const part of partsOf(tree)) size += walk.sizes.get(part) ?? 1;
  walk.sizes.set(tree, size);
  if (node.anchor !== undefined) walk.anchors.set(node.anchor, tree);
  return tree;
}

function ownTree(node: Node, place: TextPlace, walk: Walk): Tree {
  if (isSeq<Node>(node)) {
    return { kind: 'list', place, items: node.items.map((item) => toTree(item, walk)) };
  }
  if (isMap<Node, Node | null>(node)) return mapTree(place, fieldsOf(node.items, walk));
  const value = isScalar(node) ? node.value : null;
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) {
    return { kind: 'scalar', place, value: value as string | number | boolean | null };
  }
  problem(walk, place, 'has a value of a type that JSON does not support');
  return { kind: 'scalar', place, value: null };
}

function aliased(node: Node & { readonly source: string }, walk: Walk): Tree {
  const place = walk.placeAt(node.range?.[0] ?? 0);
  const tree = walk.anchors.get(node.source);
  if (tree === undefined) {
    problem(walk, place, `*${node.source} has no anchor, or refers to itself`);
    return { kind: 'scalar', place, value: null };
  }
  const within = walk.aliased <= MAX_ALIASED;
  walk.aliased += walk.sizes.get(tree) ?? 1;
  if (within && walk.aliased > MAX_ALIASED)
    problem(walk, place, 'aliases expand to too many values');
  return tree;
}

/** Fields in their order; what is merged in comes after them and yields to them. */
function fieldsOf(pairs: readonly Pair<Node, Node | null>[], walk: Walk): readonly KeyedField[] {
  const own: KeyedField[] = [];
  const merged: KeyedField[] = [];
  for (const { key, value } of pairs) {
    const place = walk.placeAt(key.range?.[0] ?? 0);
    const tree: Tree = value === null ? { kind: 'scalar', place, value } : toTree(value, walk);
    if (isScalar(key) && key.value === '<<' && key.type === 'PLAIN') {
      merged.push(...mergedFields(tree, place, walk));
    } else if (isScalar(key)) own.push({ key: keyText(key), place, value: tree });
    else problem(walk, place, 'a key must be text');
  }
  const taken = new Set(own.map((field) => field.key));
  return [...own, ...merged.filter(({ key }) => !taken.has(key) && taken.add(key))];
}

function mergedFields(tree: Tree, place: TextPlace, walk: Walk): readonly KeyedField[] {
  if (tree.kind === 'map') return [...tree.fields].map(([key, field]) => ({ key, ...field }));
  if (tree.kind === 'list' && tree.items.every((item) => item.kind === 'map'))
    return tree.items.flatMap((item) => mergedFields(item, place, walk));
  problem(walk, place, '<< can only merge a map, or a list of maps');
  return [];
}

/** A key as it was written: `1.0` stays `1.0`. */
function keyText({ value, source }: Scalar): string {
  return typeof value === 'string' ? value : (source ?? JSON.stringify(value));
}

function problem(walk: Walk, place: TextPlace, message: string): void {
  walk.problems.push({ field: '', ...place, message });
}
