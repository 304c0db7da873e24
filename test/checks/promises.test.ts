import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { citationsOf, complaints, readCitations } from '../../scripts/lib/promises.mjs';
import { DEFECTS, type Defect } from '../defects.js';
import { REQUIREMENTS, type Promised } from '../requirements.js';

// The gate: what is promised now has a test, each known defect has a test or a reason, and what a test cites
// is a promise or a defect. The examples below show that the gate can fail.

const testDir = path.resolve(import.meta.dirname, '..');

// Not written out, so that the examples are not taken for citations of this file.
const cite = (...ids: string[]) => `[${ids.join(', ')}]`;

const promised = (id: string, when: 'now' | 'later' = 'now'): Promised => ({
  id,
  sentence: `sentence of ${id}`,
  when,
});

const defect = (id: string, more: Partial<Defect> = {}): Defect => ({
  id,
  sentence: `sentence of ${id}`,
  how: '',
  ...more,
});

function gate(
  promises: readonly Promised[],
  source: string,
  defects: readonly Defect[] = [],
): string[] {
  return complaints(promises, citationsOf('test/unit/example.test.ts', source), defects);
}

describe('the gate of promises', () => {
  it('finds every promise of now proven, no defect unanswered, and every cited id known', async () => {
    expect(complaints(REQUIREMENTS, await readCitations(testDir), DEFECTS)).toEqual([]);
  });

  it('fails on a promise that no test cites', () => {
    const found = gate([promised('W1'), promised('W2')], `it('orders ${cite('W1')}', f);`);
    expect(found).toEqual(['no test proves W2: sentence of W2']);
  });

  it('demands nothing for a promise of later', () => {
    expect(gate([promised('W1', 'later')], '')).toEqual([]);
  });

  it('fails on an id that is neither a promise nor a defect', () => {
    const found = gate([], `test('x ${cite('W99')}', f);`);
    expect(found).toEqual([
      `test/unit/example.test.ts cites W99, which is neither a promise nor a defect: x ${cite('W99')}`,
    ]);
  });

  it('fails on an id that stands in the list twice', () => {
    const found = gate([promised('W1', 'later'), promised('W1', 'later')], '');
    expect(found).toEqual(['W1 stands in the list twice']);
  });

  it('fails on a defect with neither a test nor a reason', () => {
    const found = gate([], `it('x ${cite('D1')}', f);`, [defect('D1'), defect('D2')]);
    expect(found).toEqual([
      'neither a test nor a reason shows that D2 is not here: sentence of D2',
    ]);
  });

  it('takes a reason in the place of a test, and not beside one', () => {
    const defects = [defect('D1', { reason: 'there is no such thing' })];
    expect(gate([], '', defects)).toEqual([]);
    expect(gate([], `it('x ${cite('D1')}', f);`, defects)).toEqual([
      'D1 has tests, and a reason why it needs none',
    ]);
  });

  it('fails on a defect that points to what is no promise', () => {
    const defects = [defect('D1', { how: 'W1 and W2 keep it away', reason: 'see R9' })];
    expect(gate([promised('W1', 'later')], '', defects)).toEqual([
      'D1 points to W2, which is no promise',
      'D1 points to R9, which is no promise',
    ]);
  });

  it('fails on a defect that has the id of a promise', () => {
    const found = gate([promised('D1', 'later')], `it('x ${cite('D1')}', f);`, [defect('D1')]);
    expect(found).toEqual(['D1 stands in the list twice']);
  });

  it.each([
    `it.skip('x ${cite('W1')}', f);`,
    `it.todo('x ${cite('W1')}');`,
    `it.fails('x ${cite('W1')}', f);`,
    `describe.skip('d', () => { it('x ${cite('W1')}', f); });`,
    `describe('d ${cite('W1')}', () => {});`,
    `describe('d ${cite('W1')}', () => { it.skip('x', f); });`,
    `// it('x ${cite('W1')}', f);`,
    `const title = 'x ${cite('W1')}';`,
  ])('takes no proof from %s', (source) => {
    expect(gate([promised('W1')], source)).toEqual(['no test proves W1: sentence of W1']);
  });

  it.each([
    `it('x ${cite('W1')}', f);`,
    `it('x ${cite('R3', 'W1')}', f);`,
    `it.each([1])('x ${cite('W1')} %d', f);`,
    'it.each`a`' + `('x ${cite('W1')}', f);`,
    `for (const n of list) it(\`x \${n} ${cite('W1')}\`, f);`,
    `describe.each([1])('d ${cite('W1')}', () => { it('x', f); });`,
    `function suite() { describe('d', () => { test.concurrent('x ${cite('W1')}', f); }); }`,
  ])('takes a proof from %s', (source) => {
    expect(gate([promised('W1'), promised('R3', 'later')], source)).toEqual([]);
  });
});
