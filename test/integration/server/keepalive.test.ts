import net from 'node:net';
import { ChannelCredentials } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { FrameSink } from '../../../src/services/watch/sink.js';
import { CLIENT_KEEPALIVE, SERVER_KEEPALIVE } from '../../../src/wire/keepalive.js';
import { startTinyServer } from '../../support/grpc/tiny-server.js';
import { frame, openWatch, tokensOf } from '../../support/grpc/watch-stream.js';
import { eventually } from '../../support/eventually.js';
import { createRegistryStub } from '../../support/grpc/stubs.js';

/** A PING frame of HTTP/2 with its header. */
const PING_BYTES = 17;
const FAST = { 'grpc.keepalive_time_ms': 50, 'grpc.keepalive_timeout_ms': 200 };

describe('keepalive', () => {
  it('leaves a watch alone on which nothing is sent, however often both sides ping', async () => {
    let sink: FrameSink | undefined;
    await using tiny = await startTinyServer(
      {
        watchServers: (_, call) => {
          sink = call.sink;
          sink.write(frame('open'));
        },
      },
      { channelOptions: FAST },
    );
    await using cable = await startCable(tiny.server.address);
    const client = createRegistryStub(cable.address, ChannelCredentials.createInsecure(), {
      ...FAST,
      'grpc.use_local_subchannel_pool': 1,
    });
    const watch = openWatch(client);
    await eventually(() => {
      expect(watch.messages).toHaveLength(1);
    });
    const before = cable.bytes();
    await eventually(() => {
      expect(cable.bytes() - before).toBeGreaterThan(20 * PING_BYTES);
    });
    sink?.write(frame('still here'));
    await eventually(() => {
      expect(tokensOf(watch.messages)).toEqual(['open', 'still here']);
    });
    client.close();
  });

  it('notices a peer that vanished without a word', async () => {
    let sink: FrameSink | undefined;
    await using tiny = await startTinyServer(
      { watchServers: (_, call) => void (sink = call.sink).write(frame('open')) },
      { channelOptions: FAST },
    );
    await using cable = await startCable(tiny.server.address);
    const client = createRegistryStub(cable.address, ChannelCredentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    const watch = openWatch(client);
    await eventually(() => {
      expect(watch.messages).toHaveLength(1);
    });
    cable.pull();
    await eventually(() => {
      expect(sink?.signal.aborted).toBe(true);
    });
    client.close();
  });

  it('has two sides that fit: clients ping before servers do, and both in time for a heartbeat', () => {
    const [time, timeout] = ['grpc.keepalive_time_ms', 'grpc.keepalive_timeout_ms'] as const;
    expect(CLIENT_KEEPALIVE[time]).toBeLessThan(SERVER_KEEPALIVE[time]!);
    // Many servers and proxies cut clients that ping more often than this.
    expect(CLIENT_KEEPALIVE[time]).toBeGreaterThanOrEqual(10_000);
    expect(CLIENT_KEEPALIVE[timeout]).toBeLessThan(CLIENT_KEEPALIVE[time]!);
    expect(SERVER_KEEPALIVE['grpc.max_connection_age_grace_ms']).toBeLessThan(
      SERVER_KEEPALIVE['grpc.max_connection_age_ms']!,
    );
  });
});

/** A connection to the server that can be cut so that neither side is told. */
interface Cable extends AsyncDisposable {
  readonly address: string;
  /** What went through, in both directions. */
  bytes(): number;
  pull(): void;
}

async function startCable(address: string): Promise<Cable> {
  const [host, port] = address.split(':');
  const sockets: net.Socket[] = [];
  const server = net.createServer((near) => {
    const far = net.connect(Number(port), host);
    sockets.push(near, far);
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    bytes: () => sockets.reduce((sum, socket) => sum + socket.bytesRead, 0),
    pull() {
      for (const socket of sockets) socket.unpipe().pause();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
