import type { z } from 'zod';
import { LIMITS } from '../domain/limits.js';
import { formProblem } from '../domain/text-form.js';
import type { FieldPlaces, FilePlace, Format, Loss, Problem } from './format.js';
import {
  defectsIn,
  fieldText,
  type FilePath,
  placeIn,
  toPlain,
  type Tree,
  treeAt,
} from './tree.js';
import { type ReadText, toNotation } from './values.js';

/** What a file says in one place, while it is being read. Paths in it are relative to `at`. */
export interface Entry {
  readonly format: Format;
  readonly root: Tree;
  readonly at: FilePath;
  /** The name of the server as the file has it; undefined for what concerns the whole file. */
  readonly server: string | undefined;
  readonly problems: Problem[];
  readonly losses: Loss[];
  /** Where each field of the domain was read from: a path in the entry, or elsewhere a place. */
  readonly origins: Map<string, FilePath | FilePlace>;
  /** What has no meaning here and is kept for whoever writes this format again. */
  readonly annotations: Record<string, string>;
}

/** An entry about the map at `at`. */
export function openEntry(
  source: { readonly format: Format; readonly root: Tree },
  at: FilePath,
  server?: string,
): Entry {
  const { format, root } = source;
  return {
    format,
    root,
    at,
    server,
    problems: [],
    losses: [],
    origins: new Map(),
    annotations: {},
  };
}

/** Reads the entry by `schema`; undefined, and the problems told, if it does not fit. */
export function parseEntry<T>(entry: Entry, schema: z.ZodType<T>): T | undefined {
  const tree = treeAt(entry.root, entry.at);
  if (tree === undefined) return undefined;
  for (const defect of defectsIn(tree)) {
    const field = fieldText([...entry.at, ...defect.path]);
    entry.problems.push(about(entry, { field, ...defect.place, message: defect.message }));
  }
  const parsed = schema.safeParse(toPlain(tree));
  for (const issue of parsed.error?.issues ?? []) {
    const path = issue.path as FilePath;
    if (issue.code !== 'unrecognized_keys') fail(entry, path, issue.message);
    else for (const key of issue.keys) fail(entry, [...path, key], 'is not a known field');
  }
  return entry.problems.length === 0 ? parsed.data : undefined;
}

/** Tells that the entry cannot be read, because of the field at `path`. */
export function fail(entry: Entry, path: FilePath, message: string): void {
  failAt(entry, placeAt(entry, path), message);
}

/** Tells that the entry cannot be read, because of what stands at `place`. */
export function failAt(entry: Entry, place: FilePlace, message: string): void {
  entry.problems.push(about(entry, { ...place, message }));
}

/** Tells that the field at `path` is not carried over. */
export function lose(entry: Entry, path: FilePath, reason: string): void {
  const { field, line } = placeAt(entry, path);
  entry.losses.push(about(entry, { field, line, reason }));
}

/** Says that the domain's field was read from `path`. */
export function origin(entry: Entry, domainField: string, path: FilePath): void {
  entry.origins.set(domainField, path);
}

/** Where each field of the domain was read from. The place is found when it is asked for. */
export function fieldPlaces(entry: Entry): FieldPlaces {
  return {
    get: (domainField) => {
      const from = entry.origins.get(domainField);
      return from === undefined || 'field' in from ? from : placeAt(entry, from);
    },
  };
}

/** The place of `path`, or of what is nearest around it. */
export function placeAt(entry: Entry, path: FilePath): FilePlace {
  const whole = [...entry.at, ...path];
  return { field: fieldText(whole), ...placeIn(entry.root, whole) };
}

/** The text at `path`, read by its dialect, in our notation. */
export function readField(
  entry: Entry,
  field: { readonly path: FilePath; readonly text: string },
  read: ReadText,
): string {
  if (field.text.length > LIMITS.value) {
    // Not looked at: a search for placeholders takes time that grows with the square.
    fail(entry, field.path, `must be at most ${String(LIMITS.value)} characters`);
    return '';
  }
  const { parts, losses, problems } = read(field.text);
  for (const reason of losses) lose(entry, field.path, reason);
  for (const message of problems) fail(entry, field.path, message);
  const notation = toNotation(parts);
  if (notation === undefined) {
    fail(entry, field.path, 'a `$` directly before a placeholder cannot be expressed');
  }
  return notation ?? '';
}

/** Something that is kept aside: where it stands, and its name among the annotations. */
export interface Aside {
  readonly path: FilePath;
  /** Default: the path, such as `oauth.grant_types_supported`. */
  readonly as?: string;
}

/** Tells of every field of a map that is not among `known`, and keeps it aside. */
export function keepUnknown(
  entry: Entry,
  known: ReadonlySet<string>,
  { path, as = path.join('.') }: Aside = { path: [] },
): void {
  const tree = treeAt(entry.root, [...entry.at, ...path]);
  if (tree?.kind !== 'map') return;
  for (const key of tree.fields.keys()) {
    const aside = { path: [...path, key], as: as === '' ? key : `${as}.${key}` };
    if (!known.has(key)) keep(entry, aside, 'has no meaning here');
  }
}

/** Tells of every field of a map that is not among `known`, and keeps none of it. */
export function loseUnknown(entry: Entry, known: ReadonlySet<string>, path: FilePath): void {
  const tree = treeAt(entry.root, [...entry.at, ...path]);
  if (tree?.kind !== 'map') return;
  for (const key of tree.fields.keys()) {
    if (!known.has(key)) lose(entry, [...path, key], 'has no meaning here');
  }
}

/** Tells why a field is not carried over, and keeps it as an annotation. */
export function keep(entry: Entry, { path, as = path.join('.') }: Aside, reason: string): void {
  const tree = treeAt(entry.root, [...entry.at, ...path]);
  if (tree !== undefined) lose(entry, path, `${reason}; ${annotate(entry, as, toPlain(tree))}`);
}

/** Keeps `value` as the annotation `<format>/<as>`; says what became of it. */
export function annotate(entry: Entry, as: string, value: unknown): string {
  const key = `${entry.format}/${as}`;
  const text = JSON.stringify(value);
  if (!fitsAnnotation(key, text, Object.keys(entry.annotations).length))
    return 'too large to be kept as an annotation';
  entry.annotations[key] = text;
  return `kept as annotation ${key}`;
}

function fitsAnnotation(key: string, text: string, count: number): boolean {
  const isKey = key.length <= LIMITS.id && formProblem(key, 'id') === undefined;
  return isKey && text.length <= LIMITS.value && count < LIMITS.entries;
}

function about<T extends object>(entry: Entry, what: T): T & { server?: string } {
  return entry.server === undefined ? what : { server: entry.server, ...what };
}
