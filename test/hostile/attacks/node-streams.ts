import type { ClientDuplexStream } from '@grpc/grpc-js';
import {
  SyncRequest,
  type SyncResponse,
} from '../../../generated/switchboard/v1/connection_service.js';
import { userView } from '../../support/grpc-admin/grpc-admin.js';
import type { Attack } from '../attack.js';
import { bearer } from '../lab/bearer.js';
import { startAttacked, TOKENS } from '../lab/control-plane.js';

type SyncStream = ClientDuplexStream<SyncRequest, SyncResponse>;
type Subscription = Parameters<typeof SyncRequest.fromPartial>[0];

const FRAMES = 12_689;
const VIEWS = 5_000;
const SUBSCRIPTIONS = 10_000;
/** How long the attacker waits for an answer. Milliseconds. */
const WAIT_MS = 60_000;

function subscribe(n: number): { subscriptionId: string; view: ReturnType<typeof userView> } {
  return { subscriptionId: `s-${String(n)}`, view: userView(`user-${String(n)}`) };
}

function open(count: number): Subscription {
  const subscriptions = Array.from({ length: count }, (_, n) => subscribe(n));
  const value = { tenant: 'default', nodeId: 'hostile', bootId: 'boot', subscriptions };
  return { message: { $case: 'open', value } };
}

/** Sends, and waits until the stream has ended or as many subscriptions are synced. */
async function send(
  stream: SyncStream,
  messages: readonly Subscription[],
  until: number,
): Promise<string> {
  const synced = new Set<string>();
  const done = new Promise<string>((resolve) => {
    const timer = setTimeout(() => resolve('no answer in a minute'), WAIT_MS);
    const settle = (outcome: string): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    stream.on('error', (error) => settle(`ended: ${error.message}`));
    stream.on('data', ({ message }: SyncResponse) => {
      if (message?.$case !== 'synced') return;
      for (const { subscriptionId } of message.value.subscriptions) synced.add(subscriptionId);
      if (synced.size >= until) settle(`${String(synced.size)} synced`);
    });
  });
  for (const message of messages) stream.write(SyncRequest.fromPartial(message));
  const outcome = await done;
  stream.cancel();
  return outcome;
}

const RATE = 'A change costs what differs, is made over several turns, and has a rate.';

/** Node streams that ask for more than they need. */
export const NODE_STREAM_ATTACKS: readonly Attack[] = [
  {
    name: '12,689 subscribe frames',
    about: 'A node that subscribes to one view after the other, and to each again and again.',
    defence: RATE,
    target: 'control plane',
    held: /^5000 synced$/,
    maxGrowthMiB: 64,
    async open(lab) {
      const { as, ...attacked } = await startAttacked(lab);
      const stream = as(TOKENS.node).connections.sync(bearer(TOKENS.node));
      const messages = Array.from({ length: FRAMES }, (_, n): Subscription => {
        return { message: { $case: 'subscribe', value: subscribe(n % VIEWS) } };
      });
      return { ...attacked, attack: () => send(stream, [open(0), ...messages], VIEWS) };
    },
  },
  {
    name: '10,000 subscriptions in one message',
    about: 'A node that opens its stream with 10,000 subscriptions.',
    defence: RATE,
    target: 'control plane',
    held: /^10000 synced$/,
    maxGrowthMiB: 128,
    async open(lab) {
      const { as, ...attacked } = await startAttacked(lab);
      const stream = as(TOKENS.node).connections.sync(bearer(TOKENS.node));
      return { ...attacked, attack: () => send(stream, [open(SUBSCRIPTIONS)], SUBSCRIPTIONS) };
    },
  },
];
