import type { Bench } from '../bench.js';
import { clientLookup } from './client-lookup.js';
import { poolBorrow } from './pool-borrow.js';
import { commitToCallback } from './commit-to-callback.js';
import { watchFanOut } from './watch-fan-out.js';
import { durableWrite } from './durable-write.js';
import { watcherMemory } from './watcher-memory.js';
import { listForUser } from './list-for-user.js';
import { updateGranted } from './update-granted.js';
import { nodeReconnect } from './node-reconnect.js';
import { getServer } from './get-server.js';
import { getPrivateServer } from './get-private-server.js';
import { privateLoad } from './private-load.js';
import { setAccess } from './set-access.js';

/** All benches, in the order of the table. */
export const BENCHES: readonly Bench[] = [
  clientLookup,
  poolBorrow,
  getServer,
  getPrivateServer,
  ...watchFanOut,
  commitToCallback,
  watcherMemory,
  nodeReconnect,
  ...durableWrite,
  ...listForUser,
  privateLoad,
  updateGranted,
  setAccess,
];

/** Those of the benches that `only` is found in: in the name, or in that of a row. */
export function select(benches: readonly Bench[], only: RegExp | undefined): readonly Bench[] {
  if (only === undefined) return benches;
  return benches.filter(({ name, rows }) =>
    [name, ...rows.map((row) => row.name)].some((text) => only.test(text)),
  );
}
