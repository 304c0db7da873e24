import type { SwitchboardError } from '../../domain/errors.js';
import type { SyncEncoder } from './node-audience.js';
import type { WatchDeps } from './watch-servers.js';

/** What a session needs of the encoder besides its audience. */
export interface SessionEncoder extends SyncEncoder {
  welcome(facts: { readonly resumed: boolean }): Uint8Array;
  refused(id: string, error: SwitchboardError): Uint8Array;
}

export interface SessionDeps extends WatchDeps {
  readonly encoder: SessionEncoder;
  readonly maxSubscriptions: number;
}
