import { Metadata } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { View } from '../../generated/switchboard/v1/common.js';
import {
  ConnectionServiceService,
  type SyncOpen,
  SyncRequest,
  type SyncResponse,
} from '../../generated/switchboard/v1/connection_service.js';
import { WatchServersRequest } from '../../generated/switchboard/v1/registry_service.js';
import { Tier } from '../../generated/switchboard/v1/server.js';
import { eventually } from '../support/eventually.js';
import {
  APP,
  httpSpec,
  INVENTORY,
  toRefusal,
  tokenOf,
  userView,
  type Admin,
  type Init,
  type Refusal,
} from '../support/grpc-admin/grpc-admin.js';
import { fromRpcStatus } from '../../src/wire/status.js';
import { damageText } from '../support/grpc-admin/raw.js';
import { startLocalServer, type LocalServer } from '../support/grpc-admin/server.js';
import { endOf } from '../support/grpc-admin/watch.js';

const HUGE = 'i'.repeat(10_000);

let local: LocalServer;
let admin: Admin;
let foreign: string;

beforeAll(async () => {
  local = await startLocalServer();
  ({ admin } = local);
  const server = { name: 'weather', tier: Tier.TIER_APP, spec: httpSpec('https://a.example') };
  await admin.create({ server });
  foreign = tokenOf(await admin.create({ server, tenant: 'acme' }));
});
afterAll(() => local[Symbol.asyncDispose]());

let before: unknown;
beforeEach(async () => void (before = await admin.list({ view: INVENTORY })));
afterEach(async () => {
  const after = await admin.list({ view: INVENTORY });
  expect([tokenOf(after), after.servers]).toEqual([
    tokenOf(before as typeof after),
    (before as typeof after).servers,
  ]);
  expect(local.defects()).toEqual([]);
});

function groups(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `g${String(index)}`);
}

function invalid(field: string): object {
  return { code: 'INVALID_ARGUMENT', reason: 'INVALID_FIELD', fields: [field] };
}

/** How a watch is refused; fails if it sends anything before. */
async function watchRefusal(request: Init<typeof WatchServersRequest>): Promise<Refusal> {
  const stream = admin.registry.watchServers(WatchServersRequest.fromPartial(request));
  const messages: unknown[] = [];
  stream.on('data', (message) => messages.push(message));
  const end = await endOf(stream);
  expect(messages).toEqual([]);
  return toRefusal(end);
}

describe('a watch', () => {
  it.each<readonly [string, string, Init<typeof WatchServersRequest>]>([
    ['no view', 'view', {}],
    ['a blank user', 'view.user.user', { view: userView(' ') }],
    ['300 groups', 'view.user.groups', { view: userView('ana', groups(300)) }],
    ['a tenant of 10 KB', 'tenant', { view: APP, tenant: HUGE }],
  ])('with %s is INVALID_FIELD at %s', async (_, field, request) => {
    expect(await watchRefusal(request)).toMatchObject(invalid(field));
  });

  it.each(['a token of another tenant', 'a damaged token'])(
    'with %s is TOKEN_INVALID',
    async (what) => {
      const resumeToken = what.includes('damaged') ? HUGE : foreign;
      expect(await watchRefusal({ view: APP, resumeToken })).toMatchObject({
        code: 'INVALID_ARGUMENT',
        reason: 'TOKEN_INVALID',
        fields: ['resume_token'],
      });
    },
  );
});

type Said = Init<typeof SyncRequest>['message'];

interface OpenSession {
  readonly messages: readonly NonNullable<SyncResponse['message']>[];
  readonly ended: Promise<Refusal>;
  say(message: Said | Buffer): void;
  readonly cancel: () => void;
}

/** A session that says these messages; what is a Buffer goes as it is. */
function openSession(...said: (Said | Buffer)[]): OpenSession {
  const { path, responseDeserialize } = ConnectionServiceService.sync;
  const stream = admin.connections.makeBidiStreamRequest(
    path,
    (bytes: Buffer) => bytes,
    responseDeserialize,
    new Metadata(),
    {},
  );
  const messages: NonNullable<SyncResponse['message']>[] = [];
  stream.on('data', ({ message }: SyncResponse) => {
    if (message !== undefined) messages.push(message);
  });
  const ended = endOf(stream).then(toRefusal);
  const say = (message: Said | Buffer): void => {
    stream.write(Buffer.isBuffer(message) ? message : encoded(message));
  };
  for (const message of said) say(message);
  return {
    messages,
    ended,
    say,
    cancel: () => {
      stream.cancel();
    },
  };
}

function encoded(message: Said): Buffer {
  return Buffer.from(SyncRequest.encode(SyncRequest.fromPartial({ message })).finish());
}

function open(rest: Init<typeof SyncOpen> = {}): Said {
  return { $case: 'open', value: { nodeId: 'n1', bootId: 'b1', ...rest } };
}

function subscribe(subscriptionId: string, view: Init<typeof View> = userView('ana')): Said {
  return { $case: 'subscribe', value: { subscriptionId, view } };
}

function applied(token: string): Said {
  return { $case: 'applied', value: { token } };
}

describe('a node session', () => {
  it.each<readonly [string, string, (Said | Buffer)[]]>([
    ['no node id', 'open.node_id', [open({ nodeId: '' })]],
    ['a node id of 10 KB', 'open.node_id', [open({ nodeId: HUGE })]],
    ['a blank boot id', 'open.boot_id', [open({ bootId: ' ' })]],
    ['a tenant of 10 KB', 'open.tenant', [open({ tenant: HUGE })]],
    [
      'the inventory as a view',
      'open.subscriptions[1].view',
      [
        open({
          subscriptions: [
            { subscriptionId: 'a', view: APP },
            { subscriptionId: 'b', view: INVENTORY },
          ],
        }),
      ],
    ],
    ['a subscription without a view', 'subscribe.view', [open(), subscribe('a', {})]],
    ['bytes that are no message', 'request', [open(), Buffer.from([0x0b])]],
    [
      'a user that is not UTF-8',
      'subscribe.view.user.user',
      [open(), damageText(encoded(subscribe('a', userView('QQQQ'))), 'QQQQ')],
    ],
  ])('with %s ends with INVALID_FIELD at %s', async (_, field, said) => {
    expect(await openSession(...said).ended).toMatchObject(invalid(field));
  });

  it.each<readonly [string, string, () => Said[]]>([
    ['to resume from', 'open.resume_token', () => [open({ resumeToken: foreign })]],
    ['to acknowledge', 'applied.token', () => [open(), applied(foreign)]],
    ['that is damaged', 'applied.token', () => [open(), applied(HUGE)]],
  ])('with a token of another tenant %s ends with TOKEN_INVALID at %s', async (_, field, said) => {
    expect(await openSession(...said()).ended).toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'TOKEN_INVALID',
      fields: [field],
    });
  });

  it.each<readonly [string, (Said | Buffer)[]]>([
    ['does not open', [subscribe('a')]],
    ['opens twice', [open(), open()]],
    ['says nothing in a message', [Buffer.alloc(0)]],
  ])('that %s ends with PROTOCOL_VIOLATION', async (_, said) => {
    expect(await openSession(...said).ended).toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'PROTOCOL_VIOLATION',
    });
  });

  it('refuses a single subscription that cannot be had, and goes on [C7]', async () => {
    const session = openSession(
      open({
        subscriptions: [
          { subscriptionId: 'good', view: userView('ana') },
          { subscriptionId: 'good', view: userView('bob') },
          { subscriptionId: 'blank', view: userView(' ') },
        ],
      }),
      subscribe('many', userView('ana', groups(300))),
      subscribe('', userView('ana')),
      subscribe('x'.repeat(129), userView('ana')),
      subscribe('late', userView('cy')),
    );
    await eventually(() => {
      expect(visibleOf(session)).toEqual(['good', 'late']);
    });
    expect(refusedOf(session)).toEqual([
      ['good', 'INVALID_FIELD', 'subscription_id'],
      ['blank', 'INVALID_FIELD', 'view.user.user'],
      ['many', 'INVALID_FIELD', 'view.user.groups'],
      ['', 'INVALID_FIELD', 'subscription_id'],
      ['x'.repeat(129), 'INVALID_FIELD', 'subscription_id'],
    ]);
    session.cancel();
    await session.ended;
  });
});

function visibleOf({ messages }: OpenSession): string[] {
  return messages.flatMap((message) =>
    message.$case === 'synced'
      ? message.value.subscriptions.map(({ subscriptionId }) => subscriptionId)
      : [],
  );
}

function refusedOf({ messages }: OpenSession): (string | undefined)[][] {
  return messages.flatMap((message) => {
    if (message.$case !== 'refused' || message.value.status === undefined) return [];
    const { reason, violations } = fromRpcStatus(message.value.status);
    return [[message.value.subscriptionId, reason, violations[0]?.field]];
  });
}
