import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import path from 'node:path';
import { ChannelCredentials, Metadata, ServerCredentials } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  CheckConnectionsResponse,
  ConnectionServiceService,
} from '../../../generated/switchboard/v1/connection_service.js';
import {
  GetServerRequest,
  GetServerResponse,
} from '../../../generated/switchboard/v1/registry_service.js';
import { SwitchboardError } from '../../../src/domain/errors.js';
import type { Authenticate } from '../../../src/server/authenticator.js';
import type { Application, GrpcServerOptions } from '../../../src/server/grpc-server.js';
import { fromStatus } from '../../../src/wire/status.js';
import { eventually } from '../../support/eventually.js';
import { FRAME, frame, headerBlock, PREFACE } from '../../support/grpc/http2-frames.js';
import { messagePart, rawPeer, type RawCall, type RawPeer } from '../../support/grpc/raw-peer.js';
import { startTinyServer, type TinyServer } from '../../support/grpc/tiny-server.js';
import { call, failureOf } from '../../support/grpc/unary-call.js';

const GET = '/switchboard.v1.RegistryService/GetServer';
const SYNC = '/switchboard.v1.ConnectionService/Sync';
const HEALTH = '/grpc.health.v1.Health/Check';
const TOKEN = { authorization: 'Bearer good' };
const MESSAGE_BYTES = 64 * 1_024;

const authenticate: Authenticate = ({ metadata }) => {
  if (metadata.get('authorization')[0] !== TOKEN.authorization)
    throw new SwitchboardError('UNAUTHENTICATED');
  return { principal: 'someone', tenants: undefined, roles: ['admin'] };
};

/** A server that answers at once, with small limits. */
async function startSmall(
  overrides: Partial<GrpcServerOptions & Application> = {},
): Promise<TinyServer> {
  const getServer = (): GetServerResponse => GetServerResponse.fromPartial({});
  const tiny = await startTinyServer(
    { getServer },
    { authenticate, maxMessageBytes: MESSAGE_BYTES, ...overrides },
  );
  onTestFinished(() => tiny[Symbol.asyncDispose]());
  return tiny;
}

async function peerOf(tiny: TinyServer): Promise<RawPeer> {
  const peer = await rawPeer(tiny.server.address);
  onTestFinished(() => {
    peer[Symbol.dispose]();
  });
  return peer;
}

/** One good call, over a connection of its own that stays open. */
function goodCall(tiny: TinyServer, client = tiny.connect()): Promise<GetServerResponse> {
  const metadata = new Metadata();
  metadata.set('authorization', TOKEN.authorization);
  return call(client, 'getServer', GetServerRequest.fromPartial({}), { metadata });
}

/** Sends all but one byte of a message, and never the rest. */
function sendMost(peer: RawPeer, length: number, headers = {}, to = GET): RawCall {
  const sent = peer.call(to, headers);
  sent.stream.write(messagePart(length, length - 1));
  return sent;
}

describe('a request that is not complete', () => {
  it('is refused by its headers if it has no valid credentials: its body is not read', async () => {
    const tiny = await startSmall();
    const peer = await peerOf(tiny);
    const calls = Array.from({ length: 50 }, () => sendMost(peer, MESSAGE_BYTES));
    for (const { ended } of calls) expect(await ended).toMatchObject({ reason: 'UNAUTHENTICATED' });
  });

  it('is refused if its credentials are no text of gRPC', async () => {
    const tiny = await startSmall();
    const peer = await peerOf(tiny);
    const { stream, ended } = peer.call(GET, { authorization: 'Bearer \u00e4' });
    stream.end(messagePart(0, 0));
    expect(await ended).toMatchObject({ reason: 'UNAUTHENTICATED' });
    await goodCall(tiny);
  });

  it('is limited in bytes for each connection: the largest ends, and others are served', async () => {
    const tiny = await startSmall();
    const peer = await peerOf(tiny);
    const calls = Array.from({ length: 50 }, () => sendMost(peer, MESSAGE_BYTES, TOKEN));
    const ends: unknown[] = [];
    for (const { ended } of calls) void ended.then((end) => ends.push(end));
    // Four of the maximum size have a place, less one for what pieces count at least.
    await eventually(() => {
      expect(ends.length).toBeGreaterThanOrEqual(46);
    });
    for (const end of ends) expect(end).toMatchObject({ reason: 'REQUEST_INCOMPLETE' });
    await goodCall(tiny);
  });

  it('is limited in bytes over all connections: the one that sends the most ends', async () => {
    const tiny = await startSmall({ maxIncompleteBytes: 4 * MESSAGE_BYTES });
    const greedy = await peerOf(tiny);
    const held = [1, 2].map(() => sendMost(greedy, MESSAGE_BYTES, TOKEN));
    const modest = await peerOf(tiny);
    const small = sendMost(modest, 1_000, TOKEN);
    const others = await Promise.all([1, 2, 3].map(() => peerOf(tiny)));
    const more = others.map((peer) => sendMost(peer, (MESSAGE_BYTES * 3) / 4, TOKEN));
    const end = await Promise.race(held.map(({ ended }) => ended));
    expect(end).toMatchObject({ reason: 'REQUEST_INCOMPLETE' });
    for (const { stream } of [small, ...more]) expect(stream.closed).toBe(false);
  });

  it('is limited to little where no credentials are asked for', async () => {
    const tiny = await startSmall({ maxMessageBytes: 4 * 1_024 * 1_024 });
    const peer = await peerOf(tiny);
    const { ended } = sendMost(peer, 1_024 * 1_024, {}, HEALTH);
    expect(await ended).toMatchObject({ reason: 'REQUEST_INCOMPLETE' });
    const whole = peer.call(HEALTH);
    whole.stream.end(messagePart(0, 0));
    expect(await whole.ended).toBe('OK');
  });

  it('ends after the time for requests', async () => {
    const tiny = await startSmall({ requestTimeoutMs: 50 });
    const peer = await peerOf(tiny);
    const nothing = peer.call(GET, TOKEN);
    const partly = sendMost(peer, 1_000, TOKEN);
    const unended = peer.call(GET, TOKEN);
    unended.stream.write(messagePart(0, 0));
    for (const { ended } of [nothing, partly, unended])
      expect(await ended).toMatchObject({ reason: 'REQUEST_INCOMPLETE' });
  });

  it('on a stream counts from its first byte to its last: a quiet stream goes on', async () => {
    let received = 0;
    const tiny = await startSmall({
      requestTimeoutMs: 50,
      register(server, shell) {
        shell.addService(server, ConnectionServiceService, {
          checkConnections: () => CheckConnectionsResponse.fromPartial({}),
          sync: async (requests) => {
            for await (const _ of requests) received += 1;
          },
        });
      },
    });
    const peer = await peerOf(tiny);
    const quiet = peer.call(SYNC, TOKEN);
    quiet.stream.write(messagePart(0, 0));
    // Ended by a sweep that comes after the quiet one has been quiet for as long.
    const stuck = peer.call(SYNC, TOKEN);
    stuck.stream.write(messagePart(10, 5));
    expect(await stuck.ended).toBeDefined();
    expect(quiet.stream.closed).toBe(false);
    quiet.stream.write(messagePart(0, 0));
    await eventually(() => {
      expect(received).toBe(2);
    });
  });
});

describe('connections', () => {
  it('beyond the limit are refused with a status, and those that are proven go on', async () => {
    const tiny = await startSmall({ maxConnections: 3 });
    const clients = [1, 2, 3].map(() => tiny.connect());
    for (const client of clients) await goodCall(tiny, client);
    const refused = fromStatus(await failureOf(goodCall(tiny)));
    expect(refused).toMatchObject({
      reason: 'TOO_MANY_CONNECTIONS',
      metadata: { limit: '3' },
      retryDelayMs: expect.any(Number) as number,
    });
    for (const client of clients) await goodCall(tiny, client);
    expect(tiny.logged).toContainEqual(expect.objectContaining({ maxConnections: 3 }));
    clients[0]?.close();
    // Its place is free once the server has heard of it.
    await eventually(() => goodCall(tiny));
  });

  it('that are refused are closed, also when nothing is called on them', async () => {
    const tiny = await startSmall({ maxConnections: 1 });
    await goodCall(tiny);
    const peer = await peerOf(tiny);
    await once(peer.session, 'close');
  });

  it('of peers without credentials make room for others, the oldest first', async () => {
    const tiny = await startSmall({ maxConnections: 3 });
    const peers: RawPeer[] = [];
    for (let n = 0; n < 3; n += 1) peers.push(await peerOf(tiny));
    const [first, second, third] = peers as [RawPeer, RawPeer, RawPeer];
    const refused = first.call(GET);
    expect(await refused.ended).toMatchObject({ reason: 'UNAUTHENTICATED' });
    const valid = second.call(GET, TOKEN);
    valid.stream.end(messagePart(0, 0));
    expect(await valid.ended).toBe('OK');
    const closed = [first, third].map(({ session }) => once(session, 'close'));
    const client = tiny.connect();
    await goodCall(tiny, client);
    await closed[0];
    expect(third.session.destroyed).toBe(false);
    await goodCall(tiny);
    await closed[1];
    expect(second.session.destroyed).toBe(false);
  });

  it('that stay silent keep nobody out, and are closed after the handshake timeout', async () => {
    const tiny = await startSmall({ maxConnections: 10, handshakeTimeoutMs: 50 });
    const client = tiny.connect();
    await goodCall(tiny, client);
    const silent = Array.from({ length: 30 }, () => openSocket(tiny));
    await Promise.all(silent.map((socket) => once(socket, 'connect')));
    await goodCall(tiny);
    await eventually(() => {
      expect(silent.filter(({ closed }) => !closed)).toEqual([]);
    });
    await goodCall(tiny, client);
  });

  it('that never finish their TLS handshake are closed too', async () => {
    const pem = (name: string): Buffer =>
      readFileSync(path.join(import.meta.dirname, '../../support/network/tls', name));
    const pair = { cert_chain: pem('server.crt'), private_key: pem('server.key') };
    const tiny = await startSmall({
      credentials: ServerCredentials.createSsl(null, [pair]),
      handshakeTimeoutMs: 50,
    });
    const client = tiny.connect(ChannelCredentials.createSsl(pem('ca.crt')));
    await goodCall(tiny, client);
    const silent = openSocket(tiny);
    // The beginning of a ClientHello.
    silent.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
    await once(silent, 'close');
    await goodCall(tiny, client);
  });

  it('that are silent do not delay a shutdown', async () => {
    const tiny = await startSmall({ drainTimeoutMs: 60_000, handshakeTimeoutMs: 60_000 });
    const silent = openSocket(tiny);
    await once(silent, 'connect');
    await goodCall(tiny);
    await Promise.all([tiny.server.close(), once(silent, 'close')]);
  });
});

describe('calls that lead to nothing', () => {
  it.each([
    ['without credentials', GET],
    ['to methods that ask for none', HEALTH],
  ])('end their connection, and no other: %s', async (_, method) => {
    const tiny = await startSmall({ maxCallsPerConnection: 1_000 });
    const client = tiny.connect();
    await goodCall(tiny, client);
    const peer = await peerOf(tiny);
    const goaway = once(peer.session, 'goaway');
    const calls = Array.from({ length: 150 }, () => peer.call(method));
    // Those that are cut off end with an error.
    for (const { ended } of calls) ended.catch(() => undefined);
    for (const { stream } of calls) stream.end(messagePart(0, 0));
    expect((await goaway)[0]).toBe(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    await goodCall(tiny, client);
  });

  it('are forgiven to a peer with credentials that resets 200 at once', async () => {
    const tiny = await startSmall({ maxCallsPerConnection: 1_000 });
    await goodCall(tiny);
    const socket = await resetCalls(tiny, 200);
    const echo = Buffer.from('still on');
    socket.write(frame({ type: FRAME.ping, payload: echo }));
    let seen = Buffer.alloc(0);
    socket.on('data', (bytes: Buffer) => (seen = Buffer.concat([seen, bytes])));
    await eventually(() => {
      expect(seen.includes(echo)).toBe(true);
    });
  });

  it('end the connection of a peer with credentials that resets 400', async () => {
    const tiny = await startSmall({ maxCallsPerConnection: 1_000 });
    const client = tiny.connect();
    await goodCall(tiny, client);
    await once(await resetCalls(tiny, 400), 'close');
    await goodCall(tiny, client);
  });
});

/** A connection with valid credentials that opens so many calls, and resets each at once. */
async function resetCalls(tiny: TinyServer, count: number): Promise<net.Socket> {
  const socket = openSocket(tiny);
  await once(socket, 'connect');
  const block = headerBlock({
    ':method': 'POST',
    ':scheme': 'http',
    ':path': GET,
    ':authority': 'localhost',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...TOKEN,
  });
  const frames = Array.from({ length: count }, (_, n) => [
    frame({ type: FRAME.headers, flags: 0x4, stream: 2 * n + 1, payload: block }),
    frame({ type: FRAME.rstStream, stream: 2 * n + 1, payload: Buffer.from([0, 0, 0, 8]) }),
  ]);
  socket.write(Buffer.concat([PREFACE, frame({ type: FRAME.settings }), ...frames.flat()]));
  return socket;
}

/** A connection on which nothing is said. */
function openSocket({ server }: TinyServer): net.Socket {
  const { hostname, port } = new URL(`http://${server.address}`);
  const socket = net.connect(Number(port), hostname);
  socket.on('error', () => undefined).resume();
  onTestFinished(() => {
    socket.destroy();
  });
  return socket;
}
