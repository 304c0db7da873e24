import { describe, expect, it } from 'vitest';
import { SwitchboardError } from '../../../../../src/domain/errors.js';
import {
  checkRows,
  refusedRow,
  serverIdOfRow,
} from '../../../../../src/domain/commands/load/rows.js';
import type { LoadedRow, SourceRights } from '../../../../../src/domain/commands/load/rows.js';
import {
  brokenRow,
  idOfRow,
  OWN_ONLY,
  RIGHTS,
  rowOf,
  SOURCE,
} from '../../../../support/loads/loads.js';
import { OPEN_POLICY } from '../../../../support/transport-policy.js';

const RULES = { user: 'ana', rights: RIGHTS, transportPolicy: OPEN_POLICY };

/** What became of rows: the accepted ones, and the refused ones with their reasons. */
function outcomeOf(rows: readonly LoadedRow[], rights: SourceRights = RIGHTS) {
  const { accepted, kept, refused } = checkRows(rows, { ...RULES, rights });
  return {
    accepted: [...accepted.keys()],
    kept: [...kept],
    refused: refused.map(({ rowId, reason }) => `${rowId} ${reason}`),
  };
}

describe('serverIdOfRow', () => {
  it('is the same for every user, and another for another row or source [P24]', () => {
    expect(serverIdOfRow('a', 'b')).toBe(serverIdOfRow('a', 'b'));
    const ids = [
      ['a', 'b'],
      ['a', 'c'],
      ['b', 'b'],
      ['', 'ab'],
      ['ab', ''],
    ] as const;
    expect(new Set(ids.map(([source, row]) => serverIdOfRow(source, row))).size).toBe(ids.length);
  });
});

describe('checkRows', () => {
  it('makes of a row a PRIVATE server of the source, known there by the id of the row', () => {
    const row = rowOf('r1', { name: 'files', owner: 'bob', title: 'Files' });
    const { accepted, kept, refused } = checkRows([row], RULES);
    expect(Object.fromEntries(accepted)).toEqual({
      [idOfRow('r1')]: {
        name: 'files',
        externalId: 'r1',
        tier: 'PRIVATE',
        owner: 'bob',
        spec: row.content,
        set: '',
        privateSource: SOURCE,
      },
    });
    expect([kept.size, refused]).toEqual([0, []]);
  });

  it.each<[string, LoadedRow, string]>([
    ['a row without an id', rowOf('', { name: 'x' }), 'INVALID_FIELD'],
    ['a blank id', rowOf(' ', { name: 'x' }), 'INVALID_FIELD'],
    ['an id that is too long', rowOf('x'.repeat(257), { name: 'x' }), 'INVALID_FIELD'],
    ['an id with control characters', rowOf('a\u0000b', { name: 'x' }), 'INVALID_FIELD'],
    ['a name that is none', rowOf('r', { name: 'a/b' }), 'INVALID_FIELD'],
    ['an owner that is none', rowOf('r', { owner: '' }), 'INVALID_FIELD'],
    ['a spec that is none', rowOf('r', { spec: { proxyUrl: 'no url' } }), 'INVALID_FIELD'],
    [
      'a spec that reads secrets of the node',
      rowOf('r', { spec: { proxyUrl: 'http://${secret:proxy}' } }),
      'INVALID_FIELD',
    ],
    ['what the source could not tell', brokenRow('r'), 'ROW_BROKEN'],
    ['what it could not tell, whatever else is wrong', brokenRow('r', { name: '' }), 'ROW_BROKEN'],
  ])('refuses %s, and takes the others', (_what, row, reason) => {
    const found = checkRows([rowOf('good'), row], RULES);
    expect([...found.accepted.keys()]).toEqual([idOfRow('good')]);
    expect(found.refused.map((refused) => refused.reason)).toEqual([reason]);
    expect(found.refused[0]?.message).not.toBe('');
  });

  it('names the field of the row that is wrong', () => {
    const rows = [rowOf('a'), rowOf('b', { name: '' }), rowOf('', { name: 'c' })];
    const messages = checkRows(rows, RULES).refused.map(({ message }) => message);
    expect(messages).toEqual([
      expect.stringContaining('servers[1].name: '),
      expect.stringContaining('servers[2].row_id: '),
    ]);
  });

  it('takes rows of other owners only where the source may speak for them [P24]', () => {
    const rows = [rowOf('own'), rowOf('foreign', { owner: 'bob' })];
    expect(outcomeOf(rows).refused).toEqual([]);
    expect(outcomeOf(rows, OWN_ONLY)).toEqual({
      accepted: [idOfRow('own')],
      kept: [idOfRow('foreign')],
      refused: ['foreign ROW_NOT_ALLOWED'],
    });
  });

  it('counts equal rows once, also those that it refuses', () => {
    const rows = [rowOf('a'), rowOf('a'), brokenRow('b'), rowOf('a'), brokenRow('b')];
    expect(outcomeOf(rows)).toEqual({
      accepted: [idOfRow('a')],
      kept: [idOfRow('b')],
      refused: ['b ROW_BROKEN'],
    });
  });

  it.each<[string, LoadedRow]>([
    ['names', rowOf('a', { name: 'other' })],
    ['owners', rowOf('a', { owner: 'bob' })],
    ['specs', rowOf('a', { title: 'other' })],
    ['contents, of which one cannot be told', brokenRow('a')],
  ])('takes neither of two rows of one id with two %s [P24]', (_what, other) => {
    expect(outcomeOf([rowOf('a'), other, rowOf('b')])).toEqual({
      accepted: [idOfRow('b')],
      kept: [idOfRow('a')],
      refused: ['a ROW_CONTRADICTS', 'a ROW_CONTRADICTS'],
    });
  });

  it('takes neither of two rows that give one name of one owner [P24]', () => {
    const rows = [
      rowOf('a', { name: 'files' }),
      rowOf('b', { name: 'files' }),
      rowOf('c', { name: 'files', owner: 'bob' }),
    ];
    expect(outcomeOf(rows)).toEqual({
      accepted: [idOfRow('c')],
      kept: [idOfRow('a'), idOfRow('b')],
      refused: ['a ROW_CONTRADICTS', 'b ROW_CONTRADICTS'],
    });
  });

  it('keeps what is known of refused rows, and knows nothing of those without an id', () => {
    const rows = [brokenRow('a'), rowOf('', { name: 'x' }), rowOf('b', { name: '' })];
    expect(outcomeOf(rows).kept).toEqual([idOfRow('a'), idOfRow('b')]);
  });

  it('does not take rows without an id for one row', () => {
    const rows = [rowOf('', { name: 'x' }), rowOf('', { name: 'y' })];
    expect(outcomeOf(rows).refused).toEqual([' INVALID_FIELD', ' INVALID_FIELD']);
  });

  it('throws what is no refusal', () => {
    const row = { ...rowOf('a'), content: null as never };
    expect(() => checkRows([row], RULES)).toThrow(TypeError);
  });
});

describe('refusedRow', () => {
  it('cuts what a source said, and leaves it well-formed', () => {
    const error = new SwitchboardError('ROW_BROKEN', `${'x'.repeat(298)}🗂️${'y'.repeat(50)}`);
    const cut = refusedRow({ rowId: 'r'.repeat(300), name: 'n'.repeat(301) }, error);
    expect(cut).toEqual({
      rowId: 'r'.repeat(300),
      name: `${'n'.repeat(299)}…`,
      reason: 'ROW_BROKEN',
      message: expect.stringMatching(/^x{298}…$/) as string,
    });
    expect(cut.message.isWellFormed()).toBe(true);
  });
});
