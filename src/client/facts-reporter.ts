import type { Metadata } from '@grpc/grpc-js';
import { neededScope, valueFields } from '../domain/config/connection-scope.js';
import { isSwitchboardError } from '../domain/errors.js';
import { referencesIn } from '../domain/config/value.js';
import { observe } from '../mcp/observe.js';
import type { FactsClient } from '../wire/client/facts-client.js';
import { codeOf } from '../wire/status.js';
import type { OpenedConnection, OpenedListener } from './pool/pool-options.js';
import type { KnownServer } from './server-view.js';
import { emitSyncEvent, type SyncEventListener } from './sync-event.js';

export interface FactsReporterOptions {
  /** Opens a channel; the reporter closes it. */
  readonly connect: () => FactsClient;
  readonly metadata: () => Metadata | Promise<Metadata>;
  readonly tenant: string;
  readonly nodeId: string;
  readonly onSync?: SyncEventListener | undefined;
}

/** Tells the control plane what this node learns by connecting to servers anyway. */
export interface FactsReporter {
  /** Takes note of a new connection. Returns at once, and never throws. */
  readonly offer: OpenedListener;
  /** Stops; what is under way is given up. */
  close(): void;
}

const TIMEOUT_MS = 30_000;
const AT_ONCE = 4;
/** Servers of which is remembered that they were reported. */
const MAX_REMEMBERED = 10_000;

/** With these the control plane will refuse every report. */
const FINAL: ReadonlySet<string> = new Set(['PERMISSION_DENIED', 'UNIMPLEMENTED']);

/**
 * Reports, in the background, what servers say of themselves: once for each configuration
 * of a server, only if nobody has told it yet, and only what was seen over a connection
 * that carries nothing of a user. Listing the tools is one more request to the server;
 * borrowers neither wait for it nor hear of its failure. What could not be told is told
 * after the next connect; a control plane that refuses is not asked again.
 */
export function createFactsReporter(options: FactsReporterOptions): FactsReporter {
  const { tenant, nodeId, onSync } = options;
  /** Config hash that was reported, or is being, by server id. */
  const reported = new Map<string, string>();
  const waiting: OpenedConnection[] = [];
  const stop = new AbortController();
  let active = 0;
  let client: FactsClient | undefined;

  function offer(opened: OpenedConnection): void {
    const { id, configHash } = opened.server;
    if (stop.signal.aborted || reported.get(id) === configHash || !isWorthTelling(opened)) return;
    if (reported.size >= MAX_REMEMBERED) reported.clear();
    reported.set(id, configHash);
    waiting.push(opened);
    pump();
  }

  function pump(): void {
    while (active < AT_ONCE && !stop.signal.aborted) {
      const next = waiting.shift();
      if (next === undefined) break;
      active += 1;
      void report(next).finally(() => {
        active -= 1;
        pump();
      });
    }
    if (active > 0) return;
    client?.close();
    client = undefined;
  }

  async function report({ server, mcp }: OpenedConnection): Promise<void> {
    try {
      const { signal } = stop;
      const observed = await observe(mcp, { signal, timeoutMs: TIMEOUT_MS });
      const observation = { ...observed, configHash: server.configHash, observedBy: nodeId };
      const metadata = await options.metadata();
      if (isAborted(signal)) return;
      client ??= options.connect();
      const facts = { tenant, id: server.id, observation };
      await client.recordFacts(facts, { metadata, signal, timeoutMs: TIMEOUT_MS });
    } catch (error) {
      if (reported.get(server.id) === server.configHash) reported.delete(server.id);
      if (!isSwitchboardError(error) || !FINAL.has(codeOf(error)) || isAborted(stop.signal)) return;
      close();
      emitSyncEvent(onSync, { type: 'facts_refused', error });
    }
  }

  function close(): void {
    stop.abort();
    waiting.length = 0;
    client?.close();
    client = undefined;
  }

  return { offer, close };
}

/** Whether nobody told it yet, and it may be told to all who see the server. */
function isWorthTelling({ server, user, hasCredentials }: OpenedConnection): boolean {
  if (server.facts?.observation?.configHash === server.configHash) return false;
  if (neededScope(server.spec).scope !== 'shared') return false;
  // A connection of a user shows what the user may see, if anything says who that is.
  return user === undefined || (!hasCredentials && !hasSecrets(server));
}

/** The hook that answers secrets is told for which user. */
function hasSecrets({ spec }: KnownServer): boolean {
  return valueFields(spec).some(({ text }) =>
    referencesIn(text).some(({ kind }) => kind === 'secret'),
  );
}

// A function, because the compiler does not know that a signal changes during an await.
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
