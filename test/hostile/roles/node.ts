import { inspect } from 'node:util';
import { createPool, type ConnectionPool } from '../../../src/client/pool/create-pool.js';
import { isClientError } from '../../../src/client/client-error.js';
import type { Transport } from '../../../src/domain/config/spec.js';
import { serve } from '../../bench/lab/serve.js';
import { ServerList } from '../../support/mcp/server-list.js';
import type { OthersResult } from '../attack.js';
import { repeatCalls, TIMEOUT_MS, type RepeatedCalls } from '../lab/repeated-calls.js';
import { takeMeasured, watchTurns } from '../lab/turn-monitor.js';

/** The two servers that a node knows. */
export interface NodeServers {
  readonly hostile: Transport;
  readonly good: Transport;
}

/** What the node does with the hostile server. */
export type Use = 'connect' | 'list tools' | 'call a tool';

/** Many uses in a row, to be told as few outcomes. */
const MAX_OUTCOMES = 5;

/** How long a call of a tool may take. Milliseconds. */
const CALL_MS = 4_000;

const view = new ServerList();
let hostileId = '';
let pool: ConnectionPool | undefined;
/** Everything that was told to the application: errors with their causes and stacks, events. */
const told: string[] = [];
let calls: RepeatedCalls | undefined;

const methods = {
  start({ hostile, good }: NodeServers): void {
    const timeouts = { connectMs: CALL_MS, callMs: CALL_MS };
    [hostileId = ''] = view.apply([
      { name: 'hostile', spec: { transport: hostile, timeouts } },
      { name: 'good', spec: { transport: good, timeouts: { callMs: TIMEOUT_MS } } },
    ]);
    pool = createPool({ view, onEvent: (event) => told.push(inspect(event, { depth: null })) });
    watchTurns();
  },
  /** Calls a tool of the good server again and again; resolves after the first time. */
  async begin(): Promise<void> {
    const first = await callGood();
    if (first !== undefined) throw new Error(first);
    calls = repeatCalls(callGood);
  },
  async end(): Promise<OthersResult> {
    if (calls === undefined) throw new Error('it has not begun');
    return calls.end();
  },
  /** Uses the hostile server, and returns what came of it. */
  async use(what: Use): Promise<string> {
    try {
      const connection = await opened().app.get('hostile');
      if (what !== 'connect') await connection.listTools();
      if (what === 'call a tool') {
        const onProgress = (): void => undefined;
        await connection.callTool({ name: 'tool', arguments: {} }, { onProgress });
      }
      return 'returned';
    } catch (error) {
      told.push(inspect(error, { depth: null }));
      return reasonOf(error);
    }
  },
  /** Uses the hostile server so many times, and returns the different outcomes. */
  async useOften({ what, times }: { readonly what: Use; readonly times: number }): Promise<string> {
    const outcomes = new Set<string>();
    for (let n = 0; n < times; n += 1) outcomes.add(await methods.use(what));
    return [...outcomes].slice(0, MAX_OUTCOMES).join('; ');
  },
  /** Whether the application was told this text anywhere. */
  wasTold: (text: string): boolean => told.some((entry) => entry.includes(text)),
  /** The hostile server is deleted; its connection is closed. */
  forget(): void {
    view.apply([], [hostileId]);
  },
  measured: () => takeMeasured(),
};

async function callGood(): Promise<string | undefined> {
  try {
    const connection = await opened().app.get('good');
    await connection.callTool({ name: 'echo', arguments: { message: 'hello' } });
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

function reasonOf(error: unknown): string {
  if (isClientError(error))
    return `${error.reason}: ${error.message.replace(/\s+/g, ' ').slice(0, 100)}`;
  throw error;
}

function opened(): ConnectionPool {
  if (pool === undefined) throw new Error('the node is not open');
  return pool;
}

/** A node of an application that measures itself. */
export type NodeRole = typeof methods;

serve(methods);
