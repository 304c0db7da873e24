import type { TransportPolicy } from '../../src/domain/transport-policy.js';

/** Everything but metadata services: for tests whose private servers are processes of their own. */
export const OPEN_POLICY: TransportPolicy = {
  privateStdio: true,
  loopback: true,
  networks: ['0.0.0.0/0', '::/0'],
  hosts: [],
};
