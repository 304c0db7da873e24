import { addressClass, nameClass, type AddressClass } from './address-class.js';
import type { ServerSpec } from './config/spec.js';
import { joinValue, parseValue } from './config/value.js';
import { canonicalJson } from './digest.js';
import {
  embeddedIpv4,
  isIn,
  isSingle,
  parseIp,
  parseNetwork,
  type IpAddress,
} from './ip-address.js';
import type { Declaration, KnownServer } from './server.js';

/** Where PRIVATE servers may be, beyond public addresses. Whoever may write one chooses where. */
export interface TransportPolicy {
  /** Whether they may be processes that nodes start. */
  readonly privateStdio: boolean;
  /** Whether they may be on the machine that connects. */
  readonly loopback: boolean;
  /** Further networks, such as `10.0.0.0/8`. */
  readonly networks: readonly string[];
  /**
   * Hosts that may have any address, and be proxies: names such as `mcp.internal`, `*.internal`
   * for all names below, and addresses.
   */
  readonly hosts: readonly string[];
}

/** Public addresses only. */
export const SAFE_POLICY: TransportPolicy = Object.freeze({
  privateStdio: false,
  loopback: false,
  networks: [],
  hosts: [],
});

/** The rule that refuses a transport. Stable: it goes with errors. */
export type TransportRule = 'stdio' | AddressClass | 'proxy';

/** Why a transport is refused. */
export interface TransportRefusal {
  readonly rule: TransportRule;
  /** Of the spec, such as `streamable_http.url`. */
  readonly field: string;
  /** What is refused, why, and what would allow it. */
  readonly message: string;
}

/** What decides whether the policy applies to a server. */
type Restrictable = Pick<KnownServer, 'tier' | 'transportExempt'>;

/** Whether the policy applies: to PRIVATE servers, except those that an administrator demoted. */
export function isRestricted({ tier, transportExempt }: Restrictable): boolean {
  return tier === 'PRIVATE' && transportExempt !== true;
}

/** Why nobody may connect to a server, as far as its record tells; undefined if somebody may. */
export function transportRefusal(
  policy: TransportPolicy,
  server: Restrictable & Pick<KnownServer, 'spec'>,
): TransportRefusal | undefined {
  return isRestricted(server) ? specRefusal(policy, server.spec) : undefined;
}

/**
 * Why a PRIVATE server may not be as `spec` says. What stands in a host for a value is checked when
 * it is known, and what a name resolves to with every connect.
 */
export function specRefusal(
  policy: TransportPolicy,
  { transport, proxyUrl, oauth }: ServerSpec,
): TransportRefusal | undefined {
  if (transport.kind === 'stdio') return stdioRefusal(policy);
  const places = [
    [`${transport.kind}.url`, transport.url],
    ['oauth.token_url', oauth?.tokenUrl ?? ''],
    ['oauth.revocation_url', oauth?.revocationUrl ?? ''],
  ] as const;
  for (const [field, url] of places) {
    const host = literalHost(url);
    const refusal = host === undefined ? undefined : hostRefusal(policy, host, field);
    if (refusal !== undefined) return refusal;
  }
  if (proxyUrl === '') return undefined;
  return proxyRefusal(policy, literalHost(proxyUrl));
}

/** Why a PRIVATE server may not be a process. */
export function stdioRefusal({ privateStdio }: TransportPolicy): TransportRefusal | undefined {
  if (privateStdio) return undefined;
  const message =
    'a PRIVATE server may not start a process (rule stdio): make it streamable_http, or allow it with --allow-private-stdio';
  return { rule: 'stdio', field: 'stdio', message };
}

/** Why a host may not be connected to, before its name is resolved: `host` as a URL has it. */
export function hostRefusal(
  policy: TransportPolicy,
  host: string,
  field: string,
): TransportRefusal | undefined {
  const name = plainHost(host);
  const address = parseIp(name);
  if (address !== undefined) return addressRefusal(policy, { host: name, address: name, field });
  const special = nameClass(name);
  if (special === undefined || isAllowed(policy, special, { name })) return undefined;
  return refused(special, `${name},`, field);
}

/** An address that a host resolved to, or that it is. */
export interface ResolvedHost {
  readonly host: string;
  readonly address: string;
  readonly field: string;
}

/** Why an address may not be connected to. What is not an address is refused. */
export function addressRefusal(
  policy: TransportPolicy,
  { host, address: text, field }: ResolvedHost,
): TransportRefusal | undefined {
  const address = parseIp(text);
  const special = address === undefined ? 'reserved' : addressClass(address);
  if (special === undefined) return undefined;
  if (isAllowed(policy, special, { name: plainHost(host), address })) return undefined;
  const name = plainHost(host);
  // Not the address: whoever writes a server would learn what names resolve to here.
  return refused(special, name === text ? `${name},` : `${name}, which resolves to`, field);
}

/**
 * Why a proxy may not be used; `host` is undefined if it is not known yet. A proxy resolves names
 * by itself, so that what they lead to cannot be checked: it has to be named as a host.
 */
export function proxyRefusal(
  policy: TransportPolicy,
  host: string | undefined,
): TransportRefusal | undefined {
  if (host === undefined) return undefined;
  if (isHost(policy, plainHost(host))) return hostRefusal(policy, host, 'proxy_url');
  const name = JSON.stringify(plainHost(host));
  const message = `a PRIVATE server may not use the proxy ${name} (rule proxy): allow it with --allow-private-hosts`;
  return { rule: 'proxy', field: 'proxy_url', message };
}

/** Whether two specs lead to the same place. Headers and titles do not matter to that. */
export function sameDestination(a: ServerSpec, b: ServerSpec): boolean {
  return canonicalJson(destinationOf(a)) === canonicalJson(destinationOf(b));
}

function destinationOf({ transport, proxyUrl, oauth }: ServerSpec): unknown {
  if (transport.kind === 'stdio') return transport;
  const { kind, url } = transport;
  return [kind, url, proxyUrl, oauth?.tokenUrl ?? '', oauth?.revocationUrl ?? ''];
}

/** Whether a change of what is declared leaves a PRIVATE server where it is. */
export function staysInPlace(before: Declaration, after: Declaration): boolean {
  const arePrivate = before.tier === 'PRIVATE' && after.tier === 'PRIVATE';
  return arePrivate && sameDestination(before.spec, after.spec);
}

/** Whether both allow the same. */
export function samePolicy(a: TransportPolicy, b: TransportPolicy): boolean {
  return canonicalJson({ ...a }) === canonicalJson({ ...b });
}

/** Metadata services only if they are named themselves: nobody means them by a wide network. */
function isAllowed(
  policy: TransportPolicy,
  special: AddressClass,
  { name, address }: { readonly name: string; readonly address?: IpAddress | undefined },
): boolean {
  const { loopback, networks } = policy;
  const isMetadata = special === 'metadata';
  if (special === 'loopback' && loopback) return true;
  if (isHost(policy, name) && !(isMetadata && address !== undefined)) return true;
  if (address === undefined) return false;
  const meant = embeddedIpv4(address);
  return networks
    .map(parseNetwork)
    .some((network) => isIn(meant, network) && (!isMetadata || isSingle(network)));
}

function isHost({ hosts }: TransportPolicy, name: string): boolean {
  return hosts.some(
    (host) => host === name || (host.startsWith('*.') && name.endsWith(host.slice(1))),
  );
}

const ALLOWED_BY: Readonly<Record<AddressClass, string>> = {
  metadata: '--allow-private-networks with exactly this address',
  loopback: '--allow-private-networks or --allow-private-hosts',
  'link-local': '--allow-private-networks or --allow-private-hosts',
  private: '--allow-private-networks or --allow-private-hosts',
  reserved: '--allow-private-networks or --allow-private-hosts',
};

const MEANING: Readonly<Record<AddressClass, string>> = {
  metadata: 'a metadata service',
  loopback: 'the machine that connects',
  'link-local': 'a link-local address',
  private: 'a private address',
  reserved: 'a reserved address',
};

function refused(rule: AddressClass, where: string, field: string): TransportRefusal {
  const message = `a PRIVATE server may not be at ${where} ${MEANING[rule]} (rule ${rule}): allow it with ${ALLOWED_BY[rule]}`;
  return { rule, field, message };
}

/** The host of a URL; undefined if it depends on a value, or there is none. */
function literalHost(url: string): string | undefined {
  const [one, other] = ['a', 'b'].map((value) => hostOf(joinValue(parseValue(url), () => value)));
  return one === other ? one : undefined;
}

/** The host of a URL, as `hostRefusal` takes it; undefined if it has none. */
export function hostOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { hostname } = new URL(url);
  // Only of http and the like does a URL write hosts in one way.
  const special = `http://${hostname}`;
  return URL.canParse(special) ? new URL(special).hostname : hostname.toLowerCase();
}

function plainHost(host: string): string {
  return host
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();
}
