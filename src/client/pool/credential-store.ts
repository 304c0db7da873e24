import type { KnownServer } from '../server-view.js';
import { askHook } from '../values/collect-values.js';
import type { HookRequest } from '../values/value-sources.js';
import { SharedAttempt } from './shared-attempt.js';

/** What the application gives for reaching one server as one user. */
export interface Credentials {
  /** Added to the headers of the spec, and stronger than they. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Other credentials, other revision: a connection is used with the one it was built with only. */
  readonly revision: string;
  /**
   * Milliseconds since 1970 from which on to ask again; but not within a second of the
   * answer, whatever the clocks say. Default: never by itself.
   */
  readonly expiresAt?: number;
}

/** What the credentials hook is asked. */
export interface CredentialsRequest extends HookRequest {
  /** The revision that the server refused; undefined when this is not about a 401. */
  readonly previous?: string;
}

/** Answers credentials, or undefined if the server needs none. Asked for HTTP servers only. */
export type CredentialsHook = (
  request: CredentialsRequest,
) => Promise<Credentials | undefined> | Credentials | undefined;

/** The shortest time between two asks, for answers that are expired when they come. */
const MIN_HELD_MS = 1000;

/** Of which credentials a connection was built. */
export interface BuiltWith {
  readonly server: KnownServer;
  readonly user: string | undefined;
  readonly credentialRevision: string;
}

interface Held {
  readonly credentials: Credentials;
  /** Monotonic milliseconds. */
  readonly until: number;
}

interface Entry {
  held: Held | undefined;
  rejected: string | undefined;
  asking: SharedAttempt<Credentials> | undefined;
}

/** The revision where no credentials are used. */
export const NO_CREDENTIALS: Credentials = Object.freeze({ revision: '' });

/** What the credentials hook answered, by server and user. Concurrent asks are one. */
export class CredentialStore {
  readonly #hook: CredentialsHook | undefined;
  readonly #entries = new Map<string, Map<string | undefined, Entry>>();

  constructor(hook: CredentialsHook | undefined) {
    this.#hook = hook;
  }

  /** Whether a refused revision may be followed by another. */
  get canRenew(): boolean {
    return this.#hook !== undefined;
  }

  /** The credentials to use now. Throws HOOK_FAILED or CANCELLED. */
  async get(request: HookRequest): Promise<Credentials> {
    const hook = this.#hook;
    if (hook === undefined) return NO_CREDENTIALS;
    const entry = this.#entry(request.server.id, request.user);
    if (isCurrent(entry.held)) return entry.held.credentials;
    entry.asking ??= this.#ask(entry, hook, request);
    return entry.asking.join(request.signal);
  }

  /** Whether a connection was built with what would be used now, and that needs no asking. */
  isCurrent({ server, user, credentialRevision }: BuiltWith): boolean {
    if (this.#hook === undefined || server.spec.transport.kind === 'stdio') return true;
    const held = this.#entries.get(server.id)?.get(user)?.held;
    return isCurrent(held) && held.credentials.revision === credentialRevision;
  }

  /** Whether the server refused what is held. */
  isRejected(serverId: string, user: string | undefined): boolean {
    const entry = this.#entries.get(serverId)?.get(user);
    return entry?.held !== undefined && entry.held.credentials.revision === entry.rejected;
  }

  /** Says that the server refused a revision. */
  reject(serverId: string, user: string | undefined, revision: string): void {
    const entry = this.#entry(serverId, user);
    entry.rejected = revision;
    if (entry.held?.credentials.revision === revision) entry.held = undefined;
  }

  /** Drops what is held for a user, of one server or of all. */
  forget(serverId: string | undefined, user: string | undefined): void {
    const ids = serverId === undefined ? [...this.#entries.keys()] : [serverId];
    for (const id of ids) {
      const byUser = this.#entries.get(id);
      byUser?.delete(user);
      if (byUser?.size === 0) this.#entries.delete(id);
    }
  }

  /** Drops what is held for users who are not among those of the server. */
  prune(usersOf: (serverId: string) => ReadonlySet<string | undefined>): void {
    for (const [serverId, byUser] of this.#entries) {
      const users = usersOf(serverId);
      for (const [user, { asking }] of byUser) {
        if (asking === undefined && !users.has(user)) byUser.delete(user);
      }
      if (byUser.size === 0) this.#entries.delete(serverId);
    }
  }

  #ask(entry: Entry, hook: CredentialsHook, request: HookRequest): SharedAttempt<Credentials> {
    const { user, server } = request;
    const attempt = new SharedAttempt<Credentials>(
      async (signal) => {
        const previous = entry.rejected === undefined ? {} : { previous: entry.rejected };
        try {
          const asked = askHook('credentials', { user, server, signal }, () =>
            hook({ user, server, signal, ...previous }),
          );
          const answer = (await asked) ?? NO_CREDENTIALS;
          if (!signal.aborted) entry.held = hold(answer);
          return answer;
        } finally {
          if (entry.asking === attempt) entry.asking = undefined;
        }
      },
      () => {
        if (entry.asking === attempt) entry.asking = undefined;
      },
    );
    return attempt;
  }

  #entry(serverId: string, user: string | undefined): Entry {
    let byUser = this.#entries.get(serverId);
    if (byUser === undefined) {
      byUser = new Map<string | undefined, Entry>();
      this.#entries.set(serverId, byUser);
    }
    let entry = byUser.get(user);
    if (entry === undefined) {
      entry = { held: undefined, rejected: undefined, asking: undefined };
      byUser.set(user, entry);
    }
    return entry;
  }
}

function hold(credentials: Credentials): Held {
  const { expiresAt } = credentials;
  if (expiresAt === undefined) return { credentials, until: Infinity };
  // From here on the wall clock, which may be set meanwhile, plays no part.
  const forMs = Math.max(MIN_HELD_MS, expiresAt - Date.now());
  return { credentials, until: performance.now() + forMs };
}

function isCurrent(held: Held | undefined): held is Held {
  return held !== undefined && (held.until === Infinity || performance.now() < held.until);
}
