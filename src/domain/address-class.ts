import { embeddedIpv4, isIn, parseNetwork, type IpAddress, type IpNetwork } from './ip-address.js';

/** What is special about an address, so that not everyone may send a node there. */
export type AddressClass = 'metadata' | 'loopback' | 'link-local' | 'private' | 'reserved';

/** The first that fits counts. */
const CLASSES: readonly (readonly [AddressClass, readonly string[]])[] = [
  [
    // Credentials of the machine are handed out there: AWS and others, Azure, Alibaba, Oracle, GCP,
    // Scaleway.
    'metadata',
    [
      '169.254.169.254',
      '169.254.170.2',
      '169.254.170.23',
      '168.63.129.16',
      '100.100.100.200',
      '192.0.0.192',
      'fd00:ec2::254',
      'fd00:ec2::23',
      'fd20:ce::254',
      'fd00:42::42',
    ],
  ],
  ['loopback', ['127.0.0.0/8', '::1']],
  ['link-local', ['169.254.0.0/16', 'fe80::/10']],
  [
    'private',
    ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7', 'fec0::/10'],
  ],
  [
    'reserved',
    [
      '0.0.0.0/8',
      '192.0.0.0/24',
      '192.0.2.0/24',
      '192.88.99.0/24',
      '198.18.0.0/15',
      '198.51.100.0/24',
      '203.0.113.0/24',
      '224.0.0.0/3',
      // Teredo among them, which hides an IPv4 address.
      '2001::/23',
      '2001:db8::/32',
      '3fff::/20',
    ],
  ],
];

const NETWORKS = CLASSES.flatMap(([kind, texts]) =>
  texts.map((text) => ({ kind, network: parseNetwork(text) })),
);

/** Where all public IPv6 addresses are. */
const GLOBAL_UNICAST: IpNetwork = parseNetwork('2000::/3');

/**
 * What is special about an address; undefined for a public one. An IPv6 address that leads to an
 * IPv4 address is what that one is.
 */
export function addressClass(written: IpAddress): AddressClass | undefined {
  const address = embeddedIpv4(written);
  const special = NETWORKS.find(({ network }) => isIn(address, network));
  if (special !== undefined) return special.kind;
  return address.family === 6 && !isIn(address, GLOBAL_UNICAST) ? 'reserved' : undefined;
}

const METADATA_NAMES = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
]);

/** What is special about a name, in lower case and without a dot at its end. */
export function nameClass(name: string): AddressClass | undefined {
  if (name === 'localhost' || name.endsWith('.localhost')) return 'loopback';
  return METADATA_NAMES.has(name) ? 'metadata' : undefined;
}
