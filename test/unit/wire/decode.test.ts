import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, it } from 'vitest';
import {
  ApplyServersRequest,
  CreateServerRequest,
  GetServerRequest,
} from '../../../generated/switchboard/v1/registry_service.js';
import { SyncRequest } from '../../../generated/switchboard/v1/connection_service.js';
import { decodeStrictly } from '../../../src/wire/decode.js';

// Latin-1 keeps the length of what it replaces and is not UTF-8.
function withBadBytes(encoded: Uint8Array): Buffer {
  const text = Buffer.from(encoded).toString('latin1');
  return Buffer.from(text.replaceAll('BAD', '\xff\xfe\xfd'), 'latin1');
}

function refusalOf<T>(decode: (bytes: never) => T, bytes: Uint8Array): string | undefined {
  const decoded = decodeStrictly(decode as never, bytes);
  if (decoded.ok) return undefined;
  expect(decoded.error.reason).toBe('INVALID_FIELD');
  return decoded.error.violations[0]?.field;
}

describe('decodeStrictly', () => {
  it('decodes what is well formed', () => {
    const request = GetServerRequest.fromPartial({
      tenant: 'größe 🎉',
      view: { kind: { $case: 'user', value: { user: 'ana', groups: ['a', 'b'] } } },
      key: { $case: 'name', value: '\ufeffweather' },
    });
    const bytes = GetServerRequest.encode(request).finish();
    expect(decodeStrictly(GetServerRequest.decode as never, bytes)).toEqual({
      ok: true,
      message: request,
    });
  });

  it.each([
    ['tenant', { tenant: 'BAD' }],
    ['server.external_id', { server: { externalId: 'x BAD' } }],
    ['server.spec.stdio.args[1]', transport({ command: 'a', args: ['b', 'BAD'] })],
    ['server.spec.stdio.env[HOME]', transport({ env: new Map([['HOME', 'BAD']]) })],
    ['server.spec.stdio.env[?]', transport({ env: new Map([['BAD', 'x']]) })],
    ['server.spec.icons[1].mime_type', spec({ icons: [{ src: 'a' }, { mimeType: 'BAD' }] })],
    ['server.spec.description', spec({ description: 'BAD'.repeat(2_000) })],
  ])('refuses bytes that are not UTF-8 and names %s', (path, partial) => {
    const bytes = CreateServerRequest.encode(CreateServerRequest.fromPartial(partial)).finish();
    expect(refusalOf(CreateServerRequest.decode, withBadBytes(bytes))).toBe(path);
  });

  it('names a field inside a oneof', () => {
    const request = SyncRequest.fromPartial({
      message: {
        $case: 'subscribe',
        value: { view: { kind: { $case: 'user', value: { user: 'ana', groups: ['a', 'BAD'] } } } },
      },
    });
    const bytes = withBadBytes(SyncRequest.encode(request).finish());
    expect(refusalOf(SyncRequest.decode, bytes)).toBe('subscribe.view.user.groups[1]');
  });

  it.each([
    ['a length beyond the end', Buffer.from([0x0a, 0x7f, 0x61])],
    ['a nested length beyond the end', Buffer.from([0x12, 0x7f, 0x0a, 0x00])],
    ['a varint without end', Buffer.alloc(12, 0xff)],
    ['a wire type that does not exist', Buffer.from([0x0f])],
    ['bytes after a zero tag', Buffer.from([0x0a, 0x01, 0x61, 0x00, 0x62])],
    ['an end of a group that never began', Buffer.from([0x0c, 0x0a, 0x01, 0x61])],
    ['nesting without end', nested(50_000)],
  ])('refuses %s', (_, bytes) => {
    expect(refusalOf(GetServerRequest.decode, bytes)).toBe('request');
  });

  it.each([
    ['servers of a set', repeated(3, 200_001)],
    ['icons of a server', nestedIn(3, nestedIn(6, repeated(8, 200_001)))],
    ['fields that no message has', repeated(99, 200_001)],
  ])('refuses more than 200,000 fields: %s', (_, bytes) => {
    const decoded = decodeStrictly(ApplyServersRequest.decode as never, bytes);
    expect(decoded).toMatchObject({ ok: false, error: { reason: 'REQUEST_TOO_LARGE' } });
  });

  it('decodes a request of 190,000 fields', () => {
    const bytes = repeated(3, 190_000);
    expect(decodeStrictly(ApplyServersRequest.decode as never, bytes).ok).toBe(true);
  });

  it('never throws and never changes a string, whatever the bytes', () => {
    let seed = 42;
    const next = (): number => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff) >> 16;
    let accepted = 0;
    for (let round = 0; round < 5_000; round += 1) {
      const bytes = Buffer.from(Array.from({ length: next() % 24 }, () => next() & 0xff));
      const decoded = decodeStrictly(CreateServerRequest.decode as never, bytes);
      if (!decoded.ok) continue;
      accepted += 1;
      expect(JSON.stringify(decoded.message)).not.toMatch(/\\ud800|\ufffd/u);
    }
    expect(accepted).toBeGreaterThan(0);
  });
});

function spec(value: object): object {
  return { server: { spec: value } };
}

function transport(value: object): object {
  return spec({ transport: { $case: 'stdio', value } });
}

/** So many empty values of one field. */
function repeated(field: number, count: number): Buffer {
  const one = nestedIn(field, Buffer.alloc(0));
  return Buffer.alloc(count * one.length, one);
}

function nestedIn(field: number, value: Uint8Array): Buffer {
  return Buffer.from(new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(value).finish());
}

/** Unknown groups within each other. */
function nested(depth: number): Buffer {
  return Buffer.concat([Buffer.alloc(depth, 0x7b), Buffer.alloc(depth, 0x7c)]);
}
