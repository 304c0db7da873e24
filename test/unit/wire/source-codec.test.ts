import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SourceServer } from '../../../generated/switchboard/source/v1/private_source_service.js';
import { isSwitchboardError } from '../../../src/domain/errors.js';
import { readSourceRow, splitSourceAnswer } from '../../../src/wire/source-codec.js';
import { encodeAnswer, type ScriptedRow } from '../../support/loads/source-server.js';

const STDIO = { transport: { $case: 'stdio', value: { command: 'run' } } } as const;
const ROW = { rowId: '1', name: 'notes', spec: STDIO };

const encode = (row: Exclude<ScriptedRow, Uint8Array>): Uint8Array =>
  SourceServer.encode(SourceServer.fromPartial(row)).finish();

const read = (bytes: Uint8Array) => readSourceRow(bytes, { path: 'servers[7]', user: 'ana' });

function violationsOf(bytes: Uint8Array): readonly string[] {
  const { content } = read(bytes);
  if (!isSwitchboardError(content, 'INVALID_FIELD')) throw new Error('it is not refused');
  return content.violations.map(({ field, description }) => `${field}: ${description}`);
}

/** Latin-1 keeps the length of what it replaces and is not UTF-8. */
function withBadBytes(bytes: Uint8Array): Buffer {
  const text = Buffer.from(bytes).toString('latin1').replaceAll('BAD', 'ÿþý');
  return Buffer.from(text, 'latin1');
}

describe('a row of a source', () => {
  it('is read whole', () => {
    expect(read(encode({ ...ROW, owner: 'ben' }))).toMatchObject({
      rowId: '1',
      name: 'notes',
      owner: 'ben',
      content: { transport: { kind: 'stdio', command: 'run' }, enabled: true },
    });
  });

  it('belongs to the user asked for if it names no owner', () => {
    expect(read(encode(ROW)).owner).toBe('ana');
  });

  it('has its name in NFC, and its text as it is', () => {
    const spec = { ...STDIO, title: 'cafe\u0301' };
    expect(read(encode({ ...ROW, name: 'cafe\u0301', spec }))).toMatchObject({
      name: 'caf\u00e9',
      content: { title: 'cafe\u0301' },
    });
  });

  it('is read like any other message when fields are repeated or unknown', () => {
    const unknown = Buffer.from([0x7a, 0x02, 0x68, 0x69, 0x80, 0x01, 0x05]);
    const bytes = Buffer.concat([unknown, encode({ rowId: '0' }), encode(ROW), unknown]);
    expect(read(bytes)).toEqual(read(encode(ROW)));
  });

  it.each([
    [{ ...ROW, rowId: '' }, ['servers[7].row_id: is required']],
    [{ ...ROW, rowId: 'x'.repeat(257) }, ['servers[7].row_id: must be at most 256 characters']],
    [{ ...ROW, rowId: 'a\nb' }, ['servers[7].row_id: must not contain control characters']],
    [{ ...ROW, name: '' }, ['servers[7].name: is required']],
    [{ ...ROW, name: 'a\u200bb' }, ['servers[7].name: must not contain']],
    [{ ...ROW, owner: 'jose\u0301' }, ['servers[7].owner: must be in the Unicode normal form']],
    [
      { ...ROW, spec: { ...STDIO, icons: [{ mimeType: 'm'.repeat(200) }] } },
      ['servers[7].spec.icons[0].mime_type: must be at most 128 characters, not 200'],
    ],
    [{ rowId: '1', name: 'notes' }, ['servers[7].spec: is required']],
    [{ spec: {} }, ['row_id', 'name', 'spec.transport']],
  ])('is refused with what is wrong: %j', (row, expected) => {
    const violations = violationsOf(encode(row));
    expect(violations).toHaveLength(expected.length);
    for (const [index, text] of expected.entries()) expect(violations[index]).toContain(text);
  });

  it('that is refused for its id has none that could be mistaken for another', () => {
    expect(read(encode({ ...ROW, rowId: 'x'.repeat(257) })).rowId).toBe('');
  });

  it.each([
    ['row_id', { ...ROW, rowId: 'BAD' }],
    ['name', { ...ROW, name: 'BAD' }],
    ['owner', { ...ROW, owner: 'BAD' }],
    ['spec.title', { ...ROW, spec: { ...STDIO, title: 'BAD' } }],
  ])('is refused when %s is not UTF-8, and that alone is told', (field, row) => {
    expect(violationsOf(withBadBytes(encode(row)))).toEqual([
      `servers[7].${field}: not valid UTF-8`,
    ]);
  });

  it('with a spec that cannot be decoded is told by its id and name', () => {
    const spec = Buffer.from([0x22, 0x03, 0xff, 0xff, 0xff]);
    const bytes = Buffer.concat([encode({ rowId: '1', name: 'notes' }), spec]);
    expect(read(bytes)).toMatchObject({ rowId: '1', name: 'notes', owner: 'ana' });
    expect(violationsOf(bytes)[0]).toMatch(/^servers\[7\]\.spec: not a valid message/);
  });

  it('that breaks off is told by what could be read', () => {
    const bytes = encode(ROW);
    const torn = bytes.subarray(0, bytes.length - 1);
    expect(read(torn)).toMatchObject({ rowId: '1', name: 'notes' });
    expect(violationsOf(torn)[0]).toMatch(/^servers\[7\]: not a valid message/);
  });

  it('that is broken at the source says so, whatever else it holds', () => {
    const row = { rowId: '1', name: '', owner: 'ben', broken: 'no key', spec: {} };
    const { rowId, owner, content } = read(encode(row));
    expect({ rowId, owner }).toEqual({ rowId: '1', owner: 'ana' });
    expect(content).toMatchObject({ reason: 'ROW_BROKEN', message: 'no key' });
  });

  it('that is broken says so in at most a thousand characters, none of them half', () => {
    const { content } = read(encode({ ...ROW, broken: `x${'🗂'.repeat(5_000)}` }));
    const { message } = content as Error;
    expect(message.length).toBeLessThanOrEqual(1_001);
    expect(message.isWellFormed()).toBe(true);
  });

  it('is told whatever its bytes are, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(isSwitchboardError(read(bytes).content)).toBe(true);
      }),
    );
  });

  it('with one byte changed is never thrown at', () => {
    const bytes = encode({
      ...ROW,
      owner: 'ben',
      spec: { ...STDIO, labels: new Map([['a', 'b']]) },
    });
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const changed = Buffer.from(bytes);
        changed[at] = value;
        expect(read(changed)).toHaveProperty('content');
      }),
    );
  });
});

describe('an answer of a source', () => {
  it('is split into its rows, in order', () => {
    const rows = [{ rowId: '1' }, { rowId: '2' }, {}];
    expect([...splitSourceAnswer(encodeAnswer(rows))].map((row) => read(row).rowId)).toEqual([
      '1',
      '2',
      '',
    ]);
    expect([...splitSourceAnswer(new Uint8Array())]).toEqual([]);
  });

  it('keeps rows apart: one that is broken spoils no other', () => {
    const bytes = encodeAnswer([ROW, Buffer.from([0xff, 0xff]), ROW]);
    const rows = [...splitSourceAnswer(bytes)].map((row) => read(row));
    expect(rows.map(({ rowId }) => rowId)).toEqual(['1', '', '1']);
    expect(rows.map(({ content }) => isSwitchboardError(content))).toEqual([false, true, false]);
  });

  it.each([
    ['text', Buffer.from('<html></html>')],
    ['a length that is too long', Buffer.from([0x0a, 0x05, 0x01])],
    ['servers of another type', Buffer.from([0x08, 0x01])],
    ['a field without number', Buffer.from([0x00])],
    ['fields that nobody knows, and no servers', Buffer.from([0x12, 0x01, 0x61])],
    ['garbage after a row', Buffer.concat([encodeAnswer([ROW]), Buffer.from([0x0a])])],
  ])('is refused as a whole when it is %s', (_, bytes) => {
    expect(() => [...splitSourceAnswer(bytes)]).toThrow(Error);
  });
});
