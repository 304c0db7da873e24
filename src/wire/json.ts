import {
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import {
  GetServerResponse,
  ListServersResponse,
  WatchServersResponse,
} from '../../generated/switchboard/v1/registry_service.js';
import { Server } from '../../generated/switchboard/v1/server.js';

export type { Server as ServerMessage };
import { descriptorRegistry } from './descriptors.js';

/**
 * Proto JSON as its specification has it, which grpcurl and other languages also speak.
 * (The generated `toJSON` writes durations and field masks differently.)
 */
interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/**
 * The server that `json` describes. Throws an Error that names the field if it is not
 * one, also for fields that do not exist.
 */
export function serverFromJson(json: JsonValue): Server {
  const type = messageType('switchboard.v1.Server');
  return Server.decode(toBinary(type, fromJson(type, json, { registry: descriptorRegistry() })));
}

/** The answer to GetServer as proto JSON. */
export function getToJson(answer: GetServerResponse): JsonValue {
  return toProtoJson('switchboard.v1.GetServerResponse', GetServerResponse, answer);
}

/** A page of a list as proto JSON. */
export function listToJson(list: ListServersResponse): JsonValue {
  return toProtoJson('switchboard.v1.ListServersResponse', ListServersResponse, list);
}

/** A message of a watch as proto JSON. */
export function watchMessageToJson(message: WatchServersResponse): JsonValue {
  return toProtoJson('switchboard.v1.WatchServersResponse', WatchServersResponse, message);
}

function toProtoJson<T>(name: string, codec: Codec<T>, message: T): JsonValue {
  const type = messageType(name);
  const bytes = codec.encode(message).finish();
  return toJson(type, fromBinary(type, bytes), { registry: descriptorRegistry() });
}

function messageType(name: string): DescMessage {
  const type = descriptorRegistry().getMessage(name);
  if (type === undefined) throw new Error(`generated/switchboard.binpb has no ${name}`);
  return type;
}
