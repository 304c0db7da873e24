import { describe, expect, it } from 'vitest';
import { Outbound } from '../../../../src/services/watch/outbound.js';
import { RecordingSink } from '../../../support/services/sinks.js';

const frame = (text: string): Uint8Array => Buffer.from(text);
const texts = (sink: RecordingSink): readonly string[] =>
  sink.frames.map((each) => Buffer.from(each).toString());

function outbound() {
  const clock = { now: 0 };
  const sink = new RecordingSink();
  return { clock, sink, out: new Outbound(sink, () => clock.now) };
}

describe('Outbound', () => {
  it('keeps the order of frames, whatever kind they are [W1]', () => {
    const { sink, out } = outbound();
    sink.stall();
    out.send([frame('a'), frame('b')]);
    out.sendCommit([frame('c'), frame('d')]);
    out.tell(frame('e'));
    expect(texts(sink)).toEqual(['a']);
    sink.release(2);
    expect(texts(sink)).toEqual(['a', 'b', 'c']);
    sink.release();
    expect(texts(sink)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('counts commits that wait, but neither other frames nor a single commit [P21]', () => {
    const { sink, out } = outbound();
    sink.stall();
    out.send([frame('x'.repeat(100)), frame('y'.repeat(100))]);
    expect(out.exceeds(10)).toBe(false);
    out.sendCommit([frame('z'.repeat(100)), frame('.')]);
    expect(out.exceeds(10)).toBe(false);
    out.sendCommit([frame('1')]);
    expect(out.exceeds(10)).toBe(true);
    expect(out.exceeds(102)).toBe(false);
    // Once the first of them is handed over whole, only one is left.
    sink.release(3);
    expect(out.exceeds(0)).toBe(false);
    out.sendCommit([frame('2')]);
    expect(out.exceeds(0)).toBe(true);
  });

  it('drops its backlog but for what was told, and counts anew [P21, W12]', () => {
    const { sink, out } = outbound();
    sink.stall();
    out.sendCommit([frame('a'), frame('b')]);
    out.tell(frame('refused'));
    out.sendCommit([frame('c')]);
    out.clear();
    expect(out.exceeds(0)).toBe(false);
    out.send([frame('reset')]);
    sink.release();
    expect(texts(sink)).toEqual(['a', 'refused', 'reset']);
  });

  it('says when all was handed over: at once, later, or at the end', () => {
    const { sink, out } = outbound();
    const seen: string[] = [];
    out.whenEmpty(() => seen.push('idle'));
    sink.stall();
    out.send([frame('a'), frame('b')]);
    out.whenEmpty(() => seen.push('drained'));
    expect(seen).toEqual(['idle']);
    sink.release();
    expect(seen).toEqual(['idle', 'drained']);
    sink.stall();
    out.send([frame('c')]);
    out.whenEmpty(() => seen.push('ended'));
    out.end();
    out.whenEmpty(() => seen.push('over'));
    expect(seen).toEqual(['idle', 'drained', 'ended', 'over']);
  });

  it('knows since when the reader takes nothing [W12]', () => {
    const { clock, sink, out } = outbound();
    expect(out.blockedSince).toBeUndefined();
    sink.stall();
    clock.now = 5;
    out.send([frame('a'), frame('b'), frame('c')]);
    expect(out.blockedSince).toBe(5);
    clock.now = 9;
    sink.release(1);
    expect(out.blockedSince).toBe(9);
    sink.release();
    expect(out.blockedSince).toBeUndefined();
  });

  it('hands nothing over after its end, and ends once', () => {
    const { sink, out } = outbound();
    out.send([frame('a')]);
    out.end();
    out.end();
    out.send([frame('b')]);
    out.sendCommit([frame('c')]);
    out.tell(frame('d'));
    expect(texts(sink)).toEqual(['a']);
    expect(sink.ended).toEqual({ error: undefined });
  });
});
