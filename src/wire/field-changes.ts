import {
  fromBinary,
  toJson,
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
} from '@bufbuild/protobuf';
import { Server } from '../../generated/switchboard/v1/server.js';
import type { FieldChange } from '../domain/field-change.js';
import { compareText } from '../domain/resolve.js';
import type { Declaration } from '../domain/server.js';
import { descriptorRegistry } from './descriptors.js';
import { toDeclarationMessage } from './server-codec.js';

/** Messages of a spec that mean the same empty as left out. */
const SAME_AS_ABSENT = new Set(['timeouts', 'instructions', 'tool_filter']);
const EMPTY = '{}';

/**
 * The fields that differ between two declarations, by path. Undefined declares nothing. A
 * field is a value, a list, an entry of a map (`spec.labels[team]`) or a message without any
 * field set (`{}`), never one that has some: so the changes of several steps can be put
 * together by their paths.
 */
export function fieldChanges(
  before: Declaration | undefined,
  after: Declaration | undefined,
): FieldChange[] {
  const [old, now] = [fieldsOf(before), fieldsOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((path) => ({ path, before: old.get(path) ?? '', after: now.get(path) ?? '' }))
    .filter((change) => change.before !== change.after)
    .sort((a, b) => compareText(a.path, b.path));
}

/** JSON text by path, of what is set. */
type Fields = ReadonlyMap<string, string>;

function fieldsOf(declared: Declaration | undefined): Fields {
  const fields = new Map<string, string>();
  if (declared === undefined) return fields;
  const type = descriptorRegistry().getMessage('switchboard.v1.Server');
  if (type === undefined) throw new Error('generated/switchboard.binpb has no Server');
  const message = { ...toDeclarationMessage(declared), set: declared.set };
  const json = toJson(type, fromBinary(type, Server.encode(message).finish()), {
    registry: descriptorRegistry(),
    useProtoFieldName: true,
  });
  addMessage(fields, '', { type, json });
  return fields;
}

interface Value {
  readonly type: DescMessage;
  readonly json: JsonValue;
}

/** One that is set and has no field is told as a whole. */
function addMessage(fields: Map<string, string>, path: string, { type, json }: Value): void {
  const known = fields.size;
  for (const field of type.fields) {
    const value = (json as JsonObject)[field.name];
    const fieldPath = path === '' ? field.name : `${path}.${field.name}`;
    if (value !== undefined) addField(fields, fieldPath, { field, value });
  }
  if (fields.size === known) fields.set(path, EMPTY);
}

function addField(
  fields: Map<string, string>,
  path: string,
  { field, value }: { readonly field: DescField; readonly value: JsonValue },
): void {
  // A duration is a message too, and a text in JSON.
  if (field.fieldKind === 'message' && typeof value === 'object') {
    addMessage(fields, path, { type: field.message, json: value });
    if (SAME_AS_ABSENT.has(field.name) && fields.get(path) === EMPTY) fields.delete(path);
    return;
  }
  if (field.fieldKind !== 'map') {
    fields.set(path, JSON.stringify(value));
    return;
  }
  for (const [key, entry] of Object.entries(value as JsonObject)) {
    const entryPath = `${path}[${key}]`;
    if (field.mapKind === 'message')
      addMessage(fields, entryPath, { type: field.message, json: entry });
    else fields.set(entryPath, JSON.stringify(entry));
  }
}
