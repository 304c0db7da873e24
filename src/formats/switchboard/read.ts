import { z } from 'zod';
import { isSwitchboardError } from '../../domain/errors.js';
import type { ServerSpec } from '../../domain/config/spec.js';
import { specFromJson } from '../../wire/spec-json.js';
import type { Declared } from '../declare.js';
import { type Entry, fail, failAt, fieldPlaces, origin, parseEntry, placeAt } from '../entry.js';
import { nearestPlace } from '../format.js';
import { type FilePath, treeAt } from '../tree.js';

type JsonObject = Record<string, JsonValue>;

const serverSchema = z.strictObject({
  name: z.string().min(1),
  externalId: z.string().optional(),
  tier: z.enum(['APP', 'USER', 'PRIVATE']).optional(),
  owner: z.string().optional(),
  spec: z.record(z.string(), z.json()),
});

/** Our own files have one field and know every other one: a typing error is no extension. */
export function tellUnknown(file: Entry): void {
  if (file.root.kind !== 'map') return;
  for (const key of file.root.fields.keys()) {
    if (key !== 'servers') fail(file, [key], 'is not a field of this format');
  }
}

/** An entry of `servers` in our own format: the spec is proto JSON of switchboard.v1.ServerSpec. */
export function readOwnServer(entry: Entry): Declared | undefined {
  const parsed = parseEntry(entry, serverSchema);
  if (parsed === undefined) return undefined;
  const { name, externalId = '', tier, owner } = parsed;
  for (const [domain, field] of [
    ['name', 'name'],
    ['external_id', 'externalId'],
    ['tier', 'tier'],
    ['owner', 'owner'],
  ] as const) {
    origin(entry, domain, [field]);
  }
  if (owner !== undefined && tier !== 'PRIVATE') {
    fail(entry, ['owner'], 'only a PRIVATE server has an owner');
    return undefined;
  }
  tellOrigins(entry, 'spec', ['spec']);
  const spec = readSpec(entry, parsed.spec);
  return spec && { name, externalId, tier, owner, spec };
}

function readSpec(entry: Entry, json: JsonObject): ServerSpec | undefined {
  try {
    return specFromJson(json, 'spec');
  } catch (error) {
    if (isSwitchboardError(error, 'INVALID_FIELD')) {
      const around = placeAt(entry, ['spec']);
      for (const { field, description } of error.violations) {
        failAt(entry, nearestPlace(fieldPlaces(entry), field) ?? around, description);
      }
    } else if (error instanceof Error) {
      fail(
        entry,
        ['spec', ...culprit(json, (part) => part)],
        error.message.replace(/^.*? from JSON: /, ''),
      );
    } else throw error;
    return undefined;
  }
}

type JsonValue = z.core.util.JSONType;

/**
 * The path of the innermost part of `json` that is refused also when it stands alone:
 * the decoder names the field in words, but not where it is. `within` puts a part back
 * into its place in a spec.
 */
function culprit(json: JsonValue, within: (part: JsonValue) => JsonValue): FilePath {
  if (typeof json !== 'object' || json === null) return [];
  for (const [key, part] of Object.entries(json)) {
    const alone = (inner: JsonValue): JsonValue =>
      within(Array.isArray(json) ? [inner] : { [key]: inner });
    if (!isRefused(alone(part))) continue;
    if (Array.isArray(json)) return [Number(key), ...culprit(part, alone)];
    // Null means that a field is not set: if that is refused too, there is no such field.
    return isRefused(alone(null)) ? [key] : [key, ...culprit(part, alone)];
  }
  return [];
}

function isRefused(json: JsonValue): boolean {
  try {
    specFromJson(json as JsonObject, 'spec');
    return false;
  } catch (error) {
    // What can be decoded says something, if only something wrong.
    return !isSwitchboardError(error);
  }
}

/** Fields that are maps by name, in paths of the domain. */
const MAPS = /(?:^|\.)(?:headers|env|user_variables|labels|annotations)$/;

/** Notes where each part of a spec stands; its fields may be written in either case. */
function tellOrigins(entry: Entry, domain: string, path: FilePath): void {
  const tree = treeAt(entry.root, [...entry.at, ...path]);
  origin(entry, domain, path);
  if (tree?.kind === 'list') {
    tree.items.forEach((_, index) => {
      tellOrigins(entry, `${domain}[${String(index)}]`, [...path, index]);
    });
  } else if (tree?.kind === 'map') {
    for (const key of tree.fields.keys()) {
      const inner = MAPS.test(domain) ? `${domain}[${key}]` : `${domain}.${snakeCase(key)}`;
      tellOrigins(entry, inner, [...path, key]);
    }
  }
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
