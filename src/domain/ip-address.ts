/** An IP address as a number. An IPv6 address is written as URL and DNS write it. */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly bits: bigint;
}

/** The addresses whose first `prefix` bits are those of `address`. */
export interface IpNetwork {
  readonly address: IpAddress;
  readonly prefix: number;
}

const WIDTH = { 4: 32, 6: 128 } as const;

/** `text` as an address, an IPv6 one with or without brackets; undefined for a name. */
export function parseIp(text: string): IpAddress | undefined {
  const plain = text.replace(/^\[(.*)\]$/, '$1');
  const bits4 = parseIpv4(plain);
  if (bits4 !== undefined) return { family: 4, bits: bits4 };
  // An address with a zone, such as fe80::1%eth0, is one of its network all the same.
  const bits6 = parseIpv6(plain.replace(/%.*$/, ''));
  return bits6 === undefined ? undefined : { family: 6, bits: bits6 };
}

/** `10.0.0.0/8`, `fd00::/8`, or an address alone. Throws an Error that says what is wrong. */
export function parseNetwork(text: string): IpNetwork {
  const [host = '', length, ...more] = text.split('/');
  const address = parseIp(host);
  if (address === undefined || more.length > 0)
    throw new Error(`${JSON.stringify(text)} is not a network such as 10.0.0.0/8 or fd00::/8`);
  const width = WIDTH[address.family];
  const prefix = length === undefined ? width : /^\d{1,3}$/.test(length) ? Number(length) : NaN;
  if (!(prefix <= width))
    throw new Error(`${JSON.stringify(text)}: the prefix must be 0 to ${String(width)}`);
  const network = { address, prefix };
  if ((address.bits & hostMask(network)) !== 0n)
    throw new Error(`${JSON.stringify(text)} has bits set after its prefix`);
  return network;
}

/** Whether `address` is in `network`. */
export function isIn(address: IpAddress, network: IpNetwork): boolean {
  if (address.family !== network.address.family) return false;
  return (address.bits & ~hostMask(network)) === network.address.bits;
}

/** Whether `network` is one address. */
export function isSingle({ address, prefix }: IpNetwork): boolean {
  return prefix === WIDTH[address.family];
}

/** The forms of IPv6 that lead to an IPv4 address, and where that stands, from the right. */
const EMBEDDINGS = [
  ['::ffff:0:0/96', 0n],
  ['::ffff:0:0:0/96', 0n],
  ['64:ff9b::/96', 0n],
  ['2002::/16', 80n],
].map(([network, shift]) => ({
  network: parseNetwork(network as string),
  shift: shift as bigint,
}));

/** The IPv4 address to which an IPv6 one leads, mapped, translated or tunneled; else itself. */
export function embeddedIpv4(address: IpAddress): IpAddress {
  if (address.family === 4) return address;
  const found = EMBEDDINGS.find(({ network }) => isIn(address, network));
  if (found === undefined) return address;
  return { family: 4, bits: (address.bits >> found.shift) & 0xffffffffn };
}

function hostMask({ address, prefix }: IpNetwork): bigint {
  return (1n << BigInt(WIDTH[address.family] - prefix)) - 1n;
}

function parseIpv4(text: string): bigint | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined;
  const bytes = text.split('.').map(Number);
  if (bytes.some((byte) => byte > 255)) return undefined;
  return bytes.reduce((bits, byte) => (bits << 8n) | BigInt(byte), 0n);
}

function parseIpv6(text: string): bigint | undefined {
  const groups = ipv6Groups(text);
  return groups?.reduce((bits, group) => (bits << 16n) | BigInt(group), 0n);
}

function ipv6Groups(text: string): readonly number[] | undefined {
  const [left = '', right, ...more] = text.split('::');
  if (more.length > 0 || !text.includes(':')) return undefined;
  const head = readGroups(left);
  const tail = right === undefined ? [] : readGroups(right);
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (right === undefined ? missing !== 0 : missing < 1) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** Groups of 16 bits; the last 32 bits may be written as IPv4. */
function readGroups(text: string): readonly number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    const bits4 = index === parts.length - 1 ? parseIpv4(part) : undefined;
    if (bits4 !== undefined) groups.push(Number(bits4 >> 16n), Number(bits4 & 0xffffn));
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(parseInt(part, 16));
    else return undefined;
  }
  return groups;
}
