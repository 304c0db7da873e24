import { SwitchboardError } from '../domain/errors.js';
import type { Catalog } from '../storage/catalog.js';
import { shardsOf, type Relay, type RelayMessage } from '../storage/relay.js';
import { compactTenants, type Retention } from './replica/compaction.js';
import type { Tenants } from './tenants.js';
import type { NodeSession } from './watch/node-session.js';
import type { WatchLimits } from './watch/watch-limits.js';

export interface BackgroundDeps {
  readonly catalog: Catalog;
  readonly relay: Relay;
  readonly tenants: Tenants;
  /** Deals with what another replica tells. */
  readonly receive: (message: RelayMessage) => Promise<void>;
  /** The nodes' streams that are open. */
  readonly sessions: ReadonlySet<NodeSession>;
  readonly limits: WatchLimits;
  readonly retention: Retention;
  /** Told what goes wrong; it is tried again. */
  readonly onError: (error: unknown) => void;
}

/** How often a replica asks the Catalog for what it may have missed (protocol.md rule 29). */
const FOLLOW_MS = 1_000;
/** Heartbeats leave a little before they are due, so that none is late. */
const HEARTBEAT_LEAD = 0.9;

/** What a replica does periodically in the background, until it is closed. */
export function startBackground(deps: BackgroundDeps): { close(): Promise<void> } {
  const { catalog, relay, tenants, receive, sessions, limits, retention, onError } = deps;
  const every = (ms: number, body: () => void): NodeJS.Timeout => setInterval(body, ms).unref();
  const guarded = (work: () => Promise<void>) => (): void => void work().catch(onError);
  const timers = [
    every(
      FOLLOW_MS,
      guarded(() => tenants.follow()),
    ),
    every(
      retention.everyMs,
      guarded(() => compactTenants(catalog, retention)),
    ),
    every(limits.heartbeatMs * HEARTBEAT_LEAD, () => {
      for (const { hub, log, upstream } of tenants.all()) hub.beat(log, upstream.status());
    }),
    every(Math.min(FOLLOW_MS, limits.stallMs, limits.ackMs), () => {
      tenants.endLost();
      for (const { hub } of tenants.all()) hub.checkStalled();
      for (const session of sessions) session.checkAcknowledged();
      tenants.dropIdle();
    }),
  ];
  const subscribed = relay.subscribe(
    shardsOf(relay),
    (message) => void receive(message).catch(onError),
  );
  subscribed.catch(onError);
  return {
    async close(): Promise<void> {
      for (const timer of timers) clearInterval(timer);
      const retryDelayMs = 1_000;
      tenants.endStreams(() => new SwitchboardError('SHUTTING_DOWN', undefined, { retryDelayMs }));
      const unsubscribe = await subscribed.catch(() => () => Promise.resolve());
      await unsubscribe();
    },
  };
}
