import { openSwitchboard, type Switchboard, type UserHandle } from '../../../src/client/index.js';
import { serve } from '../lab/serve.js';
import { shuffledNames, timeAsyncLoop, timeLoop } from '../lab/time-loop.js';

/** Whom the node follows, and the names that it is asked for. */
export interface NodeOptions {
  readonly address: string;
  readonly user: string;
  readonly names: readonly string[];
}

interface OpenNode {
  readonly client: Switchboard;
  readonly user: UserHandle;
  readonly names: readonly string[];
  readonly map: ReadonlyMap<string, { readonly id: string }>;
}

const HOUR_MS = 3_600_000;
/** So many names are asked for in a round. */
const NAMES = 1_000;

let node: OpenNode | undefined;
/** Takes what the loops find, so that no compiler can leave them out. */
let sink = 0;

const methods = {
  /** Opens the client and follows the user. */
  async open({ address, user, names }: NodeOptions): Promise<void> {
    const client = openSwitchboard({
      target: address,
      // Nothing in the background: neither probes nor reports of what was connected to.
      idleMs: HOUR_MS,
      probeAfterMs: HOUR_MS,
      reportFacts: false,
    });
    await client.ready();
    const handle = await client.user(user);
    const map = new Map(handle.servers.list().map((server) => [server.name, server]));
    node = { client, user: handle, names: shuffledNames(names, NAMES), map };
  },
  /** Connects to every server once. */
  async connect(): Promise<void> {
    const { user, names } = opened();
    const outcomes = await user.connections.getMany([...new Set(names)]);
    const failed = outcomes.find((outcome) => 'error' in outcome);
    if (failed !== undefined) throw new Error(`${failed.name} was not connected`);
  },
  /** Nanoseconds of a lookup in the view. */
  lookUp(ms: number): number {
    const { user, names } = opened();
    return timeLoop(
      () => {
        for (const name of names) sink += user.servers.get(name)?.id.length ?? 0;
      },
      { steps: names.length, ms },
    );
  },
  /** Nanoseconds of borrowing a connection that is there. */
  borrow(ms: number): Promise<number> {
    const { user, names } = opened();
    return timeAsyncLoop(
      async () => {
        for (const name of names) sink += (await user.connections.get(name)).serverId.length;
      },
      { steps: names.length, ms },
    );
  },
  /** Nanoseconds of a lookup of the same names in a Map of the same servers. */
  lookUpInMap(ms: number): number {
    const { map, names } = opened();
    return timeLoop(
      () => {
        for (const name of names) sink += map.get(name)?.id.length ?? 0;
      },
      { steps: names.length, ms },
    );
  },
  sink: () => sink,
};

function opened(): OpenNode {
  if (node === undefined) throw new Error('the node is not open');
  return node;
}

/** A node of an application, with the client library. */
export type NodeRole = typeof methods;

serve(methods);
