import type { ServiceError } from '@grpc/grpc-js';
import { SyncRequest } from '../../../generated/switchboard/v1/connection_service.js';
import { Tier } from '../../../generated/switchboard/v1/server.js';
import { ALL_METHODS } from '../../support/grpc/all-methods.js';
import { endOfRawCall } from '../../support/grpc/raw-call.js';
import { rawPeer } from '../../support/grpc/raw-peer.js';
import {
  APP,
  declare,
  INVENTORY,
  toRefusal,
  type Admin,
} from '../../support/grpc-admin/grpc-admin.js';
import { randomFrom, type Random } from '../../support/random.js';
import type { Attack } from '../attack.js';
import { bearer } from '../lab/bearer.js';
import { startAttacked, TOKENS, type AttackedControlPlane } from '../lab/control-plane.js';
import { mutate } from '../lab/random-message.js';

const GET = '/switchboard.v1.RegistryService/GetServer';

/** What a peer may take for credentials. */
const FORGED: readonly string[] = [
  '',
  'Bearer',
  'Bearer ',
  'Bearer  ',
  `Bearer ${TOKENS.admin} `,
  `Bearer ${TOKENS.admin}x`,
  `Bearer ${TOKENS.admin.slice(0, -1)}`,
  `Bearer ${TOKENS.admin.toUpperCase()}`,
  `Bearer ${Buffer.from(TOKENS.admin).toString('base64')}`,
  `Bearer ${TOKENS.admin},Bearer ${TOKENS.admin}`,
  `Bearer ${TOKENS.admin}, ${TOKENS.admin}`,
  TOKENS.admin,
  `Basic ${Buffer.from(`admin:${TOKENS.admin}`).toString('base64')}`,
  `Token ${TOKENS.admin}`,
  'Bearer null',
  'Bearer undefined',
  'Bearer __proto__',
  'Bearer constructor',
  'Bearer *',
  'Bearer \u00e4\u00f6\u00fc',
  `Bearer ${'x'.repeat(8_000)}`,
  'Bearer eyJhbGciOiJub25lIn0.eyJyb2xlcyI6WyJhZG1pbiJdfQ.',
];

/** Counts by outcome, for a text such as `3 TOKEN_INVALID`. */
function countOf(outcomes: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const outcome of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return [...counts].map(([outcome, count]) => `${String(count)} ${outcome}`).join(', ');
}

async function forgeBearers(address: string): Promise<string> {
  const outcomes: string[] = [];
  for (const authorization of [undefined, ...FORGED]) {
    using peer = await rawPeer(address);
    const { stream, ended } = peer.call(GET, authorization === undefined ? {} : { authorization });
    stream.end(Buffer.alloc(5));
    const end = await ended;
    outcomes.push(typeof end === 'string' ? end : end.reason);
  }
  return countOf(outcomes);
}

/** Every method by a reader who has another tenant. */
async function useForeign({ as }: AttackedControlPlane): Promise<string> {
  const { registry } = as(TOKENS.foreign);
  const open = { tenant: 'default', nodeId: 'foreign', bootId: 'boot' };
  const opened = SyncRequest.fromPartial({ message: { $case: 'open', value: open } });
  const ends = ALL_METHODS.map(([, method]) => {
    // Elsewhere an empty request names the tenant `default`.
    const bytes = method.requestStream ? SyncRequest.encode(opened).finish() : [];
    return endOfRawCall(registry, method, Buffer.from(bytes), bearer(TOKENS.foreign));
  });
  return countOf((await Promise.all(ends)).map(({ reason }) => reason ?? 'none'));
}

const PLACES = 500;

/** What a caller gets for a page token, or for the token of a place. */
async function outcomeOf(admin: Admin, request: Parameters<Admin['list']>[0]): Promise<string> {
  try {
    await admin.list(request);
    return 'accepted';
  } catch (error) {
    return toRefusal(error as ServiceError).reason;
  }
}

/** Tokens of pages and places, changed or of somebody else. */
async function forgePlaces({ as }: AttackedControlPlane, random: Random): Promise<string> {
  const admin = as(TOKENS.admin);
  for (const tenant of ['default', 'elsewhere'])
    for (const name of ['one', 'two', 'three'])
      await declare(admin, tenant, { name, tier: Tier.TIER_APP });
  const mine = { tenant: 'default', view: APP, pageSize: 1 };
  const { nextPageToken, header } = await admin.list(mine);
  const token = header?.token ?? '';
  const foreign = { tenant: 'elsewhere', view: APP, pageSize: 1 };
  const outcomes = [
    await outcomeOf(admin, { ...foreign, pageToken: nextPageToken }),
    await outcomeOf(admin, { ...foreign, atLeast: token }),
    await outcomeOf(admin, { ...mine, view: INVENTORY, pageToken: nextPageToken }),
  ];
  const forged = (text: string): string =>
    mutate(random, Buffer.from(text, 'base64url')).toString('base64url');
  for (let n = 0; n < PLACES; n += 1) {
    outcomes.push(await outcomeOf(admin, { ...mine, pageToken: forged(nextPageToken) }));
    outcomes.push(await outcomeOf(admin, { ...mine, atLeast: forged(token) }));
  }
  return countOf(outcomes);
}

/** Credentials and tokens that are forged, or another's. */
export const TOKEN_ATTACKS: readonly Attack[] = [
  {
    name: 'forged credentials',
    about: `A call without credentials, and with ${String(FORGED.length)} forms of what is no valid token.`,
    defence: 'Only the digest of the whole token is compared, with those of the tokens file.',
    target: 'control plane',
    held: new RegExp(`^${String(FORGED.length + 1)} UNAUTHENTICATED$`),
    maxGrowthMiB: 32,
    async open(lab) {
      const { address, ...attacked } = await startAttacked(lab);
      return { ...attacked, attack: () => forgeBearers(address) };
    },
  },
  {
    name: 'a token of another tenant',
    about: 'Each method by a reader of another tenant.',
    defence: 'One table says for each method which role it needs and where it names the tenant.',
    target: 'control plane',
    held: new RegExp(`^${String(ALL_METHODS.length)} PERMISSION_DENIED$`),
    maxGrowthMiB: 32,
    async open(lab) {
      const attacked = await startAttacked(lab);
      return { ...attacked, attack: () => useForeign(attacked) };
    },
  },
  {
    name: 'forged page tokens and places',
    about: `${String(2 * PLACES)} changed tokens of pages and places, and those of another tenant and view.`,
    defence: 'A token names its tenant and its list, and has a check value.',
    target: 'control plane',
    // Some changes put in what they took out.
    held: /^(?!.*\b\d{2,} accepted)(?!.*\b(INTERNAL|none)\b).*TOKEN_INVALID/,
    maxGrowthMiB: 64,
    async open(lab) {
      const attacked = await startAttacked(lab);
      return { ...attacked, attack: () => forgePlaces(attacked, randomFrom(20_261_202)) };
    },
  },
];
