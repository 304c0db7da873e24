import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  joinValue,
  parseValue,
  referencesIn,
  ValueSyntaxError,
} from '../../../../src/domain/config/value.js';

const literal = (text: string) => ({ kind: 'literal', text });

describe('parseValue', () => {
  it.each([
    ['', [literal('')]],
    ['plain', [literal('plain')]],
    ['$', [literal('$')]],
    ['$$', [literal('$$')]],
    ['$HOME and {x}', [literal('$HOME and {x}')]],
    ['${user:id}', [{ kind: 'user', name: 'id' }]],
    [
      'Bearer ${secret:API_KEY}!',
      [literal('Bearer '), { kind: 'secret', name: 'API_KEY' }, literal('!')],
    ],
    [
      '${env:A}${var:B}${request:c.d-e}',
      [
        { kind: 'env', name: 'A' },
        { kind: 'var', name: 'B' },
        { kind: 'request', name: 'c.d-e' },
      ],
    ],
    ['$${user:id}', [literal('${user:id}')]],
    ['$$${user:id}', [literal('$${user:id}')]],
    ['a$${b${user:id}', [literal('a${b'), { kind: 'user', name: 'id' }]],
    ['$${}', [literal('${}')]],
  ])('reads %j', (text, parts) => {
    expect(parseValue(text)).toEqual(parts);
  });

  it.each([
    ['${HOME}', 0],
    ['x ${USER_ID}', 2],
    ['${env:}', 0],
    ['${env:1A}', 0],
    ['${ENV:A}', 0],
    ['${shell:ls}', 0],
    ['${user:a b}', 0],
    ['ok ${user:id', 3],
    ['${user:${env:A}}', 0],
    ['${}', 0],
    ['${__proto__:x}', 0],
  ])('refuses %j, naming the place', (text, position) => {
    expect(() => parseValue(text)).toThrow(ValueSyntaxError);
    try {
      parseValue(text);
    } catch (error) {
      expect(error).toMatchObject({ position });
    }
  });

  it('gives back any text that was escaped', () => {
    const tricky = fc.array(fc.constantFrom('$', '{', '}', '${', '$${', 'env:A', 'x'));
    fc.assert(
      fc.property(tricky, (pieces) => {
        const text = pieces.join('');
        const escaped = text.replaceAll('${', () => '$${');
        const parts = parseValue(escaped);
        expect(parts.every(({ kind }) => kind === 'literal')).toBe(true);
        expect(joinValue(parts, () => 'never')).toBe(text);
      }),
    );
  });
});

describe('joinValue', () => {
  it('never scans what it put in [C6]', () => {
    const parts = parseValue('${user:name}/${env:B}');
    const values: Record<string, string> = { name: '${env:SECRET}', B: '$${x}' };
    expect(joinValue(parts, ({ name }) => values[name]!)).toBe('${env:SECRET}/$${x}');
  });
});

describe('referencesIn', () => {
  it('lists references in order, with repetitions', () => {
    expect(referencesIn('a${var:X}b${user:id}${var:X}')).toEqual([
      { kind: 'var', name: 'X' },
      { kind: 'user', name: 'id' },
      { kind: 'var', name: 'X' },
    ]);
  });
});
