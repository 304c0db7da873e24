import { describe, expect, it } from 'vitest';
import { ServerVersion } from '../../../generated/switchboard/v1/registry_service.js';
import { diffLines } from '../../../src/cli/changes-text.js';
import { diffOf, diffText } from '../../../src/cli/diff.js';
import { generationOf, optionalGeneration } from '../../../src/cli/generation.js';
import { historyText } from '../../../src/cli/history.js';
import { UsageError } from '../../../src/cli/failure.js';
import { isSwitchboardError } from '../../../src/domain/errors.js';
import type { ReportedVersion } from '../../../src/wire/client/versions.js';
import { fromVersion } from '../../../src/wire/history-codec.js';

const AT = new Date(2026, 10, 21, 9, 5, 7).getTime();

const change = (path: string, before: string, after: string) => ({ path, before, after });

/** The newest first, as the server answers. */
const VERSIONS: readonly ReportedVersion[] = [
  {
    generation: 4,
    cause: 'ROLLBACK' as const,
    changes: [change('spec.title', '"C"', '"A"')],
    reason: 'put\nback',
  },
  {
    generation: 3,
    cause: 'UPDATE' as const,
    changes: [
      change('spec.title', '"B"', '"C"'),
      change('spec.labels[team]', '', '"x"'),
      change('spec.enabled', 'true', 'false'),
      change('spec.version', '', '"1"'),
    ],
  },
  { generation: 2, cause: 'APPLY' as const, changes: [change('spec.title', '"A"', '"B"')] },
  {
    generation: 1,
    cause: 'CREATE' as const,
    changes: [change('name', '', '"weather"'), change('spec.title', '', '"A"')],
  },
].map((version) => ({ actor: 'ana', time: AT, revision: 1, reason: '', ...version }));

describe('a history', () => {
  it('has a row for each version, in local time', () => {
    expect(historyText({ versions: VERSIONS, accessChanges: [] })).toMatchInlineSnapshot(`
      "GENERATION  WHEN                 WHO  CAUSE     CHANGED                                              REASON
      4           2026-11-21 09:05:07  ana  rollback  spec.title                                           put back
      3           2026-11-21 09:05:07  ana  update    spec.title, spec.labels[team], spec.enabled, 1 more
      2           2026-11-21 09:05:07  ana  apply     spec.title
      1           2026-11-21 09:05:07  ana  create
      "
    `);
  });

  it('has the changes of access between the versions, with who was granted and revoked', () => {
    const by = { actor: 'ana', time: AT };
    const versions = [
      { ...by, generation: 2, cause: 'DELETE' as const, changes: [], reason: '', revision: 9 },
      { ...by, generation: 1, cause: 'CREATE' as const, changes: [], reason: '', revision: 2 },
    ];
    const accessChanges = [
      {
        ...by,
        cause: 'DELETE' as const,
        revision: 9,
        reason: '',
        granted: [],
        revoked: ['user:z'],
      },
      {
        ...by,
        cause: 'ACCESS' as const,
        revision: 4,
        reason: 'on call',
        granted: ['group:ops', 'user:bob'],
        revoked: ['user:eve', 'user:\u202ezoe'],
      },
    ];
    expect(historyText({ versions, accessChanges })).toMatchInlineSnapshot(`
      "GENERATION  WHEN                 WHO  CAUSE   CHANGED                                   REASON
      2           2026-11-21 09:05:07  ana  delete
                  2026-11-21 09:05:07  ana  delete  -user:z
                  2026-11-21 09:05:07  ana  access  +group:ops, +user:bob, -user:eve, 1 more  on call
      1           2026-11-21 09:05:07  ana  create
      "
    `);
  });

  it('knows causes that are newer than the command', () => {
    // `cause`, field 2, is 99.
    const version = ServerVersion.decode(Uint8Array.of(0x10, 99));
    expect(version.cause).toBe(99);
    const versions = [fromVersion({ ...version, generation: 1 })];
    expect(historyText({ versions, accessChanges: [] })).toMatch(/^1\s*$/m);
  });
});

describe('a diff', () => {
  const paths = (wanted: { from?: number; to?: number }) =>
    diffOf(VERSIONS, { from: wanted.from, to: wanted.to }).changes.map(
      ({ path, before, after }) => `${path} ${before} ${after}`,
    );

  it('is of the newest version and the one before', () => {
    expect(paths({})).toEqual(['spec.title "C" "A"']);
    expect(paths({ to: 2 })).toEqual(['spec.title "A" "B"']);
    expect(paths({ to: 1 })).toEqual(['name  "weather"', 'spec.title  "A"']);
  });

  it('puts several steps together, and leaves out what came back', () => {
    expect(paths({ from: 2, to: 4 })).toEqual([
      'spec.enabled true false',
      'spec.labels[team]  "x"',
      'spec.title "B" "A"',
      'spec.version  "1"',
    ]);
    expect(paths({ from: 1 })).not.toContainEqual(expect.stringContaining('spec.title'));
  });

  it('goes both ways', () => {
    expect(paths({ from: 3, to: 2 })).toContain('spec.title "C" "B"');
    expect(paths({ from: 3, to: 2 })).toContain('spec.labels[team] "x" ');
    expect(paths({ from: 3, to: 3 })).toEqual([]);
  });

  it('is of versions that there are', () => {
    for (const wanted of [{ from: 9 }, { to: 9 }]) {
      const failure = (): unknown => {
        try {
          return paths(wanted);
        } catch (error) {
          return error;
        }
      };
      expect(isSwitchboardError(failure(), 'VERSION_NOT_FOUND')).toBe(true);
    }
  });

  it('reads like a unified diff', () => {
    expect(diffText(diffOf(VERSIONS, { from: undefined, to: 3 }))).toMatchInlineSnapshot(`
      "--- generation 2, 2026-11-21 09:05:07, apply by ana
      +++ generation 3, 2026-11-21 09:05:07, update by ana
        spec.enabled
      -     true
      +     false
        spec.labels[team]
      +     "x"
        spec.title
      -     "B"
      +     "C"
        spec.version
      +     "1"
      "
    `);
    expect(diffText(diffOf(VERSIONS, { from: undefined, to: 1 }))).toContain('--- nothing\n');
    expect(diffText(diffOf(VERSIONS, { from: 2, to: 2 }))).toContain('no field differs');
  });

  it('shows values of several lines, and no control characters', () => {
    const lines = diffLines([
      change('a\u001b', '', JSON.stringify({ x: [1, '\u001b[2J'] })),
      change('b', 'no json \u001b', ''),
    ]);
    expect(lines).toMatchInlineSnapshot(`
      "  a 
      +     {
      +       "x": [
      +         1,
      +         "\\u001b[2J"
      +       ]
      +     }
        b
      -     no json  
      "
    `);
    // eslint-disable-next-line no-control-regex -- what must not be printed
    expect(lines).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
});

describe('a generation', () => {
  it('is a number from 1', () => {
    expect(generationOf({ to: '12' }, 'to')).toBe(12);
    expect(optionalGeneration({}, 'to')).toBeUndefined();
    for (const to of ['', '0', '-1', '1.5', 'two', '99999999999999999']) {
      expect(() => generationOf({ to }, 'to'), to).toThrow(UsageError);
    }
    expect(() => generationOf({}, 'to')).toThrow(/switchboard history/);
  });
});
