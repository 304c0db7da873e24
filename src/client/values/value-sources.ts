import type { KnownServer } from '../server-view.js';

/** For whom a hook is asked. */
export interface HookRequest {
  /** Undefined for a connection that everyone shares. */
  readonly user: string | undefined;
  readonly server: KnownServer;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** What only the application knows about a user. */
export interface UserValues {
  /** Fields of the user, for `${user:X}`. */
  readonly user?: Readonly<Record<string, string>>;
  /** The user's own variables, for `${var:X}`. */
  readonly vars?: Readonly<Record<string, string>>;
}

/** Answers the values of a user. Asked once per connect, and only if the spec has such a placeholder. */
export type UserValuesHook = (request: HookRequest) => Promise<UserValues> | UserValues;

/** Answers a secret, or undefined if there is none of the name. Asked once per connect and name. */
export type SecretsHook = (
  name: string,
  request: HookRequest,
) => Promise<string | undefined> | string | undefined;

/** Where the values of a spec come from at this node. */
export interface ValueSources {
  /** For `${env:X}`, and for the environment of processes. */
  readonly env: Readonly<Record<string, string>>;
  readonly userValues?: UserValuesHook;
  readonly secrets?: SecretsHook;
}
