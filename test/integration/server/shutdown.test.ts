import net from 'node:net';
import {
  Client,
  type ClientReadableStream,
  credentials,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { describe, expect, it } from 'vitest';
import {
  GetServerRequest,
  GetServerResponse,
  WatchServersRequest,
} from '../../../generated/switchboard/v1/registry_service.js';
import { SwitchboardError } from '../../../src/domain/errors.js';
import type { FrameSink } from '../../../src/services/watch/sink.js';
import { fromStatus } from '../../../src/wire/status.js';
import { startTinyServer } from '../../support/grpc/tiny-server.js';
import { call, failureOf } from '../../support/grpc/unary-call.js';
import { frame, openWatch, tokensOf } from '../../support/grpc/watch-stream.js';
import { eventually } from '../../support/eventually.js';
import { createRegistryStub } from '../../support/grpc/stubs.js';

interface HealthAnswer {
  readonly status: string;
}

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
    await eventually(() => {
      expect([sinks.length, finish !== undefined]).toEqual([1, true]);
    });

    let closed = false;
    const closing = tiny.server.close().then(() => {
      closed = true;
    });
    const ended = fromStatus(await watch.ended);
    expect(ended.reason).toBe('SHUTTING_DOWN');
    expect(ended.retryDelayMs).toBeGreaterThan(0);
    expect(tokensOf(watch.messages)).toEqual(['open', 'bookmark']);
    expect(closed).toBe(false);

    finish?.();
    expect(await running).toEqual(RESPONSE);
    await closing;
  });

  it('ends streams that the application does not know of', async () => {
    await using tiny = await startTinyServer(
      { watchServers: (_, { sink }) => void sink.write(frame('open')) },
      { drainTimeoutMs: 20_000 },
    );
    const watch = openWatch(tiny.client);
    await eventually(() => {
      expect(watch.messages).toHaveLength(1);
    });
    await tiny.server.close();
    expect(fromStatus((await watch.ended) as never).reason).toBe('SHUTTING_DOWN');
  });

  it('refuses what comes after it began', async () => {
    await using tiny = await startTinyServer(
      { getServer: () => new Promise(() => undefined) },
      { drainTimeoutMs: 500 },
    );
    const running = call(tiny.client, 'getServer', REQUEST).catch(() => undefined);
    await eventually(() => {
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
    await eventually(() => {
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
    const client = new Client(tiny.server.address, credentials.createInsecure());
    const seen: unknown[] = [];
    const watch = healthService['Watch']!;
    const watching: ClientReadableStream<HealthAnswer> = client.makeServerStreamRequest(
      watch.path,
      watch.requestSerialize,
      (bytes) => watch.responseDeserialize(bytes) as HealthAnswer,
      { service: '' },
    );
    const ended = new Promise<ServiceError>((resolve) => watching.on('error', resolve));
    watching.on('data', (message: HealthAnswer) => seen.push(message.status));
    await eventually(() => {
      expect(seen).toEqual(['SERVING']);
    });
    await tiny.server.close();
    expect((await ended).code).toBe(status.UNAVAILABLE);
    expect(seen).toEqual(['SERVING', 'NOT_SERVING']);
    client.close();
  });
});

describe('a start', () => {
  it('is not over before the application is ready: until then, health says NOT_SERVING', async () => {
    const port = await freePort();
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    let becomeReady: () => void = () => undefined;
    const ready = new Promise<void>((resolve) => (becomeReady = resolve));
    const starting = startTinyServer(
      {},
      { listen: { host: '127.0.0.1', port }, ready: () => ready },
    );
    await eventually(async () => {
      expect(await healthOf(client)).toBe('NOT_SERVING');
    });
    becomeReady();
    await using tiny = await starting;
    expect(tiny.server.address).toBe(`127.0.0.1:${port}`);
    expect(await healthOf(client)).toBe('SERVING');
    client.close();
  });

  it('refuses calls until the application is ready, rather than say that nothing is there [F3]', async () => {
    const port = await freePort();
    let becomeReady: () => void = () => undefined;
    const ready = new Promise<void>((resolve) => (becomeReady = resolve));
    const starting = startTinyServer(
      {
        getServer: () => {
          throw new SwitchboardError('SERVER_NOT_FOUND');
        },
        watchServers: (_request, { sink }) => {
          sink.end(new SwitchboardError('SERVER_NOT_FOUND'));
        },
      },
      { listen: { host: '127.0.0.1', port }, ready: () => ready },
    );
    const health = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    await eventually(async () => {
      expect(await healthOf(health)).toBe('NOT_SERVING');
    });
    const client = createRegistryStub(`127.0.0.1:${port}`, credentials.createInsecure());
    const reasons = async (): Promise<readonly string[]> => {
      const watch = client.watchServers(WatchServersRequest.fromPartial({}));
      const failures = [
        failureOf(call(client, 'getServer', REQUEST)),
        new Promise<ServiceError>((resolve) => void watch.on('error', resolve)),
      ];
      return (await Promise.all(failures)).map((failure) => fromStatus(failure).reason);
    };
    expect(await reasons()).toEqual(['STARTING', 'STARTING']);
    becomeReady();
    await using _tiny = await starting;
    expect(await reasons()).toEqual(['SERVER_NOT_FOUND', 'SERVER_NOT_FOUND']);
    health.close();
    client.close();
  });

  it('that fails leaves nothing open', async () => {
    const port = await freePort();
    const listen = { host: '127.0.0.1', port };
    const failing = startTinyServer({}, { listen, ready: () => Promise.reject(new Error('no')) });
    await expect(failing).rejects.toThrow('no');
    await using tiny = await startTinyServer({}, { listen });
    expect(tiny.server.address).toBe(`127.0.0.1:${port}`);
  });
});

async function healthOf(client: Client): Promise<string> {
  const check = healthService['Check']!;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      check.path,
      check.requestSerialize,
      (bytes) => check.responseDeserialize(bytes) as HealthAnswer,
      { service: '' },
      (error, answer) => {
        if (error === null) resolve(answer?.status ?? '');
        else reject(error);
      },
    );
  });
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
