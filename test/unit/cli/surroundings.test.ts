import { describe, expect, it } from 'vitest';
import { applyOptions, formatOf } from '../../../src/cli/apply/options.js';
import { readSets, setNameOf } from '../../../src/cli/apply/sets.js';
import { describeFailure, UsageError } from '../../../src/cli/failure.js';
import { confirmed, confirmedLoss, type Io } from '../../../src/cli/io.js';
import { mayPass, repeatWrite } from '../../../src/cli/repeat.js';
import { takesAccess } from '../../../src/cli/takes-access.js';
import { printable, table } from '../../../src/cli/text.js';
import { SwitchboardError } from '../../../src/domain/errors.js';

function io(answer: string | Error, how: Partial<Io> = {}): Io & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    out: () => {},
    err: () => {},
    watched: true,
    interactive: true,
    ask: async (question) => {
      asked.push(question);
      if (answer instanceof Error) throw answer;
      return answer;
    },
    readInput: async () => 'servers: []',
    signal: new AbortController().signal,
    ...how,
  };
}

describe('a question', () => {
  it.each([
    ['y', true],
    [' YES ', true],
    ['', false],
    ['n', false],
    ['yikes', false],
  ])('answered with %j is %s', async (answer, outcome) => {
    const terminal = io(answer);
    expect(await confirmed(terminal, 'Go on?', {})).toBe(outcome);
    expect(terminal.asked).toEqual(['Go on? [y/N] ']);
  });

  it('is not asked with --yes, nor where nobody is', async () => {
    const terminal = io('n');
    expect(await confirmed(terminal, 'Go on?', { yes: true })).toBe(true);
    expect(await confirmed(io('n', { interactive: false }), 'Go on?', {})).toBe(true);
    expect(terminal.asked).toEqual([]);
  });

  it('about a loss of access is never skipped without --yes', async () => {
    const nobody = io('y', { interactive: false });
    await expect(confirmedLoss(nobody, 'Go on?', {})).rejects.toThrow(UsageError);
    expect(await confirmedLoss(nobody, 'Go on?', { yes: true })).toBe(true);
    expect(await confirmedLoss(io('n'), 'Go on?', {})).toBe(false);
    expect(await confirmedLoss(io('y'), 'Go on?', {})).toBe(true);
  });

  it.each([
    ['tier', '"TIER_USER"', true],
    ['owner', '"bob"', true],
    ['spec.enabled', 'false', true],
    ['spec.enabled', 'true', false],
    ['spec.title', '"a"', false],
  ])('about %s = %s is about a loss: %s', (path, after, loses) => {
    expect(takesAccess([{ path, before: '', after }])).toBe(loses);
  });

  it('is answered with no by Ctrl-C, and by nothing else that fails', async () => {
    const failure = new Error('aborted');
    expect(await confirmed(io(failure, { signal: AbortSignal.abort() }), 'Go on?', {})).toBe(false);
    await expect(confirmed(io(failure), 'Go on?', {})).rejects.toBe(failure);
  });
});

describe('a write', () => {
  const limits = { attempts: 4, firstMs: 1, maxMs: 2 };
  const { signal } = new AbortController();

  it.each(['NOT_WRITTEN', 'OUTCOME_UNKNOWN', 'UNREACHABLE', 'DEADLINE_EXCEEDED'] as const)(
    'is sent again after %s [R3]',
    async (reason) => {
      let sent = 0;
      const waits: string[] = [];
      const send = async (): Promise<string> => {
        sent += 1;
        if (sent < 3) throw new SwitchboardError(reason, undefined, { retryDelayMs: 0 });
        return 'done';
      };
      const onWait = (error: SwitchboardError): void => void waits.push(error.reason);
      expect(await repeatWrite(send, { signal, limits, onWait })).toBe('done');
      expect([sent, waits]).toEqual([3, [reason, reason]]);
    },
  );

  it('is not sent for ever, and not again after a refusal', async () => {
    let sent = 0;
    const failing = (reason: 'NOT_WRITTEN' | 'ETAG_MISMATCH') => async (): Promise<string> => {
      sent += 1;
      throw new SwitchboardError(reason, undefined, { retryDelayMs: 0 });
    };
    await expect(repeatWrite(failing('NOT_WRITTEN'), { signal, limits })).rejects.toThrow();
    expect(sent).toBe(4);
    await expect(repeatWrite(failing('ETAG_MISMATCH'), { signal, limits })).rejects.toThrow();
    expect(sent).toBe(5);
    expect(mayPass(new Error('UNAVAILABLE'))).toBe(false);
  });

  it('is not sent again once stopped', async () => {
    const stop = new AbortController();
    let sent = 0;
    const send = async (): Promise<string> => {
      sent += 1;
      throw new SwitchboardError('NOT_WRITTEN', undefined, { retryDelayMs: 60_000 });
    };
    const onWait = (): void => {
      stop.abort();
    };
    await expect(repeatWrite(send, { signal: stop.signal, limits, onWait })).rejects.toThrow();
    expect(sent).toBe(1);
  });
});

describe('the name of a set', () => {
  it.each([
    ['librechat.yaml', 'build:/srv/app/librechat.yaml'],
    ['./a/../b/servers.yaml', 'build:/srv/app/b/servers.yaml'],
    ['/srv/app/b/servers.yaml', 'build:/srv/app/b/servers.yaml'],
    ['../other/servers.yaml', 'build:/srv/other/servers.yaml'],
    ['-', 'stdin'],
  ])('of %s is %s: where it is, so that nobody else has it by accident', (file, name) => {
    expect(setNameOf(file, '/srv/app', 'build')).toBe(name);
  });
});

describe('the flags of apply', () => {
  it('are refused where they do not fit together', async () => {
    expect(() => applyOptions(['a', 'b'], { set: 'x' })).toThrow(UsageError);
    expect(() => applyOptions(['a'], { set: '' })).toThrow(UsageError);
    expect(() => applyOptions(['a'], { format: 'toml' })).toThrow(
      /toml is not one of own, librechat/,
    );
    const pruning = applyOptions(['-'], { prune: true });
    await expect(readSets(['-'], pruning, io(''))).rejects.toThrow(/--set/);
    const twice = applyOptions(['-', '-'], {});
    await expect(readSets(['-', '-'], twice, io(''))).rejects.toThrow(/twice/);
    const named = applyOptions(['-'], { prune: true, set: 'x' });
    expect(await readSets(['-'], named, io(''))).toMatchObject([{ name: 'x', prune: true }]);
  });

  it('name formats as people do', () => {
    expect(
      ['own', 'switchboard', 'server.json', 'server-json', 'librechat'].map((format) =>
        formatOf({ format }),
      ),
    ).toEqual(['switchboard', 'switchboard', 'server-json', 'server-json', 'librechat']);
    expect(formatOf({})).toBeUndefined();
  });
});

describe('text', () => {
  it('is padded', () => {
    expect(
      table([
        ['a', 'b'],
        ['ccc', ''],
      ]),
    ).toBe('a    b\nccc\n');
  });

  it('of a failure never steers the terminal, and keeps its lines', () => {
    const evil = new SwitchboardError('NAME_TAKEN', 'a\u001b[2J\nb', { metadata: { x: '\u0007' } });
    expect(describeFailure(evil)).toMatch(/^switchboard: NAME_TAKEN: a \[2J b\n {2}x: {2}\n/);
    expect(describeFailure(new UsageError('several:\n  a\u001b'))).toBe(
      'switchboard: several:\n  a \n',
    );
    expect(printable('\u2066abc\u2069\u2028')).toBe(' abc ');
  });
});
