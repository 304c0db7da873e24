import type { SwitchboardError } from './errors.js';
import type { StoredServer } from './server.js';
import type { ReaderView } from './view.js';

/** How a server is asked for. */
export type ServerKey = { readonly name: string } | { readonly id: string };

/** A connection that a client holds. */
export interface HeldConnection {
  readonly view: ReaderView;
  readonly key: ServerKey;
  /** With a name: the id of the server it was built for; empty if not told. */
  readonly serverId: string;
  readonly builtFrom: { readonly configHash: string } | { readonly lastUpdatedAt: number };
}

/** Whether the configuration that it was built from is still the current one. */
export type CheckResult =
  | { readonly state: 'current' | 'gone' }
  | { readonly state: 'stale'; readonly server: StoredServer }
  | { readonly state: 'failed'; readonly error: SwitchboardError };
