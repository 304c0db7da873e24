import { constants, connect, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChannelCredentials, Client, Metadata, status } from '@grpc/grpc-js';
import { fromStatus } from '../../../src/wire/status.js';
import { endOfRawCall } from '../../support/grpc/raw-call.js';
import { startLocalServer, type LocalServer } from '../../support/grpc-admin/server.js';

const GET = '/switchboard.v1.RegistryService/GetServer';
const SYNC = '/switchboard.v1.ConnectionService/Sync';
const WATCH = '/switchboard.v1.RegistryService/WatchServers';

let local: LocalServer;
let session: ClientHttp2Session;

beforeAll(async () => {
  local = await startLocalServer({ flags: ['--max-message-bytes', '10000'] });
  session = connect(`http://${local.server.address}`);
});
afterAll(async () => {
  session.close();
  await local[Symbol.asyncDispose]();
  expect(local.defects()).toEqual([]);
});

/** A message as gRPC frames it. */
function framed(message: Uint8Array, { compressed = false } = {}): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed ? 1 : 0, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Sends a request by hand; resolves with the code, the reason and the fields of the answer. */
async function send(
  path: string,
  { headers = {}, body = framed(Buffer.alloc(0)) }: { headers?: object; body?: Uint8Array } = {},
): Promise<unknown> {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  const got: IncomingHttpHeaders & { 'grpc-message'?: string } = {};
  for (const event of ['response', 'trailers'])
    stream.on(event, (more: object) => Object.assign(got, more));
  stream.resume();
  stream.end(body);
  await new Promise((resolve) => stream.once('close', resolve));
  expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
  const metadata = new Metadata();
  const details = got['grpc-status-details-bin'];
  if (typeof details === 'string')
    metadata.set('grpc-status-details-bin', Buffer.from(details, 'base64'));
  const code = Number(got['grpc-status']);
  const message = decodeURI(got['grpc-message'] ?? '');
  const error = fromStatus({ code, details: message, metadata });
  return {
    code: status[code],
    reason: details === undefined ? undefined : error.reason,
    fields: error.violations.map(({ field }) => field),
    message: error.message,
  };
}

const INVALID = { code: 'INVALID_ARGUMENT', reason: 'INVALID_FIELD' };
const TOO_LARGE = { code: 'RESOURCE_EXHAUSTED', reason: 'REQUEST_TOO_LARGE' };
const UNKNOWN = { code: 'UNIMPLEMENTED', reason: 'UNKNOWN_METHOD' };

describe.each([GET, WATCH, SYNC])('%s', (path) => {
  it.each(['x', '1', '10', 'S', '1s'])('refuses the timeout %s with a reason', async (timeout) => {
    const headers = { 'grpc-timeout': timeout };
    expect(await send(path, { headers })).toMatchObject({ ...INVALID, fields: ['grpc-timeout'] });
  });

  it('refuses a message over the limit of the server with a reason', async () => {
    expect(await send(path, { body: framed(Buffer.alloc(10_001)) })).toMatchObject(TOO_LARGE);
  });

  it('refuses a message that becomes too large with a reason', async () => {
    const headers = { 'grpc-encoding': 'gzip' };
    const body = framed(gzipSync(Buffer.alloc(1_000_000)), { compressed: true });
    expect(body.length).toBeLessThan(10_000);
    expect(await send(path, { headers, body })).toMatchObject(TOO_LARGE);
  });

  it('refuses what cannot be decompressed with a reason', async () => {
    const body = framed(Buffer.from('no gzip'), { compressed: true });
    const broken = await send(path, { headers: { 'grpc-encoding': 'gzip' }, body });
    expect(broken).toMatchObject({ ...INVALID, fields: ['request'] });
    const unknown = await send(path, { headers: { 'grpc-encoding': 'br' }, body });
    expect(unknown).toMatchObject({ ...INVALID, fields: ['grpc-encoding'] });
  });
});

it('refuses a unary call without a message with a reason', async () => {
  expect(await send(GET, { body: Buffer.alloc(0) })).toMatchObject({
    ...INVALID,
    fields: ['request'],
  });
});

it.each(['/switchboard.v1.RegistryService/Nope', '/no.such.Service/Get', '/', '/x'.repeat(2_000)])(
  'answers that there is no method %s',
  async (path) => {
    expect(await send(path)).toMatchObject(UNKNOWN);
  },
);

it('answers an unknown method to every kind of call, before anything is sent', async () => {
  const client = new Client(local.server.address, ChannelCredentials.createInsecure());
  const path = '/switchboard.v2.RegistryService/GetServer';
  for (const requestStream of [false, true]) {
    for (const responseStream of requestStream ? [true] : [false, true]) {
      const method = { path, requestStream, responseStream };
      expect(await endOfRawCall(client, method, Buffer.from('abc'))).toMatchObject(UNKNOWN);
    }
  }
  client.close();
});

it('leaves the answers of health as they are', async () => {
  const service = Buffer.concat([Buffer.from([0x0a, 4]), Buffer.from('nope')]);
  const path = '/grpc.health.v1.Health/Check';
  expect(await send(path, { body: framed(service) })).toMatchObject({
    code: 'NOT_FOUND',
    reason: undefined,
  });
});
