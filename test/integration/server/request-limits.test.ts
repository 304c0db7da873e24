import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { ChannelCredentials, Client } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METHOD_LIMITS } from '../../../src/server/handlers/method-rules.js';
import { ALL_METHODS } from '../../support/grpc/all-methods.js';
import { endOfRawCall } from '../../support/grpc/raw-call.js';
import { startLocalServer, type LocalServer } from '../../support/grpc-admin/server.js';

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const TOO_LARGE = { code: 'RESOURCE_EXHAUSTED', reason: 'REQUEST_TOO_LARGE' };

let local: LocalServer;
let client: Client;

beforeAll(async () => {
  local = await startLocalServer();
  client = new Client(local.server.address, ChannelCredentials.createInsecure(), {
    'grpc.max_send_message_length': -1,
  });
});
afterAll(async () => {
  client.close();
  await local[Symbol.asyncDispose]();
  expect(local.defects()).toEqual([]);
});

/** A message of exactly so many bytes: fields that no request has. */
function ofBytes(count: number): Buffer {
  const most = count - 12;
  const field = Buffer.from(new BinaryWriter().uint32(802).bytes(Buffer.alloc(most)).finish());
  // The rest in fields of two bytes and one of three.
  const rest = count - field.length;
  const even = Buffer.alloc(rest - (rest % 2 === 0 ? 0 : 3), Buffer.from([0x78, 0]));
  return Buffer.concat([field, even, Buffer.from(rest % 2 === 0 ? [] : [0x78, 0x80, 0])]);
}

describe.each(ALL_METHODS)('%s', (name, method) => {
  const limit = METHOD_LIMITS[name] ?? MAX_MESSAGE_BYTES;

  it('takes a request as large as its limit', async () => {
    const bytes = ofBytes(limit);
    expect(bytes).toHaveLength(limit);
    expect((await endOfRawCall(client, method, bytes)).reason).not.toBe('REQUEST_TOO_LARGE');
  });

  it('refuses a larger one, and says what the limit is', async () => {
    const end = await endOfRawCall(client, method, ofBytes(limit + 1));
    expect(end).toMatchObject({ ...TOO_LARGE, metadata: { limit: String(limit) } });
  });
});
