import { ChannelCredentials, type ClientDuplexStream, status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import {
  CheckConnectionsResponse,
  ConnectionServiceService,
  SyncRequest,
  SyncResponse,
} from '../../../generated/switchboard/v1/connection_service.js';
import { SwitchboardError } from '../../../src/domain/errors.js';
import type { FrameSink } from '../../../src/services/watch/sink.js';
import type { HandlersOf } from '../../../src/server/grpc/shell.js';
import { fromStatus } from '../../../src/wire/status.js';
import { startTinyServer, type TinyServer } from '../../support/grpc/tiny-server.js';
import { eventually } from '../../support/eventually.js';
import { createConnectionStub } from '../../support/grpc/stubs.js';

type SyncHandler = HandlersOf<typeof ConnectionServiceService>['sync'];

function startSync(sync: SyncHandler): Promise<TinyServer> {
  return startTinyServer(
    {},
    {
      register(server, shell) {
        shell.addService(server, ConnectionServiceService, {
          checkConnections: () => Promise.resolve(CheckConnectionsResponse.fromPartial({})),
          sync,
        });
      },
    },
  );
}

interface OpenSync {
  readonly stream: ClientDuplexStream<SyncRequest, SyncResponse>;
  readonly heard: readonly string[];
  readonly ended: Promise<SwitchboardError | 'OK'>;
}

function openSync({ server }: TinyServer): OpenSync {
  const client = createConnectionStub(server.address, ChannelCredentials.createInsecure());
  const stream = client.sync();
  const heard: string[] = [];
  stream.on('data', ({ message }: SyncResponse) => {
    if (message?.$case === 'welcome') heard.push(message.value.servedBy);
  });
  stream.on('error', () => undefined);
  const ended = new Promise<SwitchboardError | 'OK'>((resolve) => {
    stream.on('status', (end) => {
      client.close();
      resolve(end.code === status.OK ? 'OK' : fromStatus(end));
    });
  });
  return { stream, heard, ended };
}

const applied = (token: string): SyncRequest =>
  SyncRequest.fromPartial({ message: { $case: 'applied', value: { token } } });

const echo = (text: string): Uint8Array =>
  SyncResponse.encode(
    SyncResponse.fromPartial({ message: { $case: 'welcome', value: { servedBy: text } } }),
  ).finish();

describe('a bidirectional stream', () => {
  it('hands over requests in order, and ends them when the peer sends no more', async () => {
    await using tiny = await startSync(async (requests, { sink }) => {
      for await (const { message } of requests) {
        if (message?.$case === 'applied') sink.write(echo(message.value.token));
      }
      sink.write(echo('done'));
      sink.end();
    });
    const { stream, heard, ended } = openSync(tiny);
    for (const token of ['a', 'b', 'c']) stream.write(applied(token));
    stream.end();
    expect(await ended).toBe('OK');
    expect(heard).toEqual(['a', 'b', 'c', 'done']);
  });

  it('ends with the path of the field when a message is not UTF-8', async () => {
    await using tiny = await startSync(async (requests, { sink }) => {
      for await (const request of requests) sink.write(echo(request.message?.$case ?? ''));
    });
    const client = tiny.client;
    const stream = client.makeBidiStreamRequest(
      '/switchboard.v1.ConnectionService/Sync',
      (raw: Buffer) => raw,
      (raw: Buffer) => raw,
    );
    stream.on('data', () => undefined).on('error', () => undefined);
    const ended = new Promise<SwitchboardError>((resolve) => {
      stream.on('status', (end) => {
        resolve(fromStatus(end));
      });
    });
    stream.write(Buffer.from(SyncRequest.encode(applied('a')).finish()));
    // applied (field 4) with a token (field 1) of two bytes.
    stream.write(Buffer.from([0x22, 0x04, 0x0a, 0x02, 0xff, 0xfe]));
    expect(await ended).toMatchObject({
      reason: 'INVALID_FIELD',
      violations: [{ field: 'applied.token' }],
    });
  });

  it('ends with what its handler throws, also while requests are read', async () => {
    await using tiny = await startSync(async (requests) => {
      for await (const _ of requests) throw new SwitchboardError('PROTOCOL_VIOLATION');
    });
    const { stream, ended } = openSync(tiny);
    stream.write(applied('a'));
    expect(await ended).toMatchObject({ reason: 'PROTOCOL_VIOLATION' });
  });

  it('ends the requests when the server ends it, and when the peer is gone', async () => {
    const over: FrameSink[] = [];
    await using tiny = await startSync(async (requests, { sink }) => {
      for await (const { message } of requests) {
        if (message?.$case !== 'applied') continue;
        if (message.value.token === 'end') sink.end(new SwitchboardError('SLOW_CONSUMER'));
        else sink.write(echo('hello'));
      }
      over.push(sink);
    });
    const first = openSync(tiny);
    first.stream.write(applied('end'));
    expect(await first.ended).toMatchObject({ reason: 'SLOW_CONSUMER' });
    await eventually(() => {
      expect(over).toHaveLength(1);
    });
    const second = openSync(tiny);
    second.stream.write(applied('hello'));
    await eventually(() => {
      expect(second.heard).toEqual(['hello']);
    });
    second.stream.cancel();
    await eventually(() => {
      expect(over[1]?.signal.reason).toMatchObject({ reason: 'CANCELLED' });
    });
    expect(tiny.logged.filter((line) => line['level'] === 50)).toEqual([]);
  });

  it('reads the next request when it is asked for: a slow handler stops a fast peer', async () => {
    let read = 0;
    let goOn: () => void = () => undefined;
    const pause = new Promise<void>((resolve) => (goOn = resolve));
    await using tiny = await startSync(async (requests, { sink }) => {
      for await (const _ of requests) {
        read += 1;
        if (read === 1) await pause;
      }
      sink.end();
    });
    const { stream, ended } = openSync(tiny);
    const big = applied('x'.repeat(16_000));
    let sent = 0;
    // Writes until flow control stops it: the other side holds a bounded amount.
    const fill = (): void => {
      while (sent < 1_300) {
        sent += 1;
        if (!stream.write(big)) {
          stream.once('drain', fill);
          return;
        }
      }
      stream.end();
    };
    fill();
    await eventually(() => {
      expect(read).toBe(1);
    });
    expect(sent).toBeLessThan(1_300);
    goOn();
    expect(await ended).toBe('OK');
    expect(read).toBe(1_300);
  });
});
