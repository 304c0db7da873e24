import { describe, expect, it } from 'vitest';
import { parseText } from '../../../src/formats/parse-text.js';
import { defectsIn, toPlain } from '../../../src/formats/tree.js';
import { readServers } from '../../../src/formats/read-servers.js';

/** What a text says, or its problems as `line:column message`. */
function parsed(text: string, file?: string): unknown {
  const { root, problems } = parseText(text, file);
  if (root !== undefined) return toPlain(root);
  return problems.map(
    ({ line, column, message }) => `${String(line)}:${String(column)} ${message}`,
  );
}

describe('a text', () => {
  it.each([
    ['YAML', 'a: 1\nb: [x, "y"]\n', { a: 1, b: ['x', 'y'] }],
    ['JSON', '{"a": 1, "b": [null, true]}', { a: 1, b: [null, true] }],
    ['JSON with tabs and a byte order mark', '\uFEFF{\n\t"a":\t1\n}', { a: 1 }],
    ['YAML with CRLF', 'a:\r\n  b: x\r\n', { a: { b: 'x' } }],
    ['YAML in flow style', '{a: 1, b: {c: x}}', { a: 1, b: { c: 'x' } }],
    ['YAML 1.2: yes is text', 'a: yes\nb: 012\n', { a: 'yes', b: 12 }],
    ['keys as they were written', '1.0: a\ntrue: b\n', { '1.0': 'a', true: 'b' }],
    ['an alias', 'a: &x [1]\nb: *x\n', { a: [1], b: [1] }],
    [
      'a merge, which yields to what stands beside it',
      'd: &d { t: 1, u: 1 }\ne: { <<: *d, t: 2 }\nf: { <<: [*d, { v: 3 }] }\n',
      { d: { t: 1, u: 1 }, e: { t: 2, u: 1 }, f: { t: 1, u: 1, v: 3 } },
    ],
  ])('is read: %s', (_, text, value) => {
    expect(parsed(text)).toEqual(value);
  });

  it.each([
    ['empty', '', undefined, ['1:1 is empty']],
    ['empty JSON', ' \n', 'a.json', ['1:1 is empty']],
    ['only a comment', '# nothing\n', undefined, ['1:1 is empty']],
    [
      'tabs that indent',
      'a:\n\tb: 1\n',
      undefined,
      [expect.stringMatching(/^2:1 is not YAML: Tabs/)],
    ],
    [
      'cut off',
      '{"a": [1,',
      'a.json',
      expect.arrayContaining([expect.stringMatching(/^1:10 is not JSON/)]),
    ],
    ['a comma too few', '{\n  "a": 1\n  "b": 2\n}', undefined, ['3:3 is not JSON: comma expected']],
    [
      'a NUL',
      'a: 1\nb: "x\u0000y"\n',
      undefined,
      ['2:6 is not YAML: it has the character U+0000, which YAML does not allow'],
    ],
    [
      'two documents',
      'a: 1\n---\nb: 2\n',
      undefined,
      [expect.stringMatching(/^\d+:\d+ is not YAML/)],
    ],
    [
      'an unknown tag',
      'a: !!js/function x\n',
      undefined,
      [expect.stringMatching(/^1:4 is not YAML/)],
    ],
    ['an alias of nothing', 'a: *x\n', undefined, ['1:4 *x has no anchor, or refers to itself']],
    [
      'an alias of itself',
      'a: &x [*x]\n',
      undefined,
      ['1:8 *x has no anchor, or refers to itself'],
    ],
    ['a key that is no text', '? [a]\n: 1\n', undefined, ['1:3 a key must be text']],
    [
      'a merge of text',
      'a: { <<: x }\n',
      undefined,
      ['1:6 << can only merge a map, or a list of maps'],
    ],
  ])('is refused with its place: %s', (_, text, file, problems) => {
    expect(parsed(text, file)).toEqual(problems);
  });

  it('keeps the first of two equal keys, and __proto__ out, and tells both', () => {
    for (const text of [
      '{"a": 1,\n "a": 2,\n "__proto__": {"b": 1}}',
      'a: 1\na: 2\n__proto__: {b: 1}\n',
    ]) {
      const { root } = parseText(text);
      expect(root && toPlain(root)).toEqual({ a: 1 });
      expect(
        root && defectsIn(root).map(({ key, place, message }) => [key, place.line, message]),
      ).toEqual([
        ['a', 2, 'is given twice, first in line 1'],
        ['__proto__', 3, 'is not an allowed name'],
      ]);
    }
    expect(({} as Record<string, unknown>)['b']).toBeUndefined();
  });

  it('with aliases that stand for billions of values is refused, and small ones are not', () => {
    const bomb = (levels: number): string =>
      [
        'a0: &a0 [x]',
        ...Array.from({ length: levels }, (_, level) => {
          const aliases = Array.from({ length: 10 }, () => `*a${String(level)}`).join(', ');
          return `a${String(level + 1)}: &a${String(level + 1)} [${aliases}]`;
        }),
      ].join('\n');
    expect(parsed(bomb(30))).toEqual([
      expect.stringMatching(/^\d+:\d+ aliases expand to too many values$/),
    ]);
    expect(parsed(bomb(3))).toHaveProperty('a3');
  });

  it.each([
    ['JSON', `${'['.repeat(20_000)}${']'.repeat(20_000)}`],
    ['YAML', `a: ${'['.repeat(20_000)}${']'.repeat(20_000)}`],
    ['a little deeper than any file', `{"a":${'['.repeat(150)}${']'.repeat(150)}}`],
  ])('nested without end is refused: %s', (_, text) => {
    expect(parsed(text)).toEqual([expect.stringMatching(/is nested too deeply$/)]);
  });

  it('that seems to be placeholders without end is refused at once', () => {
    const args = ['${'.repeat(2_000_000), '{{'.repeat(100)];
    const { problems } = readServers(JSON.stringify({ mcpServers: { a: { command: 'x', args } } }));
    expect(problems).toMatchObject([
      { field: 'mcpServers.a.args[0]', message: 'must be at most 16384 characters' },
    ]);
  });

  it('of 5 MB is read', () => {
    const server = { command: 'npx', args: ['-y', 'a-package'], env: { LONG: 'x'.repeat(1_000) } };
    const names = Array.from({ length: 5_000 }, (_, index) => `server-${String(index)}`);
    const text = JSON.stringify({
      mcpServers: Object.fromEntries(names.map((name) => [name, server])),
    });
    expect(text.length).toBeGreaterThan(5_000_000);
    const { servers, problems } = readServers(text);
    expect([servers.length, problems]).toEqual([5_000, []]);
  });
});
