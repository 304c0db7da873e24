import { readdirSync } from 'node:fs';
import path from 'node:path';
import { loadSync, type MessageTypeDefinition, type PackageDefinition } from '@grpc/proto-loader';
import { root } from './snippets.js';

const protoDir = path.join(root, 'proto');

/** Where the imports of our protos are found. */
export const includeDirs = [protoDir, path.join(root, 'node_modules/google-proto-files')];

/** Our .proto files, relative to proto/. */
export const protoFiles = readdirSync(protoDir, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.proto'))
  .sort();

interface Field {
  readonly name: string;
  readonly jsonName?: string;
  readonly typeName: string;
  readonly label: string;
}

interface Message {
  readonly name: string;
  readonly field: readonly Field[];
  readonly nestedType: readonly (Message & { readonly options: { mapEntry?: boolean } | null })[];
}

type AnyMessage = MessageTypeDefinition<object, object>;

let loaded: PackageDefinition | undefined;

/** What @grpc/proto-loader, which reads the .proto files by itself, makes of them. */
export function loadProtos(): PackageDefinition {
  loaded ??= loadSync(protoFiles, { includeDirs });
  return loaded;
}

/** The request of each method, by `package.Service/Method`. */
export function methodRequests(): Map<string, Message> {
  const requests = new Map<string, Message>();
  for (const definition of Object.values(loadProtos())) {
    if (typeof (definition as { format?: unknown }).format === 'string') continue;
    for (const method of Object.values(definition)) {
      const { path: name, requestType } = method as { path: string; requestType: AnyMessage };
      requests.set(name.slice(1), requestType.type as unknown as Message);
    }
  }
  return requests;
}

/** Paths of the fields in a JSON request that its message does not have. */
export function fieldsUnknownTo(message: Message, json: unknown, at = ''): string[] {
  if (Array.isArray(json)) return json.flatMap((each) => fieldsUnknownTo(message, each, at));
  if (typeof json !== 'object' || json === null) return [];
  return Object.entries(json).flatMap(([key, value]) => {
    const field = message.field.find(({ name }) => name === key || camelCase(name) === key);
    if (field === undefined) return [`${at}${key}`];
    const type = messageOf(field, message);
    // A map's keys are data; its values may be messages, which docs need not show.
    return type === undefined ? [] : fieldsUnknownTo(type, value, `${at}${key}.`);
  });
}

function messageOf(field: Field, owner: Message): Message | undefined {
  if (!field.typeName) return undefined;
  const nested = owner.nestedType.find(({ name }) => name === field.typeName.split('.').at(-1));
  if (nested !== undefined) return nested.options?.mapEntry ? undefined : nested;
  const name = field.typeName.replace(/^\./, '');
  const protos = loadProtos();
  // Well-known types have a JSON form of their own.
  if (name.startsWith('google.') || name.startsWith('protobuf.')) return undefined;
  const found = protos[name] ?? protos[`switchboard.v1.${name}`];
  return found === undefined ? undefined : ((found as AnyMessage).type as unknown as Message);
}

function camelCase(name: string): string {
  return name.replaceAll(/_(\w)/g, (_all, letter: string) => letter.toUpperCase());
}
