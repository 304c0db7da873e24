import { compareText } from '../domain/resolve.js';
import type { Declaration } from '../domain/server.js';
import { type ServerSpec, SPEC_DEFAULTS } from '../domain/config/spec.js';
import type { Format, Loss } from './format.js';
import { fromFileName } from './names.js';
import { type Dialect, printValue } from './values.js';

/** What is written of a server: what people declare, whoever brought it. */
export type WritableServer = Omit<Declaration, 'set'>;

/** A server while it is written. Paths of its losses are those of the domain. */
export interface Draft {
  readonly format: Format;
  readonly server: WritableServer;
  readonly losses: Loss[];
}

/** Part of a file, as it will be written. */
export type JsonObject = Record<string, unknown>;

/** Tells that the field cannot be said in the format. */
export function lost(draft: Draft, field: string, reason: string): void {
  draft.losses.push({ server: draft.server.name, field, reason });
}

/** Tells that the whole server is left out, because of the field. */
export function leaveOut(draft: Draft, field: string, reason: string): void {
  lost(draft, field, `${reason}: the server is left out`);
}

/** `value` in the dialect. Undefined, and the loss told, if it cannot be said there. */
export function printField(
  draft: Draft,
  { field, value }: { readonly field: string; readonly value: string },
  dialect: Dialect,
): string | undefined {
  const printed = printValue(value, dialect);
  if (printed === undefined)
    lost(draft, field, 'this format has no placeholder or spelling for it');
  for (const reason of printed?.losses ?? []) lost(draft, field, reason);
  return printed?.text;
}

/** A map in the dialect, without what cannot be said. Undefined if nothing is left. */
export function printMap(
  draft: Draft,
  { field, map }: { readonly field: string; readonly map: Readonly<Record<string, string>> },
  dialect: Dialect,
): JsonObject | undefined {
  const said = Object.entries(map).flatMap(([name, value]) => {
    const text = printField(draft, { field: `${field}[${name}]`, value }, dialect);
    return text === undefined ? [] : [[name, text] as const];
  });
  return said.length === 0 ? undefined : Object.fromEntries(said);
}

const FIELD_NAMES: Readonly<Record<Exclude<keyof ServerSpec, 'transport'>, string>> = {
  title: 'title',
  description: 'description',
  version: 'version',
  icons: 'icons',
  websiteUrl: 'website_url',
  enabled: 'enabled',
  startup: 'startup',
  timeouts: 'timeouts',
  instructions: 'instructions',
  requiresOAuth: 'requires_oauth',
  oauth: 'oauth',
  userVariables: 'user_variables',
  proxyUrl: 'proxy_url',
  toolFilter: 'tool_filter',
  labels: 'labels',
  annotations: 'annotations',
};

/** Tells of everything in the spec that is not among what the format can say. */
export function tellUnsaid(draft: Draft, said: readonly (keyof ServerSpec)[]): void {
  const { spec } = draft.server;
  for (const [name, field] of Object.entries(FIELD_NAMES)) {
    const key = name as keyof typeof FIELD_NAMES;
    if (said.includes(key) || key === 'annotations') continue;
    if (JSON.stringify(spec[key]) !== JSON.stringify(SPEC_DEFAULTS[key]))
      lost(draft, `spec.${field}`, 'cannot be expressed in this format');
  }
}

/** Tells of owner and external id, as far as a reader of the file will not find them again. */
export function tellIdentity(draft: Draft): void {
  const { name, owner, externalId } = draft.server;
  if (owner !== undefined) lost(draft, 'owner', 'the file does not state the owner');
  const kept = externalId.includes('/') && fromFileName(externalId).name === name;
  if (externalId !== '' && !kept) lost(draft, 'external_id', 'cannot be expressed in this format');
}

/** What may be put back of the annotations that a reader of the format left. */
export interface Restorable {
  /** Fields that the format's writer makes itself. */
  readonly known: ReadonlySet<string>;
  /** Those of them that a reader keeps aside if they are like this, and makes no use of. */
  readonly unlessMade?: Readonly<Record<string, (value: unknown) => boolean>>;
  /** Fields that are maps, of which parts may be put back if the map is there. */
  readonly blocks?: Readonly<Record<string, ReadonlySet<string>>>;
}

/**
 * `entry` with what a reader of the format kept aside, by name: annotations have no order of
 * their own, and the same server is always the same text. Tells of every other annotation.
 */
export function withAnnotations(draft: Draft, entry: JsonObject, what: Restorable): JsonObject {
  const out: JsonObject = { ...entry };
  const annotations = Object.entries(draft.server.spec.annotations);
  for (const [key, text] of annotations.sort(([a], [b]) => compareText(a, b))) {
    const prefix = `${draft.format}/`;
    const value = key.startsWith(prefix) ? canonical(text) : undefined;
    const done = value !== undefined && putBack(out, { as: key.slice(prefix.length), value }, what);
    if (!done) lost(draft, `spec.annotations[${key}]`, 'cannot be expressed in this format');
  }
  return out;
}

interface Kept {
  readonly as: string;
  readonly value: unknown;
}

function putBack(out: JsonObject, kept: Kept, what: Restorable): boolean {
  const dot = kept.as.indexOf('.');
  const block = what.blocks?.[kept.as.slice(0, Math.max(dot, 0))];
  return block === undefined
    ? putBackField(out, kept, what)
    : putBackPart(out, { ...kept, dot }, block);
}

function putBackField(
  out: JsonObject,
  { as, value }: Kept,
  { known, unlessMade = {} }: Restorable,
): boolean {
  const mayBe = Object.hasOwn(unlessMade, as) ? unlessMade[as] : undefined;
  const isFree = !known.has(as) || (out[as] === undefined && mayBe?.(value) === true);
  // Part of something that the writer makes, such as `icons[0].x`.
  const isPart = known.has(as.split(/[.[]/, 1).join(''));
  if (!isFree || (isPart && !known.has(as)) || as === '__proto__' || as === '') return false;
  out[as] = value;
  return true;
}

function putBackPart(
  out: JsonObject,
  { as, value, dot }: Kept & { readonly dot: number },
  known: ReadonlySet<string>,
): boolean {
  const block = as.slice(0, dot);
  const name = as.slice(dot + 1);
  const map = out[block];
  if (typeof map !== 'object' || known.has(name) || name === '__proto__') return false;
  out[block] = { ...map, [name]: value };
  return true;
}

/** The value of a JSON text as our readers write it; undefined for any other text. */
function canonical(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return JSON.stringify(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
}
