import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { SwitchboardError } from '../../../src/domain/errors.js';
import type { FrameSink } from '../../../src/services/watch/sink.js';
import { fromStatus } from '../../../src/wire/status.js';
import { call, failureOf } from '../../support/grpc/unary-call.js';
import { GetServerRequest } from '../../../generated/switchboard/v1/registry_service.js';
import { startTinyServer } from '../../support/grpc/tiny-server.js';
import { frame, openWatch, tokensOf } from '../../support/grpc/watch-stream.js';
import { eventually } from '../../support/eventually.js';

describe('a server stream', () => {
  it('delivers frames as they are, in order, and then its status [W1]', async () => {
    await using tiny = await startTinyServer({
      watchServers: (_, { sink }) => {
        for (let i = 0; i < 100; i += 1) sink.write(frame(String(i)));
        sink.end(new SwitchboardError('SLOW_CONSUMER', 'too slow', { metadata: { token: 't' } }));
        expect(sink.write(frame('late'))).toBe(false);
      },
    });
    const watch = openWatch(tiny.client);
    const error = fromStatus(await watch.ended);
    expect(error).toMatchObject({ reason: 'SLOW_CONSUMER', metadata: { token: 't' } });
    expect(tokensOf(watch.messages)).toEqual(Array.from({ length: 100 }, (_, i) => String(i)));
  });

  it('ends well without an error', async () => {
    await using tiny = await startTinyServer({
      watchServers: (_, { sink }) => {
        sink.write(Uint8Array.from(frame('not a Buffer')));
        sink.end();
        sink.end(new SwitchboardError('CLOSED'));
      },
    });
    const watch = openWatch(tiny.client);
    expect(await watch.ended).toMatchObject({ code: status.OK });
    expect(tokensOf(watch.messages)).toEqual(['not a Buffer']);
  });

  it.each([
    [
      'at once',
      () => {
        throw new SwitchboardError('TOKEN_INVALID');
      },
    ],
    ['later', () => Promise.reject(new SwitchboardError('TOKEN_INVALID'))],
  ])('ends with what its handler throws %s', async (_, watchServers) => {
    await using tiny = await startTinyServer({ watchServers });
    expect(fromStatus((await openWatch(tiny.client).ended) as never).reason).toBe('TOKEN_INVALID');
  });

  it('hides what it did not expect', async () => {
    await using tiny = await startTinyServer({
      watchServers: () => Promise.reject(new Error('password=hunter2')),
    });
    const failure = await openWatch(tiny.client).ended;
    expect(fromStatus(failure as never).reason).toBe('INTERNAL');
    expect(failure.details).not.toContain('hunter2');
    expect(JSON.stringify(tiny.logged)).toContain('hunter2');
  });

  it('tells the writer when the reader is behind, holds a bounded amount, and loses nothing [W12]', async () => {
    const FRAME_BYTES = 10_000;
    let sink: FrameSink | undefined;
    let written = 0;
    let accepted = 0;
    const fill = (): void => {
      // Writes as the watch hub does: until told to stop, then again when drained.
      while (written < 500) {
        written += 1;
        if (!sink!.write(frame(String(written), FRAME_BYTES))) break;
        accepted += 1;
      }
      if (written < 500) sink!.onceDrained(fill);
      else sink!.end();
    };
    await using tiny = await startTinyServer({
      watchServers: (_, call) => {
        sink = call.sink;
        fill();
      },
    });
    const watch = openWatch(tiny.client, { paused: true });
    await eventually(() => {
      expect(accepted).toBeLessThan(written);
    });
    // Whatever was to come of it has come after a few calls on the same connection.
    for (let i = 0; i < 5; i += 1) {
      await failureOf(call(tiny.client, 'getServer', GetServerRequest.fromPartial({})));
    }
    // The reader's side takes some too: HTTP/2 flow control, and grpc-js.
    expect(written).toBeLessThan(100);
    watch.stream.resume();
    expect(await watch.ended).toMatchObject({ code: status.OK });
    expect(tokensOf(watch.messages)).toEqual(Array.from({ length: 500 }, (_, i) => String(i + 1)));
  });

  it('tells the handler when the peer is gone, and drops what comes after', async () => {
    let sink: FrameSink | undefined;
    await using tiny = await startTinyServer({
      watchServers: (_, call) => {
        sink = call.sink;
        sink.write(frame('first'));
      },
    });
    const watch = openWatch(tiny.client);
    await eventually(() => {
      expect(watch.messages).toHaveLength(1);
    });
    const told: string[] = [];
    for (const who of ['one', 'other']) sink?.onceGone(() => told.push(who));
    expect(sink?.isGone).toBe(false);
    watch.stream.cancel();
    await eventually(() => {
      expect(sink?.isGone).toBe(true);
    });
    // Also who asks only now.
    sink?.onceGone(() => told.push('late'));
    expect(told).toEqual(['one', 'other', 'late']);
    expect(sink?.signal.reason).toMatchObject({ reason: 'CANCELLED' });
    expect(sink?.write(frame('late'))).toBe(false);
    sink?.end();
  });

  it('tells the handler when an ended stream is closed', async () => {
    let sink: FrameSink | undefined;
    await using tiny = await startTinyServer({
      watchServers: (_, call) => {
        sink = call.sink;
        sink.end();
      },
    });
    await openWatch(tiny.client).ended;
    await eventually(() => {
      expect(sink?.signal.aborted).toBe(true);
    });
  });

  it('tells a reader who was cut off why, when it reads on [W12]', async () => {
    let written = 0;
    await using tiny = await startTinyServer({
      watchServers: (_, { sink }) => {
        do written += 1;
        while (sink.write(frame(String(written), 10_000)));
        sink.end(new SwitchboardError('SLOW_CONSUMER'));
      },
    });
    const watch = openWatch(tiny.client, { paused: true });
    await eventually(() => {
      expect(written).toBeGreaterThan(1);
    });
    watch.stream.resume();
    expect(fromStatus((await watch.ended) as never).reason).toBe('SLOW_CONSUMER');
    // grpc-js tells the status as soon as it has it, perhaps before all messages were read.
    await eventually(() => {
      expect(watch.messages).toHaveLength(written);
    });
  });

  it('is refused beyond the limit, and a place is free again when a stream ends', async () => {
    await using tiny = await startTinyServer(
      { watchServers: (_, { sink }) => void sink.write(frame('open')) },
      { maxStreams: 2 },
    );
    const [first, second] = [openWatch(tiny.client), openWatch(tiny.client)];
    await eventually(() => {
      expect([first.messages.length, second.messages.length]).toEqual([1, 1]);
    });
    const error = fromStatus(await openWatch(tiny.client).ended);
    expect(error).toMatchObject({ reason: 'TOO_MANY_STREAMS', metadata: { limit: '2' } });
    first.stream.cancel();
    await eventually(async () => {
      const again = openWatch(tiny.client);
      const opened = new Promise((resolve) => again.stream.once('data', resolve));
      expect(await Promise.race([opened, again.ended])).toMatchObject({
        message: { $case: 'synced' },
      });
    });
  });

  it('survives that its connection is asked to move: the next one gets another [W7]', async () => {
    await using tiny = await startTinyServer(
      { watchServers: (_, { sink }) => void sink.write(frame('open')) },
      {
        channelOptions: {
          'grpc.max_connection_age_ms': 100,
          'grpc.max_connection_age_grace_ms': 100,
        },
      },
    );
    const watch = openWatch(tiny.client);
    const failure = await watch.ended;
    expect(tokensOf(watch.messages)).toEqual(['open']);
    // What clients try again at.
    expect(failure.code).toBe(status.UNAVAILABLE);
    const next = openWatch(tiny.client);
    await eventually(() => {
      expect(tokensOf(next.messages)).toEqual(['open']);
    });
  });
});
