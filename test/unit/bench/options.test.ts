import { afterEach, describe, expect, it, vi } from 'vitest';
import { readOptions } from '../../bench/options.js';

describe('the options of the bench', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('are five pairs of everything by default, and one with --quick', () => {
    expect(readOptions([])).toMatchObject({ pairs: 5, quick: false, docs: false, render: false });
    expect(readOptions(['--quick'])).toMatchObject({ pairs: 1, quick: true });
    expect(readOptions(['--quick', '--pairs', '3'])).toMatchObject({ pairs: 3, quick: true });
  });

  it('take a pattern without regard to case', () => {
    const options = readOptions(['--only', 'FAN-out']);
    expect(typeof options === 'number' ? undefined : options.only?.test('watch fan-out')).toBe(
      true,
    );
  });

  it.each([
    [['--pairs', '0']],
    [['--pairs', '2.5']],
    [['--only', '(']],
    [['--unknown']],
    [['--docs', '--quick']],
    [['--docs', '--only', 'watch']],
  ])('%j is refused with a sentence', (argv) => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    expect(readOptions(argv)).toBe(1);
    expect(String(written.mock.calls[0]?.[0])).toMatch(/^error: /);
  });

  it('end with success after --help, which lists the benches', () => {
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    expect(readOptions(['--help'])).toBe(0);
    expect(written.mock.calls.map(String).join('')).toContain('get-server');
  });
});
