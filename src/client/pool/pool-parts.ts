import type { PolicySource } from '../node-policy.js';
import type { ServerView } from '../server-view.js';
import type { ConnectionStock } from './connection-stock.js';
import type { CredentialStore } from './credential-store.js';
import type { PoolLimits } from './pool-options.js';
import type { SlotTable } from './slot.js';

/** What a pool works on. Nothing outside of PoolCore and what it calls gets at it. */
export interface PoolParts {
  readonly view: ServerView;
  readonly slots: SlotTable;
  readonly stock: ConnectionStock;
  readonly credentials: CredentialStore;
  /** Where PRIVATE servers may be. */
  readonly policy: PolicySource;
  readonly limits: PoolLimits;
}
