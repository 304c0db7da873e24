import { describe, expect, it } from 'vitest';
import { isSwitchboardError } from '../../../src/domain/errors.js';
import { MAX_GRANTS, readSubjects } from '../../../src/domain/subjects.js';

function fieldsOf(texts: readonly string[]): readonly string[] {
  try {
    readSubjects(texts);
    return [];
  } catch (error) {
    if (!isSwitchboardError(error, 'INVALID_FIELD')) throw error;
    return error.violations.map(({ field }) => field);
  }
}

const many = (count: number) => Array.from({ length: count }, (_, at) => `user:u${String(at)}`);

describe('readSubjects', () => {
  it('sorts users and groups, each once, as they are written', () => {
    expect(readSubjects(['user:zoe', 'group:dev', 'user: Ana:1', 'user:zoe'])).toEqual([
      ...['group:dev', 'user: Ana:1', 'user:zoe'],
    ]);
    expect(readSubjects([])).toEqual([]);
  });

  it('names each that is no subject by its place', () => {
    const texts = ['user:ok', 'ana', 'user:', 'group: ', 'User:ana', 'user:a\0b', ''];
    expect(fieldsOf(texts)).toEqual([1, 2, 3, 4, 5, 6].map((at) => `subjects[${String(at)}]`));
    expect(fieldsOf([`user:${'x'.repeat(257)}`, 'group:\ud800'])).toHaveLength(2);
  });

  it('takes 10,000, however often each is said', () => {
    const most = many(MAX_GRANTS);
    expect(readSubjects([...most, ...most])).toHaveLength(MAX_GRANTS);
    expect(fieldsOf(many(MAX_GRANTS + 1))).toEqual(['subjects']);
  });
});
