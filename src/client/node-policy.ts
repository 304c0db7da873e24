import { readPolicy } from '../domain/read-policy.js';
import {
  SAFE_POLICY,
  samePolicy,
  transportRefusal,
  type TransportPolicy,
} from '../domain/transport-policy.js';
import { ClientError } from './client-error.js';
import type { KnownServer } from './server-view.js';

/** Where PRIVATE servers may be, as this node knows it now. */
export interface PolicySource {
  /** Each of them has to allow a connect. Another array after each change. */
  readonly current: readonly TransportPolicy[];
  /** Calls `listener` synchronously after each change. Returns a function that ends it. */
  onChanged(listener: () => void): () => void;
}

/** A policy source that follows the control plane. */
export interface NodePolicy extends PolicySource {
  /** Takes what the control plane says; undefined, as of an older one, allows public addresses only. */
  readonly follow: (policy: TransportPolicy | undefined) => void;
}

/**
 * What the control plane allows and the node's own `own` does too: what is left out of that is not
 * narrowed. Until the control plane is heard, public addresses only. Throws VALUE_INVALID if `own`
 * has a network or host that is none.
 */
export function createNodePolicy(own: Partial<TransportPolicy> = {}): NodePolicy {
  const narrowed = (told: TransportPolicy): readonly TransportPolicy[] => [
    told,
    readPolicy({ ...told, ...own }),
  ];
  const listeners = new Set<() => void>();
  let told = SAFE_POLICY;
  let current = readOwn(() => narrowed(told));
  return {
    get current() {
      return current;
    },
    onChanged(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    follow: (policy = SAFE_POLICY) => {
      if (samePolicy(policy, told)) return;
      told = policy;
      current = narrowed(told);
      for (const listener of listeners) listener();
    },
  };
}

/** Why this node may not connect to a server; undefined if it may. */
export function refusalBy(
  { current }: Pick<PolicySource, 'current'>,
  server: KnownServer,
): ClientError | undefined {
  for (const policy of current) {
    const refusal = transportRefusal(policy, server);
    if (refusal === undefined) continue;
    const { rule, message, field } = refusal;
    const { name } = server;
    return new ClientError('TRANSPORT_NOT_ALLOWED', `${name}: spec.${field}: ${message}`, {
      metadata: { server: name, rule, field: `spec.${field}` },
    });
  }
  return undefined;
}

function readOwn<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const text = `transportPolicy: ${(cause as Error).message}`;
    throw new ClientError('VALUE_INVALID', text, { cause });
  }
}
