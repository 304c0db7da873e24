import type { ServiceError } from '@grpc/grpc-js';
import { serve } from '../../bench/lab/serve.js';
import { APP, byName, openAdmin, toRefusal } from '../../support/grpc-admin/grpc-admin.js';
import type { OthersResult } from '../attack.js';
import { bearer } from '../lab/bearer.js';
import { repeatCalls, TIMEOUT_MS, type RepeatedCalls } from '../lab/repeated-calls.js';

/** Whom the caller calls. */
export interface CallerOptions {
  readonly address: string;
  readonly token: string;
  /** The name of a server that is there. */
  readonly name: string;
}

let calls: RepeatedCalls | undefined;

const methods = {
  /** Reads again and again; resolves after the first time. */
  async begin({ address, token, name }: CallerOptions): Promise<void> {
    const admin = openAdmin(address, bearer(token), TIMEOUT_MS);
    const call = async (): Promise<string | undefined> => {
      try {
        await admin.get({ view: APP, key: byName(name) });
        return undefined;
      } catch (error) {
        const { reason, message } = toRefusal(error as ServiceError);
        return `${reason}: ${message}`;
      }
    };
    const first = await call();
    if (first !== undefined) throw new Error(first);
    calls = repeatCalls(call);
  },
  /** Stops calling; returns what came of the calls. */
  async end(): Promise<OthersResult> {
    if (calls === undefined) throw new Error('it has not begun');
    return calls.end();
  },
};

/** An application that uses the control plane and has done nothing wrong. */
export type CallerRole = typeof methods;

serve(methods);
