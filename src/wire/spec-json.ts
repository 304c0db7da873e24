import {
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonObject,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { ServerSpec as SpecMessage, Stderr } from '../../generated/switchboard/v1/server.js';
import type { ServerSpec } from '../domain/config/spec.js';
import { descriptorRegistry } from './descriptors.js';
import { fromSpecMessage, toSpecMessage } from './spec-codec.js';

/** A spec as proto JSON, without what it says only because it is the default. */
export function specToJson(spec: ServerSpec): JsonObject {
  const type = specType();
  const bytes = SpecMessage.encode(withoutDefaults(toSpecMessage(spec))).finish();
  return toJson(type, fromBinary(type, bytes), { registry: descriptorRegistry() }) as JsonObject;
}

/**
 * The spec that `json` describes. Throws an Error that names the field if it is not the JSON of
 * a spec, also for fields that do not exist, and INVALID_FIELD with paths below `path` for one
 * that says something wrong.
 */
export function specFromJson(json: JsonObject, path: string): ServerSpec {
  const type = specType();
  const bytes = toBinary(type, fromJson(type, json, { registry: descriptorRegistry() }));
  return fromSpecMessage(SpecMessage.decode(bytes), path);
}

function specType(): DescMessage {
  const type = descriptorRegistry().getMessage('switchboard.v1.ServerSpec');
  if (type === undefined) throw new Error('generated/switchboard.binpb has no ServerSpec');
  return type;
}

function withoutDefaults(message: SpecMessage): SpecMessage {
  const { timeouts, instructions, toolFilter } = message;
  return {
    ...message,
    transport: withoutStderr(message.transport),
    enabled: message.enabled === true ? undefined : message.enabled,
    startup: message.startup === true ? undefined : message.startup,
    timeouts: hasTimeout(timeouts) ? timeouts : undefined,
    instructions: instructions?.kind && instructions,
    toolFilter: hasFilter(toolFilter) ? toolFilter : undefined,
  };
}

function hasTimeout(timeouts: SpecMessage['timeouts']): boolean {
  return (timeouts?.connect ?? timeouts?.call ?? timeouts?.read) !== undefined;
}

function hasFilter(filter: SpecMessage['toolFilter']): boolean {
  return filter !== undefined && filter.allow.length + filter.deny.length > 0;
}

function withoutStderr(transport: SpecMessage['transport']): SpecMessage['transport'] {
  if (transport?.$case !== 'stdio' || transport.value.stderr !== Stderr.STDERR_IGNORE)
    return transport;
  return { $case: 'stdio', value: { ...transport.value, stderr: Stderr.STDERR_UNSPECIFIED } };
}
