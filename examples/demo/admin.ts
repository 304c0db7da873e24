import { createRequire } from 'node:module';
import path from 'node:path';
import {
  credentials,
  loadPackageDefinition,
  type Client,
  type ClientOptions,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const require = createRequire(import.meta.url);
const folderOf = (name: string): string => path.dirname(require.resolve(`${name}/package.json`));
/** Ours, and those of Google that errors are made of. */
const PROTOS = [path.join(folderOf('switchboard'), 'proto'), folderOf('google-proto-files')];

/** A server as the control plane answers it; of its many fields, those that the demo needs. */
export interface ServerEntry {
  readonly id: string;
  readonly name: string;
  readonly etag: string;
  readonly config_hash: string;
}

/** What an admin does, over plain gRPC: no generated code, and none of ours. */
export interface Admin {
  create(server: { name: string; tier: string; spec: object }): Promise<ServerEntry>;
  /** The server of a name, as the application sees it. */
  get(name: string): Promise<ServerEntry>;
  /** Changes the fields named by `paths`; refused if somebody changed the server meanwhile. */
  change(server: ServerEntry, spec: object, paths: readonly string[]): Promise<ServerEntry>;
  remove(server: ServerEntry): Promise<void>;
  close(): void;
}

type Call = (
  request: object,
  callback: (error: ServiceError | null, answer: { server: ServerEntry }) => void,
) => void;
type Registry = Client & Record<`${'Get' | 'Create' | 'Update' | 'Delete'}Server`, Call>;
type RegistryClass = new (
  target: string,
  channel: ReturnType<typeof credentials.createInsecure>,
  options?: ClientOptions,
) => Registry;

export function openAdmin(target: string): Admin {
  const definition = loadSync('switchboard/v1/registry_service.proto', {
    includeDirs: PROTOS,
    keepCase: true,
    enums: String,
  });
  const { switchboard } = loadPackageDefinition(definition) as unknown as {
    switchboard: { v1: { RegistryService: RegistryClass } };
  };
  const registry = new switchboard.v1.RegistryService(target, credentials.createInsecure());

  const ask = (method: keyof Registry & `${string}Server`, request: object): Promise<ServerEntry> =>
    new Promise((resolve, reject) => {
      registry[method](request, (error, answer) => {
        if (error === null) resolve(answer.server);
        else reject(error);
      });
    });

  return {
    create: (server) => ask('CreateServer', { server, request_id: crypto.randomUUID() }),
    get: (name) => ask('GetServer', { view: { app: {} }, name }),
    change: ({ id, etag }, spec, paths) =>
      ask('UpdateServer', { server: { id, etag, spec }, update_mask: { paths } }),
    remove: async ({ id, etag }) => {
      await ask('DeleteServer', { id, etag });
    },
    close: () => {
      registry.close();
    },
  };
}
