import { describe, expect, it } from 'vitest';
import {
  ApplyResult,
  ApplyResult_Action as Action,
  ApplyServersResponse,
} from '../../../generated/switchboard/v1/registry_service.js';
import { allWell, changing, countsOf } from '../../../src/cli/apply/counts.js';
import { applyJson } from '../../../src/cli/apply/json.js';
import type { PlannedSet } from '../../../src/cli/apply/plan.js';
import type { Outcome } from '../../../src/cli/apply/run.js';
import type { DeclaredSet } from '../../../src/cli/apply/sets.js';
import {
  countsText,
  lossLine,
  outcomeText,
  planText,
  problemLine,
} from '../../../src/cli/apply/text.js';
import { invalidField, SwitchboardError } from '../../../src/domain/errors.js';
import { readServers } from '../../../src/formats/read-servers.js';
import type { ServerRecord } from '../../../src/domain/server.js';
import { type ApplyAnswer, fromApplyResponse } from '../../../src/wire/client/apply.js';
import { toServerMessage } from '../../../src/wire/server-codec.js';
import { toRpcStatus } from '../../../src/wire/status.js';
import { recordOf } from '../../support/storage/builders.js';

const TEXT = `mcpServers:
  files: { command: npx }
  weather: { url: "https://weather.example/mcp" }
  notes: { url: "https://notes.example/mcp" }
  broken: { url: 17 }
`;

function aSet(prune = false): DeclaredSet {
  const read = readServers(TEXT, { file: 'librechat.yaml' });
  return {
    file: 'librechat.yaml',
    name: 'librechat.yaml',
    read,
    warnings: [],
    broken: false,
    prune,
  };
}

const FILES = {
  ...recordOf({
    name: 'files',
    tier: 'APP',
    spec: {
      transport: {
        kind: 'stdio',
        command: 'npx',
        args: ['-y', 'a'],
        env: {},
        cwd: '',
        stderr: 'ignore',
      },
    },
  }),
  // It has none before it is created.
  id: '',
};
const WEATHER = recordOf({ id: 'id-w', name: 'weather' });
const OLD = recordOf({ id: 'id-o', name: 'old', owner: 'ana' });

type Result = Outcome['surplus'][number];

/** What became of one server, as the server reports it. */
function resultOf(
  action: Action,
  record?: ServerRecord,
  more: Parameters<typeof ApplyResult.fromPartial>[0] = {},
): Result {
  const server = record && toServerMessage(record);
  const [result] = answerOf([ApplyResult.fromPartial({ action, server, ...more })]).results;
  return result!;
}

function answerOf(results: ApplyResult[]): ApplyAnswer {
  return fromApplyResponse(ApplyServersResponse.fromPartial({ results }));
}

const refusedBy = (error: SwitchboardError, record?: ServerRecord): Result =>
  resultOf(Action.ACTION_REFUSED, record, { error: toRpcStatus(error) });

const CREATED = resultOf(Action.ACTION_CREATED, FILES);
const UPDATED = resultOf(Action.ACTION_UPDATED, WEATHER, {
  changes: [
    { path: 'spec.title', before: '', after: '"Weather"' },
    { path: 'spec.streamable_http.headers[Authorization]', before: '"old"', after: '"s3cret"' },
  ],
});
const UNCHANGED = resultOf(Action.ACTION_UNCHANGED, WEATHER);
const BAD_URL = refusedBy(invalidField('servers[2].spec.sse.url', 'is not allowed'));
const DELETED = resultOf(Action.ACTION_DELETED, OLD);
const LEFT = resultOf(Action.ACTION_LEFT, OLD);

function planned(results: readonly Result[], prune = false): PlannedSet {
  const plan = { ...answerOf([]), results, toJSON: () => ({ results }) };
  return { set: aSet(prune), plan, etags: ['', '', ''] };
}

function ended(how: Partial<Outcome>): Outcome {
  const none = { results: [], surplus: [], answer: undefined };
  return { ...none, failure: undefined, stopped: false, ...how };
}

describe('what is said of a file', () => {
  it('has the place first, as compilers say it', () => {
    const { read } = aSet();
    expect(read.problems.map((problem) => problemLine('a/librechat.yaml', problem))).toEqual([
      expect.stringMatching(/^a\/librechat\.yaml:5:\d+: mcpServers\.broken\.url: .+\n$/),
    ]);
    expect(lossLine('a.yaml', { line: 3, field: 'chatMenu', reason: 'means nothing' })).toBe(
      'a.yaml:3: note: chatMenu: means nothing\n',
    );
    expect(lossLine('a.yaml', { field: 'x', reason: 'y' })).toBe('a.yaml: note: x: y\n');
  });

  it('never steers the terminal', () => {
    const problem = { field: 'a\u001b[2J', line: 1, column: 2, message: 'b\nc\u202e' };
    expect(problemLine('x\u0007.yaml', problem)).toBe('x .yaml:1:2: a [2J: b c \n');
  });
});

describe('a plan', () => {
  it('has a line for each server that is not as declared, and the fields that change', () => {
    expect(planText(planned([CREATED, UPDATED, BAD_URL, LEFT]))).toMatchInlineSnapshot(`
      "librechat.yaml (librechat): 3 servers
        + files  APP  npx -y a
        ~ weather
            spec.title: nothing -> "Weather"
            spec.streamable_http.headers[Authorization]
        ! notes  INVALID_FIELD: librechat.yaml:4:12: mcpServers.notes.url: is not allowed
        . old of ana  no longer in the file; --prune deletes it
        ! 1 broken, see above
      "
    `);
  });

  it('tells what would be deleted, and what stays all the same', () => {
    expect(planText(planned([UNCHANGED, UNCHANGED, BAD_URL, DELETED, LEFT], true)))
      .toMatchInlineSnapshot(`
      "librechat.yaml (librechat): 3 servers
        ! notes  INVALID_FIELD: librechat.yaml:4:12: mcpServers.notes.url: is not allowed
        - old of ana
        . old of ana  no longer in the file; kept, because another server of its name was refused
        = 2 unchanged
        ! 1 broken, see above
      "
    `);
  });

  it('names nothing that may be a secret', () => {
    expect(planText(planned([CREATED, UPDATED]))).not.toContain('s3cret');
  });
});

describe('an outcome', () => {
  const plan = planned([CREATED, UPDATED, UNCHANGED]);

  it('is the counts, if all went as planned', () => {
    expect(outcomeText(plan, ended({ results: [CREATED, UPDATED, UNCHANGED] }))).toBe(
      'librechat.yaml: 2 applied (1 created, 1 updated), 1 unchanged, 1 broken\n',
    );
  });

  it('names what went otherwise', () => {
    const moved = refusedBy(new SwitchboardError('ETAG_MISMATCH'));
    const text = outcomeText(plan, ended({ results: [UNCHANGED, moved, undefined] }));
    expect(text).toMatchInlineSnapshot(`
      "librechat.yaml: 1 unchanged, 1 refused, 1 broken, 1 not known to be applied
        = files  is already as declared
        ! weather  has changed since the plan was made: apply again to see the new differences
      "
    `);
  });

  it('names what was deleted without having been planned, or could not be', () => {
    const kept = recordOf({ id: 'id-s', name: 'stays' });
    const stays = refusedBy(new SwitchboardError('NOT_WRITTEN'), kept);
    const text = outcomeText(
      planned([UNCHANGED, UNCHANGED, UNCHANGED, DELETED], true),
      ended({ results: [UNCHANGED, UNCHANGED, UNCHANGED], surplus: [DELETED, stays] }),
    );
    expect(text).toMatchInlineSnapshot(`
      "librechat.yaml: 3 unchanged, 1 deleted, 1 refused, 1 broken
        ! stays  NOT_WRITTEN: The write failed and nothing was written.
      "
    `);
    const unplanned = outcomeText(plan, ended({ surplus: [DELETED] }));
    expect(unplanned).toContain('  - old of ana\n');
  });
});

describe('counts', () => {
  it('know what is left to do, and whether all is well', () => {
    const counts = countsOf(aSet(), [CREATED, UPDATED, UNCHANGED, BAD_URL, DELETED, undefined]);
    expect(counts).toEqual({
      created: 1,
      updated: 1,
      unchanged: 1,
      deleted: 1,
      left: 0,
      refused: 1,
      heldBack: 0,
      broken: 1,
      open: 1,
    });
    expect(changing(counts)).toBe(3);
    expect(allWell(counts)).toBe(false);
    const well = { ...counts, refused: 0, broken: 0, open: 0 };
    expect(allWell(well)).toBe(true);
    for (const fate of ['refused', 'heldBack', 'broken', 'open'] as const) {
      expect(allWell({ ...well, [fate]: 1 }), fate).toBe(false);
    }
  });

  it('count an entry with several problems once', () => {
    const [problem] = aSet().read.problems;
    const read = { ...aSet().read, problems: [problem!, { ...problem!, field: 'other' }] };
    expect(countsOf({ ...aSet(), read }, []).broken).toBe(1);
  });

  it('are told in a sentence', () => {
    const none = countsOf({ ...aSet(), read: { ...aSet().read, problems: [] } }, []);
    expect(countsText(none)).toBe('nothing declared');
    expect(countsText({ ...none, created: 199, broken: 1 })).toBe(
      '199 applied (199 created), 1 broken',
    );
  });
});

describe('the JSON document', () => {
  it('has a file each, with what could be read, the plan and the outcome', () => {
    const plan = planned([CREATED, UPDATED, UNCHANGED]);
    const outcome = ended({
      results: [CREATED, undefined, undefined],
      failure: new SwitchboardError('OUTCOME_UNKNOWN', 'who knows'),
    });
    const outcomes = new Map([[plan.set, outcome]]);
    const document = applyJson({ sets: [plan.set], plans: [plan], outcomes });
    expect(document.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(document)).toMatchObject({
      files: [
        {
          file: 'librechat.yaml',
          format: 'librechat',
          problems: [{ server: 'broken', line: 5, field: 'mcpServers.broken.url' }],
          counts: { created: 1, open: 2, broken: 1 },
          plan: { results: [{ action: 'ACTION_CREATED' }, { action: 'ACTION_UPDATED' }, {}] },
          outcome: {
            results: [{ action: 'ACTION_CREATED', server: { name: 'files' } }],
            stopped: false,
            error: { reason: 'OUTCOME_UNKNOWN', message: 'who knows' },
          },
        },
      ],
    });
    expect(
      JSON.parse(applyJson({ sets: [plan.set], plans: [], outcomes: new Map() })),
    ).toMatchObject({ files: [{ plan: null, outcome: null }] });
  });
});
