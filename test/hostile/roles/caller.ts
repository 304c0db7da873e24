import { setTimeout as sleep } from 'node:timers/promises';
import { Metadata } from '@grpc/grpc-js';
import { serve } from '../../bench/lab/serve.js';
import { APP, byName, openAdmin, refusalOf } from '../../support/grpc-admin/grpc-admin.js';
import type { OthersResult } from '../attack.js';

/** Whom the caller calls. */
export interface CallerOptions {
  readonly address: string;
  readonly token: string;
  /** The name of a server that is there. */
  readonly name: string;
}

/** What a person waits for. Milliseconds. */
const TIMEOUT_MS = 2_000;
const EVERY_MS = 20;
/** More say nothing new. */
const MAX_FAILURES = 20;

let isOver = false;
let running: Promise<OthersResult> | undefined;

const methods = {
  /** Reads again and again, each time within two seconds; resolves after the first time. */
  async begin({ address, token, name }: CallerOptions): Promise<void> {
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    const admin = openAdmin(address, metadata, TIMEOUT_MS);
    const call = async (): Promise<string | undefined> => {
      try {
        await admin.get({ view: APP, key: byName(name) });
        return undefined;
      } catch (error) {
        const { reason, message } = await refusalOf(Promise.reject(error as Error));
        return `${reason}: ${message}`;
      }
    };
    const first = await call();
    if (first !== undefined) throw new Error(first);
    running = callUntilOver(call).finally(() => {
      admin.close();
    });
  },
  /** Stops calling; returns what came of the calls. */
  async end(): Promise<OthersResult> {
    isOver = true;
    if (running === undefined) throw new Error('it has not begun');
    return running;
  },
};

async function callUntilOver(call: () => Promise<string | undefined>): Promise<OthersResult> {
  const failures: string[] = [];
  let calls = 0;
  while (!isOver) {
    const failure = await call();
    calls += 1;
    if (failure !== undefined && failures.length < MAX_FAILURES) failures.push(failure);
    await sleep(EVERY_MS);
  }
  return { calls, failures };
}

/** An application that uses the control plane and has done nothing wrong. */
export type CallerRole = typeof methods;

serve(methods);
