import { credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { makeGenericClientConstructor } from '@grpc/grpc-js';
import { describe, expect, it, vi } from 'vitest';
import {
  GetServerRequest,
  GetServerResponse,
} from '../../../generated/switchboard/v1/registry_service.js';
import type { SwitchboardError } from '../../../src/domain/errors.js';
import type { FrameSink } from '../../../src/services/watch/sink.js';
import { fromStatus } from '../../../src/wire/status.js';
import { startTinyServer } from '../../support/tiny-server.js';
import { call, failureOf } from '../../support/unary-call.js';
import { frame, openWatch, tokensOf } from '../../support/watch-stream.js';

const REQUEST = GetServerRequest.fromPartial({});
const RESPONSE = GetServerResponse.fromPartial({ server: { name: 'weather' } });

describe('a graceful stop', () => {
  it('ends streams with their last frame and a retry delay, and lets calls finish', async () => {
    const sinks: FrameSink[] = [];
    let finish: (() => void) | undefined;
    await using tiny = await startTinyServer(
      {
        getServer: () =>
          new Promise((resolve) => {
            finish = () => {
              resolve(RESPONSE);
            };
          }),
        watchServers: (_, { sink }) => {
          sinks.push(sink);
          sink.write(frame('open'));
        },
      },
      {
        endStreams: (error: SwitchboardError) => {
          for (const sink of sinks) {
            sink.write(frame('bookmark'));
            sink.end(error);
          }
        },
      },
    );
    const watch = openWatch(tiny.client);
    const running = call(tiny.client, 'getServer', REQUEST);
    await vi.waitFor(() => {
      expect([sinks.length, finish !== undefined]).toEqual([1, true]);
    });

    let closed = false;
    const closing = tiny.server.close().then(() => {
      closed = true;
    });
    const ended = fromStatus((await watch.ended) as never);
    expect(ended.reason).toBe('SHUTTING_DOWN');
    expect(ended.retryDelayMs).toBeGreaterThan(0);
    expect(tokensOf(watch.messages)).toEqual(['open', 'bookmark']);
    expect(closed).toBe(false);

    finish?.();
    expect(await running).toEqual(RESPONSE);
    await closing;
  });

  it('refuses what comes after it began', async () => {
    await using tiny = await startTinyServer(
      { getServer: () => new Promise(() => undefined) },
      { drainTimeoutMs: 500 },
    );
    const running = call(tiny.client, 'getServer', REQUEST).catch(() => undefined);
    await vi.waitFor(() => {
      expect(tiny.client.getChannel().getConnectivityState(false)).toBe(2);
    });
    const closing = tiny.server.close();
    // Over the connection that is still there, or a new one that is refused.
    const failure = await failureOf(call(tiny.client, 'getServer', REQUEST));
    expect(failure.code).toBe(status.UNAVAILABLE);
    await closing;
    await running;
  });

  it('cuts what does not end in time', async () => {
    await using tiny = await startTinyServer(
      {
        getServer: () => new Promise(() => undefined),
        watchServers: (_, { sink }) => {
          while (sink.write(frame('x', 60_000)));
        },
      },
      { drainTimeoutMs: 100 },
    );
    const stalled = openWatch(tiny.client, { paused: true });
    const stuck = failureOf(call(tiny.client, 'getServer', REQUEST));
    await vi.waitFor(() => {
      expect(tiny.client.getChannel().getConnectivityState(false)).toBe(2);
    });
    await tiny.server.close();
    stalled.stream.resume();
    const codes = [(await stuck).code, (await stalled.ended).code];
    for (const code of codes) expect([status.UNAVAILABLE, status.CANCELLED]).toContain(code);
    expect(tiny.logged.map((line) => line['msg'])).toContain(
      'calls did not end in time and are cut',
    );
  });

  it('tells those who watch its health, and ends their streams too', async () => {
    await using tiny = await startTinyServer({}, { drainTimeoutMs: 20_000 });
    const Health = makeGenericClientConstructor(healthService as never, 'Health');
    const client = new Health(tiny.server.address, credentials.createInsecure());
    const seen: unknown[] = [];
    const watching = client['watch']!(
      { service: '' },
      new Metadata(),
    ) as never as import('@grpc/grpc-js').ClientReadableStream<{
      status: string;
    }>;
    const ended = new Promise<ServiceError>((resolve) => watching.on('error', resolve));
    watching.on('data', (message) => seen.push(message.status));
    await vi.waitFor(() => {
      expect(seen).toEqual(['SERVING']);
    });
    await tiny.server.close();
    expect((await ended).code).toBe(status.UNAVAILABLE);
    expect(seen).toEqual(['SERVING', 'NOT_SERVING']);
    client.close();
  });

  it('is not ready before the application is', async () => {
    let ready: (() => void) | undefined;
    const address = new Promise<string>((resolve) => {
      void startTinyServer(
        {},
        {
          listen: { host: '127.0.0.1', port: 0 },
          ready: () =>
            new Promise<void>((done) => {
              ready = done;
            }),
        },
      ).then((tiny) => {
        resolve(tiny.server.address);
        return tiny[Symbol.asyncDispose]();
      });
    });
    await vi.waitFor(() => {
      expect(ready).toBeDefined();
    });
    ready?.();
    expect(await address).toMatch(/^127\.0\.0\.1:\d+$/);
  });
});
