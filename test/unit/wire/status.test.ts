import { Metadata, status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { ERROR_REASONS, type ErrorReason, SwitchboardError } from '../../../src/domain/errors.js';
import {
  codeOf,
  fromRpcStatus,
  fromStatus,
  GRPC_CODES,
  toRpcStatus,
  toStatus,
} from '../../../src/wire/status.js';

const reasons = Object.keys(ERROR_REASONS) as ErrorReason[];

describe('status', () => {
  it.each(reasons)('brings %s back as it was', (reason) => {
    const error = new SwitchboardError(reason, 'what happened', {
      metadata: { etag: 'abc' },
      violations: [{ field: 'server.name', description: 'must not be empty' }],
      retryDelayMs: 1_250,
    });
    const restored = fromStatus(toStatus(error));
    expect(restored).toMatchObject({
      reason,
      message: 'what happened',
      metadata: { etag: 'abc' },
      violations: [{ field: 'server.name', description: 'must not be empty' }],
      retryDelayMs: 1_250,
    });
    expect(toStatus(error).code).toBe(status[GRPC_CODES[reason]]);
  });

  it('carries the same in an answer per item', () => {
    const error = new SwitchboardError('NAME_TAKEN', 'taken', { metadata: { name: 'a' } });
    expect(fromRpcStatus(toRpcStatus(error))).toMatchObject({
      reason: 'NAME_TAKEN',
      metadata: { name: 'a' },
    });
  });

  it('always tells a retry delay with UNAVAILABLE', () => {
    for (const reason of reasons) {
      const { retryDelayMs } = fromStatus(toStatus(new SwitchboardError(reason)));
      expect(retryDelayMs !== undefined).toBe(GRPC_CODES[reason] === 'UNAVAILABLE');
    }
  });

  it.each([
    ['a lone surrogate', 'bad \ud800 text'],
    ['line breaks and control characters', 'a\r\nb\u0000c\u007f'],
    ['other scripts', 'Ünïcödé 日本語 🎉'],
    ['a long text of wide characters', '🎉'.repeat(5_000)],
  ])('has a message that can be a header: %s', (_, text) => {
    const { details } = toStatus(new SwitchboardError('INTERNAL', text));
    // What grpc-js does with it, and throws at.
    expect(() => encodeURI(details)).not.toThrow();
    expect(Buffer.byteLength(details)).toBeLessThan(600);
    // eslint-disable-next-line no-control-regex -- what must not be in a header
    expect(details).not.toMatch(/[\u0000-\u001f\u007f]/);
  });

  it('cuts a long message between characters', () => {
    const { details } = toStatus(new SwitchboardError('INTERNAL', `a${'🎉'.repeat(5_000)}`));
    expect(details).toMatch(/^a(🎉)+…$/u);
  });

  it('stays within what clients take as headers, whatever an error carries', () => {
    const long = 'é'.repeat(10_000);
    const error = new SwitchboardError('INVALID_FIELD', long, {
      metadata: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`key${i}`, long])),
      violations: Array.from({ length: 1_000 }, () => ({ field: long, description: long })),
    });
    const [packed] = toStatus(error).metadata.get('grpc-status-details-bin');
    expect((packed as Buffer).toString('base64').length).toBeLessThan(7_500);
  });

  it.each([
    ['UNAVAILABLE', 'UNREACHABLE'],
    ['CANCELLED', 'CANCELLED'],
    ['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED'],
  ] as const)('finds a reason for a bare %s, which clients make by themselves', (code, reason) => {
    const restored = fromStatus({ code: status[code], details: 'x', metadata: new Metadata() });
    expect(restored).toMatchObject({ reason, metadata: { code } });
  });

  const others = (Object.keys(status) as (keyof typeof status)[]).filter(
    (code) =>
      Number.isNaN(Number(code)) &&
      !['OK', 'UNAVAILABLE', 'CANCELLED', 'DEADLINE_EXCEEDED'].includes(code),
  );

  it.each(others)('invents no reason for a bare %s: it tells code and message', (code) => {
    const details = 'Received message larger than max (70 vs 64)';
    const restored = fromStatus({ code: status[code], details, metadata: new Metadata() });
    expect(restored).toMatchObject({
      reason: 'UNRECOGNIZED_STATUS',
      message: details,
      metadata: { code },
    });
    expect(codeOf(restored)).toBe(code);
    // Told on, as of one item of many, it is what it was.
    expect(fromRpcStatus(toRpcStatus(restored))).toMatchObject({ metadata: { code } });
  });

  it('keeps what a newer server said', () => {
    const known = toRpcStatus(new SwitchboardError('PERMISSION_DENIED', 'no'));
    const text = Buffer.from(known.details[0]!.value).toString('latin1');
    known.details[0]!.value = Buffer.from(
      text.replace('PERMISSION_DENIED', 'PERMISSION_ABSENT'),
      'latin1',
    );
    expect(fromRpcStatus(known)).toMatchObject({
      reason: 'UNRECOGNIZED_STATUS',
      message: 'no',
      metadata: { code: 'PERMISSION_DENIED', reason: 'PERMISSION_ABSENT' },
    });
  });

  it('leaves out details that cannot be read', () => {
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', Buffer.from([0xff, 0xff, 0xff]));
    expect(fromStatus({ code: status.NOT_FOUND, details: '', metadata })).toMatchObject({
      reason: 'UNRECOGNIZED_STATUS',
      metadata: { code: 'NOT_FOUND' },
    });
  });
});
