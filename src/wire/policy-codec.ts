import type * as message from '../../generated/switchboard/v1/server.js';
import { readPolicy } from '../domain/read-policy.js';
import type { TransportPolicy } from '../domain/transport-policy.js';

/** A transport policy as a message. */
export function toTransportPolicyMessage(policy: TransportPolicy): message.TransportPolicy {
  const { networks, hosts } = policy;
  return { ...policy, networks: [...networks], hosts: [...hosts] };
}

/** A policy that the server sent. Throws an Error if it is none, so that nothing is allowed. */
export function fromTransportPolicyMessage(policy: message.TransportPolicy): TransportPolicy {
  return readPolicy(policy);
}
