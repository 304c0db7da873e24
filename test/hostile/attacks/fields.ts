import type { ServiceError } from '@grpc/grpc-js';
import type { Server, ServerSpec } from '../../../generated/switchboard/v1/server.js';
import { Tier } from '../../../generated/switchboard/v1/server.js';
import { rawPeer } from '../../support/grpc/raw-peer.js';
import { declare, httpSpec, toRefusal, type Init } from '../../support/grpc-admin/grpc-admin.js';
import type { Attack } from '../attack.js';
import { startAttacked, TOKENS, type AttackedControlPlane } from '../lab/control-plane.js';

const GET = '/switchboard.v1.RegistryService/GetServer';

function spec(rest: Init<typeof ServerSpec>): Init<typeof Server> {
  return { spec: httpSpec('https://tools.example/mcp', rest) };
}

/** Servers with something in one of their fields that nobody needs. */
const SERVERS: Readonly<Record<string, () => Init<typeof Server>>> = {
  '1,000,000 sizes of an icon': () =>
    spec({ icons: [{ src: 'https://a.example/i', sizes: Array<string>(1_000_000).fill('') }] }),
  'a media type of 3 MB': () =>
    spec({ icons: [{ src: 'https://a.example/i', mimeType: 'x'.repeat(3_000_000) }] }),
  'a website of 1 MB': () => spec({ websiteUrl: `https://a.example/${'x'.repeat(1_000_000)}` }),
  '64 scopes of 60 KB': () =>
    spec({ oauth: { scopes: Array<string>(64).fill('x'.repeat(60_000)) } }),
  'a name that is written from right to left': () => ({ name: 'wea\u202ether' }),
  'a name with a character of no width': () => ({ name: 'wea\u200bther' }),
  'a name with a byte order mark': () => ({ name: '\ufeffweather' }),
};

async function declareAll({ as }: AttackedControlPlane): Promise<string> {
  const admin = as(TOKENS.admin);
  const accepted: string[] = [];
  const reasonOf = async (rest: Init<typeof Server>): Promise<string> => {
    try {
      await declare(admin, 'default', { name: 'odd', tier: Tier.TIER_USER, ...rest });
      return 'accepted';
    } catch (error) {
      return toRefusal(error as ServiceError).reason;
    }
  };
  for (const [what, rest] of Object.entries(SERVERS))
    if ((await reasonOf(rest())) === 'accepted') accepted.push(what);
  const composed = [await reasonOf({ name: 'caf\u00e9' }), await reasonOf({ name: 'cafe\u0301' })];
  if (composed.every((outcome) => outcome === 'accepted')) accepted.push('one name in two forms');
  return `accepted: ${accepted.join(', ') || 'none'}`;
}

interface OddCall {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

function framed(length: number, flag = 0): Buffer {
  const bytes = Buffer.alloc(5 + length);
  bytes.writeUInt8(flag, 0);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

/** Calls that are refused before their method is reached. */
const ODD_CALLS: readonly OddCall[] = [
  { path: '/switchboard.v1.RegistryService/Nothing' },
  { path: '/nothing.v1.Nothing/Nothing' },
  { headers: { 'grpc-timeout': 'x' } },
  { headers: { 'grpc-timeout': '99999999999S' } },
  { headers: { 'grpc-timeout': '-1S' } },
  { headers: { 'grpc-encoding': 'nothing' }, body: framed(10, 1) },
  { headers: { 'grpc-encoding': 'gzip' }, body: framed(10, 1) },
  { body: framed(4 * 2 ** 20 + 1) },
];

async function callAll(address: string): Promise<string> {
  const untyped: string[] = [];
  for (const [n, { path = GET, headers = {}, body = framed(0) }] of ODD_CALLS.entries()) {
    using peer = await rawPeer(address);
    const authorization = `Bearer ${TOKENS.reader}`;
    const { stream, ended } = peer.call(path, { authorization, ...headers });
    stream.end(body);
    const end = await ended;
    const reason = typeof end === 'string' ? end : end.reason;
    if (typeof end === 'string' || reason === 'INTERNAL') untyped.push(`${String(n)} (${reason})`);
  }
  return `without a reason: ${untyped.join(', ') || 'none'}`;
}

/** What single fields and calls can hold. */
export const FIELD_ATTACKS: readonly Attack[] = [
  {
    name: 'fields that are too large, and names that deceive',
    about: 'Servers with lists and texts of megabytes, and with names that look like others.',
    defence: 'Each field has a limit; names are normalized and have no invisible characters.',
    target: 'control plane',
    held: /^accepted: none$/,
    maxGrowthMiB: 128,
    async open(lab) {
      const attacked = await startAttacked(lab);
      return { ...attacked, attack: () => declareAll(attacked) };
    },
  },
  {
    name: 'calls that reach no method',
    about:
      'Unknown methods and services, bad timeouts and encodings, and a message that is too large.',
    defence: 'Every refusal has a status with a reason.',
    target: 'control plane',
    held: /^without a reason: none$/,
    maxGrowthMiB: 64,
    async open(lab) {
      const { address, ...attacked } = await startAttacked(lab);
      return { ...attacked, attack: () => callAll(address) };
    },
  },
];
