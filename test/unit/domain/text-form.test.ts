import { describe, expect, it } from 'vitest';
import { formProblem, normalName } from '../../../src/domain/text-form.js';

const NFC = 'caf\u00e9';
const NFD = 'cafe\u0301';

/** What must not stand in a name, by what it is. */
const UNCLEAR = {
  'a control character': '\u0007',
  'a line break': '\n',
  'a C1 control character': '\u0085',
  'a zero-width space': '\u200b',
  'a zero-width joiner': '\u200d',
  'a soft hyphen': '\u00ad',
  'a byte order mark': '\ufeff',
  'a right-to-left override': '\u202e',
  'an isolate': '\u2066',
  'a right-to-left mark': '\u200f',
  'a variation selector': '\ufe0f',
  'a Hangul filler': '\u3164',
  'a blank Braille pattern': '\u2800',
  'a tag': '\u{e0041}',
  'a line separator': '\u2028',
  'a no-break space': '\u00a0',
  'an ideographic space': '\u3000',
  'a lone surrogate': '\ud800',
  'a private character': '\ue000',
  'an unassigned character': '\u0378',
};

describe('the form of a name', () => {
  it.each(Object.entries(UNCLEAR))('has no %s', (_, character) => {
    expect(formProblem(`a${character}b`, 'name')).toEqual(expect.any(String));
    expect(formProblem(`a${character}b`, 'id')).toEqual(expect.any(String));
  });

  it('names the character that it does not have', () => {
    expect(formProblem('a\u{e0041}b', 'name')).toContain('U+E0041');
  });

  it.each([' a', 'a ', '\ta', 'a\u3000'])('does not begin or end with space: %j', (name) => {
    expect(formProblem(name, 'name')).toBe('must not start or end with whitespace');
  });

  it.each(['Wetter für Köln', '東京の天気', 'погода', 'दिल्ली', '🌦', 'a (b)', ''])(
    'can be %j',
    (name) => {
      expect(formProblem(name, 'name')).toBeUndefined();
      expect(formProblem(name, 'id')).toBeUndefined();
    },
  );

  it('is NFC, whatever it arrives in; ids are refused in another form', () => {
    expect(normalName(NFD)).toBe(NFC);
    expect(normalName(NFC)).toBe(NFC);
    expect(normalName('plain')).toBe('plain');
    expect(formProblem(NFD, 'name')).toBeUndefined();
    expect(formProblem(NFD, 'id')).toContain('NFC');
    expect(formProblem(NFC, 'id')).toBeUndefined();
  });
});

describe('the form of free text', () => {
  it.each(['two\nlines\tand\r\nmore', '👩\u200d💻 ❤\ufe0f', 'שלום\u200f!', NFD])(
    'can be %j',
    (text) => {
      expect(formProblem(text, 'text')).toBeUndefined();
    },
  );

  it.each(['\u202e', '\u2066', '\u0000', '\u001b', '\u0085', '\ud800'])(
    'has no %j',
    (character) => {
      expect(formProblem(`a${character}b`, 'text')).toEqual(expect.any(String));
      expect(formProblem(`a${character}b`, 'line')).toEqual(expect.any(String));
    },
  );

  it.each(['\n', '\t', '\r', '\u2028'])('has no %j where it is one line', (character) => {
    expect(formProblem(`a${character}b`, 'line')).toEqual(expect.any(String));
  });
});
