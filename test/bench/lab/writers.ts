import { randomUUID } from 'node:crypto';
import type { Client } from '@grpc/grpc-js';
import {
  UpdateServerRequest,
  UpdateServerResponse,
} from '../../../generated/switchboard/v1/registry_service.js';
import { callRaw } from './raw-grpc.js';

/** A server that is updated again and again. */
export interface Target {
  readonly id: string;
  readonly etag: string;
}

/** How commits are made: by updating servers of ours, or by a call that is always the same. */
export type WriterSpec =
  | { readonly kind: 'update'; readonly tenant: string; readonly targets: readonly Target[] }
  | { readonly kind: 'call'; readonly path: string; readonly request: Buffer };

/** One write, and what was sent and answered for it. */
export interface Written {
  readonly request: Buffer;
  readonly answer: Buffer;
}

/** Makes commits, of which `atOnce` are under way at most; the others wait for their turn. */
export interface Writer {
  readonly atOnce: number;
  write(): Promise<Written>;
}

const UPDATE_PATH = '/switchboard.v1.RegistryService/UpdateServer';

/** A writer over a connection that is open. */
export function createWriter(client: Client, spec: WriterSpec): Writer {
  if (spec.kind === 'update') return updater(client, spec);
  const { path, request } = spec;
  return {
    atOnce: Number.POSITIVE_INFINITY,
    write: async () => ({ request, answer: await callRaw(client, path, request) }),
  };
}

/** Moves the title, each time to a text of the same length, of whichever target is not being written. */
function updater(
  client: Client,
  { tenant, targets }: Extract<WriterSpec, { kind: 'update' }>,
): Writer {
  const free = [...targets];
  const waiting: ((target: Target) => void)[] = [];
  let count = 0;
  const take = (): Target | Promise<Target> =>
    free.shift() ?? new Promise((resolve) => waiting.push(resolve));
  const giveBack = (target: Target): void => {
    const next = waiting.shift();
    if (next === undefined) free.push(target);
    else next(target);
  };
  return {
    atOnce: targets.length,
    async write() {
      const target = await take();
      count += 1;
      const request = encodeUpdate(tenant, target, count);
      const answer = await callRaw(client, UPDATE_PATH, request);
      const etag = UpdateServerResponse.decode(answer).server?.etag ?? '';
      giveBack({ ...target, etag });
      return { request, answer };
    },
  };
}

function encodeUpdate(tenant: string, { id, etag }: Target, count: number): Buffer {
  const title = `Tools of the office, edition ${String(count).padStart(8, '0')}`;
  const message = UpdateServerRequest.fromPartial({
    tenant,
    server: { id, etag, spec: { title } },
    updateMask: ['spec.title'],
    requestId: randomUUID(),
  });
  return Buffer.from(UpdateServerRequest.encode(message).finish());
}
