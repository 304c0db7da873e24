import type { ServiceError } from '@grpc/grpc-js';
import { ConnectionServiceService } from '../../../generated/switchboard/v1/connection_service.js';
import { RegistryServiceService } from '../../../generated/switchboard/v1/registry_service.js';
import { Server } from '../../../generated/switchboard/v1/server.js';
import { APP, httpSpec, toRefusal, type Admin } from '../../support/grpc-admin/grpc-admin.js';
import { callRaw } from '../../support/grpc-admin/raw.js';
import { randomFrom, type Random } from '../../support/random.js';
import type { Attack } from '../attack.js';
import { bearer } from '../lab/bearer.js';
import { startAttacked, TOKENS } from '../lab/control-plane.js';
import { mutate, randomMessage } from '../lab/random-message.js';

const METHODS = [
  ...Object.values(RegistryServiceService),
  ...Object.values(ConnectionServiceService),
].filter(({ requestStream, responseStream }) => !requestStream && !responseStream);

const SERVER = Server.fromPartial({ name: 'new', spec: httpSpec('https://tools.example/mcp') });

/** Something of every kind that requests have; methods take of it what they know. */
const FIELDS = {
  tenant: 'default',
  view: APP,
  key: { $case: 'name', value: 'weather' },
  id: 'a',
  etag: 'e',
  server: SERVER,
  servers: [SERVER],
  set: 'hostile',
  user: 'ana',
  subjects: ['user:ana'],
  pageSize: 10,
  pageToken: 'AAAA',
  atLeast: 'AAAA',
  updateMask: ['spec.title'],
  validateOnly: true,
};

function filled(method: (typeof METHODS)[number]): Buffer {
  const serialize = method.requestSerialize as (message: object) => Buffer;
  const empty: Readonly<Record<string, unknown>> = {
    ...method.requestDeserialize(Buffer.alloc(0)),
  };
  const known = Object.entries(FIELDS).filter(
    ([name, value]) => name in empty && [typeof value, 'undefined'].includes(typeof empty[name]),
  );
  return serialize({ ...empty, ...Object.fromEntries(known) });
}

const CALLS = 3_000;
const AT_ONCE = 20;

async function sendAll(admin: Admin, random: Random): Promise<string> {
  const reasons = new Map<string, number>();
  const one = async (): Promise<void> => {
    const method = random.pick(METHODS);
    const bytes = random.oneIn(2)
      ? mutate(random, filled(method))
      : Buffer.from(randomMessage(random));
    const reason = await callRaw(admin.registry, method.path, bytes, bearer(TOKENS.admin)).then(
      () => 'OK',
      (error: unknown) => toRefusal(error as ServiceError).reason,
    );
    if (reason === 'INTERNAL' || reason === 'none')
      throw new Error(`${method.path} returned ${reason} for ${bytes.toString('hex')}`);
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  };
  for (let done = 0; done < CALLS; done += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, one));
  const told = [...reasons].sort(([, a], [, b]) => b - a).slice(0, 4);
  return told.map(([reason, count]) => `${String(count)} ${reason}`).join(', ');
}

/** Messages that no client would send. */
export const MESSAGE_ATTACKS: readonly Attack[] = [
  {
    name: 'malformed messages',
    about: `${CALLS.toLocaleString('en-US')} mutated and random messages to all unary methods, by an administrator.`,
    target: 'control plane',
    maxGrowthMiB: 128,
    async open(lab) {
      const { as, ...attacked } = await startAttacked(lab);
      return { ...attacked, attack: () => sendAll(as(TOKENS.admin), randomFrom(20_261_201)) };
    },
  },
];
