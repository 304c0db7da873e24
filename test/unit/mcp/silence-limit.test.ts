import type { JSONRPCMessage } from '@modelcontextprotocol/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSilenceLimit, type SilenceLimit } from '../../../src/mcp/silence-limit.js';

const request = (id: number): JSONRPCMessage => ({ jsonrpc: '2.0', id, method: 'tools/call' });
const answer = (id: number): JSONRPCMessage => ({ jsonrpc: '2.0', id, result: {} });
const refusal = (id: number): JSONRPCMessage => ({
  jsonrpc: '2.0',
  id,
  error: { code: -32000, message: 'no' },
});
const cancelled = (requestId: number): JSONRPCMessage => ({
  jsonrpc: '2.0',
  method: 'notifications/cancelled',
  params: { requestId },
});

describe('createSilenceLimit', () => {
  let silences = 0;
  // The verdict comes in the turn behind the timer, which the clock of vitest puts at 1 ms later.
  const passes = (ms: number): unknown => vi.advanceTimersByTime(ms + 1);
  const limited = (ms?: number): SilenceLimit => createSilenceLimit(ms, () => (silences += 1));

  beforeEach(() => {
    silences = 0;
    vi.useFakeTimers();
  });
  afterEach(() => void vi.useRealTimers());

  it('lets a stream be silent on which nothing is due', () => {
    const limit = limited(100);
    limit.heard();
    limit.sending({ jsonrpc: '2.0', method: 'notifications/initialized' });
    vi.advanceTimersByTime(10_000);
    expect(silences).toBe(0);
  });

  it('counts from the request, and anew from whatever is heard', () => {
    const limit = limited(100);
    vi.advanceTimersByTime(1000);
    limit.sending(request(1));
    vi.advanceTimersByTime(99);
    limit.heard();
    vi.advanceTimersByTime(99);
    limit.received({ jsonrpc: '2.0', method: 'notifications/progress' });
    expect(silences).toBe(0);
    passes(1);
    expect(silences).toBe(1);
  });

  it('does not begin anew with a second request: sending is not hearing', () => {
    const limit = limited(100);
    limit.sending(request(1));
    vi.advanceTimersByTime(60);
    limit.sending(request(2));
    passes(40);
    expect(silences).toBe(1);
  });

  it.each([
    ['is answered', (limit: SilenceLimit) => limit.received(answer(1))],
    ['is refused', (limit: SilenceLimit) => limit.received(refusal(1))],
    ['is cancelled', (limit: SilenceLimit) => limit.sending(cancelled(1))],
    ['could not be sent', (limit: SilenceLimit) => limit.failed(request(1))],
    ['is forgotten, because we stop', (limit: SilenceLimit) => limit.stop()],
  ])('expects nothing any more when the only request %s', (_title, settle) => {
    const limit = limited(100);
    limit.sending(request(1));
    settle(limit);
    vi.advanceTimersByTime(10_000);
    expect(silences).toBe(0);
  });

  it('goes on while another request waits', () => {
    const limit = limited(100);
    limit.sending(request(1));
    limit.sending(request(2));
    limit.received(answer(1));
    passes(100);
    expect(silences).toBe(1);
  });

  it('lets what lies there unread after a stall of our own be heard', async () => {
    vi.useRealTimers();
    const limit = limited(1);
    limit.sending(request(1));
    // Both are due: the timer fires first, as it does before sockets are read.
    setTimeout(() => limit.heard(), 1);
    for (const until = performance.now() + 20; performance.now() < until;);
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(silences).toBe(0);
    limit.stop();
  });

  it('has no limit if none is given', () => {
    limited(undefined).sending(request(1));
    vi.advanceTimersByTime(1e9);
    expect([silences, vi.getTimerCount()]).toEqual([0, 0]);
  });
});
