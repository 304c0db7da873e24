import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  GetPrivateLoadStatusRequest,
  type GetPrivateLoadStatusResponse,
  InvalidateUserRequest,
  type InvalidateUserResponse,
  LoadPrivateServersRequest,
  type LoadPrivateServersResponse,
  type PrivateLoad,
  PurgeUserRequest,
  type PurgeUserResponse,
} from '../../../generated/switchboard/v1/private_load.js';
import { DEFAULT_TENANT } from '../../../src/domain/caller.js';
import type { Admin, Init } from '../grpc-admin/grpc-admin.js';
import { startLocalServer, type LocalOptions, type LocalServer } from '../grpc-admin/server.js';
import {
  type ScriptedRow,
  startSourceServer,
  type SourceServer,
  type SourceServerOptions,
} from './source-server.js';
import { call } from '../grpc/unary-call.js';

type On = Pick<Admin, 'registry'>;

const extras = (timeoutMs = 60_000) => ({ options: { deadline: Date.now() + timeoutMs } });

/** Calls about the load of one user. `timeoutMs` is how long the caller waits. */
export const loads = {
  load: (
    { registry }: On,
    request: Init<typeof LoadPrivateServersRequest>,
    timeoutMs?: number,
  ): Promise<LoadPrivateServersResponse> =>
    call(
      registry,
      'loadPrivateServers',
      LoadPrivateServersRequest.fromPartial(request),
      extras(timeoutMs),
    ),
  status: (
    { registry }: On,
    request: Init<typeof GetPrivateLoadStatusRequest>,
  ): Promise<GetPrivateLoadStatusResponse> =>
    call(
      registry,
      'getPrivateLoadStatus',
      GetPrivateLoadStatusRequest.fromPartial(request),
      extras(),
    ),
  invalidate: (
    { registry }: On,
    request: Init<typeof InvalidateUserRequest>,
  ): Promise<InvalidateUserResponse> =>
    call(registry, 'invalidateUser', InvalidateUserRequest.fromPartial(request), extras()),
  purge: ({ registry }: On, request: Init<typeof PurgeUserRequest>): Promise<PurgeUserResponse> =>
    call(registry, 'purgeUser', PurgeUserRequest.fromPartial(request), extras()),
};

/** The load of an answer, which must have one. */
export function loadOf(answer: { readonly load: PrivateLoad | undefined }): PrivateLoad {
  if (answer.load === undefined) throw new Error('the answer holds no load');
  return answer.load;
}

/** A row that names a server over streamable HTTP; its name is its id unless it is told. */
export function httpRow(
  rowId: string,
  { title = '', ...more }: Exclude<ScriptedRow, Uint8Array> & { readonly title?: string } = {},
): ScriptedRow {
  const value = { url: `https://${rowId}.example/mcp` };
  const spec = { title, transport: { $case: 'streamableHttp' as const, value } };
  return { rowId, name: rowId, spec, ...more };
}

/** Fields of an entry of the file of private sources, beside tenant, name and target. */
export type SourceFields = Readonly<Record<string, string | number | boolean>>;

/** A file for `--private-sources`, with an entry for each tenant. Disposing it removes it. */
export async function sourcesFile(
  entries: readonly (SourceFields & { readonly target: string })[],
): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'switchboard-'));
  const file = path.join(folder, 'sources.json');
  const sources = entries.map((entry) => ({ tenant: DEFAULT_TENANT, name: 'app-db', ...entry }));
  await writeFile(file, JSON.stringify({ sources }));
  return {
    path: file,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A whole server with a private source. */
export interface LoadingServer extends LocalServer {
  readonly source: SourceServer;
  readonly address: string;
}

/** Starts both; `fields` say how the source is used. */
export async function startLoadingServer(
  fields: SourceFields = {},
  { of = {}, ...options }: LocalOptions & { readonly of?: SourceServerOptions } = {},
): Promise<LoadingServer> {
  const source = await startSourceServer(of);
  const file = await sourcesFile([{ target: source.address, ...fields }]);
  const flags = [...(options.flags ?? []), '--private-sources', file.path];
  const local = await startLocalServer({ ...options, flags });
  return {
    ...local,
    source,
    address: local.server.address,
    async [Symbol.asyncDispose]() {
      await local[Symbol.asyncDispose]();
      await source.stop();
      await file[Symbol.asyncDispose]();
    },
  };
}
