import { status, type Client, type Metadata } from '@grpc/grpc-js';
import { Server } from '../../../generated/switchboard/v1/server.js';
import type { AnyMethod } from '../../../src/server/grpc/methods.js';
import { ALL_METHODS } from '../../support/grpc/all-methods.js';
import { APP, httpSpec, toRefusal, type Admin } from '../../support/grpc-admin/grpc-admin.js';
import { randomFrom, type Random } from '../../support/random.js';
import type { Attack } from '../attack.js';
import { bearer } from '../lab/bearer.js';
import { startAttacked, TOKENS } from '../lab/control-plane.js';
import { mutate, randomMessage } from '../lab/random-message.js';

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

function filled(method: AnyMethod): Buffer {
  const serialize = method.requestSerialize as (message: object) => Buffer;
  const empty = { ...(method.requestDeserialize(Buffer.alloc(0)) as Record<string, unknown>) };
  const known = Object.entries(FIELDS).filter(
    ([name, value]) => name in empty && [typeof value, 'undefined'].includes(typeof empty[name]),
  );
  return serialize({ ...empty, ...Object.fromEntries(known) });
}

const CALLS = 3_000;
const AT_ONCE = 20;

async function sendAll(admin: Admin, random: Random): Promise<string> {
  const reasons = new Map<string, number>();
  const metadata = bearer(TOKENS.admin);
  const one = async (): Promise<void> => {
    const [, method] = random.pick(ALL_METHODS);
    const bytes = random.oneIn(2)
      ? mutate(random, filled(method))
      : Buffer.from(randomMessage(random));
    const reason = await reasonOf(admin.registry, { method, bytes, metadata });
    if (reason === 'INTERNAL' || reason === 'none')
      throw new Error(`${method.path} returned ${reason} for ${bytes.toString('hex')}`);
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  };
  for (let done = 0; done < CALLS; done += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, one));
  const told = [...reasons].sort(([, a], [, b]) => b - a).slice(0, 4);
  return told.map(([reason, count]) => `${String(count)} ${reason}`).join(', ');
}

const same = (bytes: Buffer): Buffer => bytes;
/** How long a stream may stay open without an answer. Milliseconds. */
const OPEN_MS = 1_000;

interface RawCall {
  readonly method: AnyMethod;
  readonly bytes: Buffer;
  readonly metadata: Metadata;
}

/** Why a call was refused. `OK` once it has an answer; `open` for a stream that waits for more. */
function reasonOf(client: Client, { method, bytes, metadata }: RawCall): Promise<string> {
  const { path, requestStream } = method;
  const deadline = Date.now() + (requestStream ? OPEN_MS : 30_000);
  return new Promise((resolve) => {
    const call = client.makeBidiStreamRequest(path, same, same, metadata, { deadline });
    call.once('data', () => {
      resolve('OK');
      call.cancel();
    });
    call.on('error', () => undefined);
    call.once('status', (ended) => {
      const { reason } = toRefusal(ended);
      if (ended.code === status.OK) resolve('OK');
      else resolve(ended.code === status.DEADLINE_EXCEEDED && requestStream ? 'open' : reason);
    });
    call.write(bytes);
    if (!requestStream) call.end();
  });
}

/** Messages that no client would send. */
export const MESSAGE_ATTACKS: readonly Attack[] = [
  {
    name: 'malformed messages',
    about: `${CALLS.toLocaleString('en-US')} mutated and random messages to all methods, by an administrator.`,
    defence:
      'Messages are decoded strictly, and what they say is checked; each refusal has a reason.',
    target: 'control plane',
    held: /INVALID_FIELD/,
    maxGrowthMiB: 128,
    async open(lab) {
      const { as, ...attacked } = await startAttacked(lab);
      return { ...attacked, attack: () => sendAll(as(TOKENS.admin), randomFrom(20_261_201)) };
    },
  },
];
