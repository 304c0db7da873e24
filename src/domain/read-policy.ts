import { isIn, parseIp, parseNetwork } from './ip-address.js';
import type { TransportPolicy } from './transport-policy.js';

/** `policy` as the rules compare it. Throws an Error that says which network or host is wrong. */
export function readPolicy(policy: TransportPolicy): TransportPolicy {
  return {
    privateStdio: policy.privateStdio,
    loopback: policy.loopback,
    networks: policy.networks.map(readNetwork),
    hosts: policy.hosts.map(readHost),
  };
}

/** A network such as `10.0.0.0/8`, or an address. Throws an Error if it is neither. */
export function readNetwork(text: string): string {
  const { address } = parseNetwork(text);
  // Such an address counts as the IPv4 one that it leads to.
  if (address.family === 6 && isIn(address, MAPPED))
    throw new Error(`${JSON.stringify(text)}: write it as IPv4`);
  return text.toLowerCase();
}

/** A host such as `mcp.internal`, `*.internal` or `10.0.0.7`. Throws an Error if it is none. */
export function readHost(text: string): string {
  const name = text.toLowerCase().replace(/\.$/, '');
  const plain = name.startsWith('*.') ? name.slice(2) : name;
  const isName = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(plain) && URL.canParse(`http://${plain}`);
  if (!isName && parseIp(name) === undefined)
    throw new Error(`${JSON.stringify(text)} is not a host such as mcp.internal or *.internal`);
  return name;
}

const MAPPED = parseNetwork('::ffff:0:0/96');
