import type { SwitchboardError } from '../../domain/errors.js';
import type { ServerSpec } from '../../domain/config/spec.js';
import type { CallOptions } from '../../storage/call-options.js';

/** One private server as its source has it, or what is wrong with it. */
export interface SourceRow {
  /** The source's own id of it, unique in the tenant; empty if it has none. */
  readonly rowId: string;
  readonly name: string;
  /** The user id of the owner. */
  readonly owner: string;
  /** Not yet validated. */
  readonly content: ServerSpec | SwitchboardError;
}

/**
 * Where a user's private servers come from besides the Catalog itself: the application's
 * own service. It is asked for one user at a time and returns all that this user may use,
 * of one moment.
 *
 * Errors: CANCELLED when `signal` aborts; SOURCE_UNAVAILABLE when it cannot be reached,
 * fails or does not answer in time; SOURCE_TOO_LARGE when it returns more than it may. It
 * never returns a part.
 */
export interface PrivateSource {
  /** As the configuration and the records call it. */
  readonly name: string;
  load(
    request: { readonly tenant: string; readonly user: string },
    options?: CallOptions,
  ): Promise<readonly SourceRow[]>;
  /** Closing twice is fine. */
  close(): Promise<void>;
}

/** For how long a load is answered from unless the configuration says otherwise. */
export const DEFAULT_TTL_MS = 3_600_000;

/** How the private servers of a tenant are loaded. Times in milliseconds. */
export interface PrivateSourcePolicy {
  /** For how long a load is answered from; refreshed at 80 %. Default `DEFAULT_TTL_MS`. */
  readonly ttlMs: number;
  /** So many users are asked for at once. Default 8. */
  readonly concurrency: number;
  /** Whether its rows may belong to other owners than the user asked for. Default false. */
  readonly foreignOwners: boolean;
}

/** The private source of a tenant; undefined where the Catalog is the source. */
export type PrivateSources = (
  tenant: string,
) => { readonly source: PrivateSource; readonly policy: PrivateSourcePolicy } | undefined;
