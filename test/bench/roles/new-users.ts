import type { Client } from '@grpc/grpc-js';
import { ListServersRequest } from '../../../generated/switchboard/v1/registry_service.js';
import { userView } from '../../support/grpc-admin/grpc-admin.js';
import { quantile } from '../figures.js';
import { callRaw, openRawClient } from '../lab/raw-grpc.js';
import { serve } from '../lab/serve.js';

/** Where to list, and for how many users. */
export interface NewUsersOptions {
  readonly address: string;
  readonly path: string;
  readonly users: number;
}

/** Milliseconds from the request to the answer. */
export interface NewUsersResult {
  readonly p50: number;
  readonly p99: number;
}

const clients = new Map<string, Client>();
let users = 0;

const methods = {
  /** Lists once for each of so many users who were never seen before, one after the other. */
  async run(options: NewUsersOptions): Promise<NewUsersResult> {
    const latencies: number[] = [];
    for (let count = 0; count < options.users; count += 1) {
      const { ms } = await listForNext(options);
      latencies.push(ms);
    }
    return { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) };
  },
  /** The same for one; answers the bytes. */
  once: async (options: Omit<NewUsersOptions, 'users'>): Promise<Buffer> =>
    (await listForNext(options)).answer,
};

async function listForNext({ address, path }: Omit<NewUsersOptions, 'users'>) {
  const client = clients.get(address) ?? openRawClient(address);
  clients.set(address, client);
  users += 1;
  // All of one length, so that all answers are.
  const view = userView(`user-${String(users).padStart(8, '0')}`);
  const message = ListServersRequest.fromPartial({ view });
  const request = Buffer.from(ListServersRequest.encode(message).finish());
  const begin = performance.now();
  const answer = await callRaw(client, path, request);
  return { answer, ms: performance.now() - begin };
}

/** The process that lists for users who come for the first time. */
export type NewUsers = typeof methods;

serve(methods);
