import { describe, expect, it } from 'vitest';
import { readEvents } from '../../../src/mcp/event-stream.js';
import { MAX_MESSAGE_SIZE } from '../../../src/mcp/message.js';

/** The events of a stream that comes in these pieces, as `type:data`, and how often something came. */
async function read(
  ...pieces: readonly (string | Uint8Array)[]
): Promise<{ readonly events: string[]; readonly heard: number }> {
  const events: string[] = [];
  let heard = 0;
  await readEvents(bodyOf(pieces), {
    maxMessageBytes: MAX_MESSAGE_SIZE,
    onEvent: ({ event = '', data }) => events.push(`${event}:${data}`),
    onHeard: () => (heard += 1),
  });
  return { events, heard };
}

function bodyOf(pieces: readonly (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return ReadableStream.from(
    pieces.map((piece) => (typeof piece === 'string' ? encoder.encode(piece) : piece)),
  );
}

describe('readEvents', () => {
  it('puts together what comes in pieces, in whatever line ends', async () => {
    const { events, heard } = await read(
      'event: a\nda',
      'ta: 1\n',
      '\ndata: 2\r\n\r\ndata: 3\r\r: more\n',
    );
    expect([events, heard]).toEqual([['a:1', ':2', ':3'], 3]);
  });

  it('puts characters together that are cut in two', async () => {
    const bytes = new TextEncoder().encode('data: é…\n\n');
    const { events } = await read(...[...bytes].map((byte) => Uint8Array.of(byte)));
    expect(events).toEqual([':é…']);
  });

  it('hears comments, and skips what it does not know', async () => {
    const { events, heard } = await read(
      ': alive\n\n',
      'nonsense\nretry: x\nother: 1\ndata: 1\n\n',
    );
    expect([events, heard]).toEqual([[':1'], 2]);
  });

  it('drops an event that was not finished', async () => {
    expect((await read('data: 1\n\ndata: 2\n')).events).toEqual([':1']);
  });

  it('gives what an event set off its turn before the next one, in order', async () => {
    const order: string[] = [];
    await readEvents(bodyOf(['data: 1\n\ndata: 2\n\n']), {
      maxMessageBytes: MAX_MESSAGE_SIZE,
      onEvent: ({ data }) => {
        order.push(data);
        void Promise.resolve().then(async () => Promise.resolve(order.push(`after ${data}`)));
      },
      onHeard: () => undefined,
    });
    expect(order).toEqual(['1', 'after 1', '2', 'after 2']);
  });

  it('rejects an event that is larger than a message may be, over several lines as well', async () => {
    const half = 'x'.repeat(MAX_MESSAGE_SIZE / 2 + 1);
    await expect(read(`data: ${half}\ndata: ${half}\n`)).rejects.toThrow(/a message of more than/);
    await expect(read(`data: ${half}${half}`)).rejects.toThrow(/a message of more than/);
    expect((await read(`data: ${half}\n\n`)).events).toHaveLength(1);
  });

  it('rejects with what its listener throws', async () => {
    const listener = {
      maxMessageBytes: MAX_MESSAGE_SIZE,
      onEvent: () => {
        throw new Error('no such endpoint');
      },
      onHeard: () => undefined,
    };
    await expect(readEvents(bodyOf(['data: 1\n\n']), listener)).rejects.toThrow('no such endpoint');
  });
});
