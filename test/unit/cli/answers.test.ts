import { describe, expect, it } from 'vitest';
import { explainText } from '../../../src/cli/explain.js';
import { inspectionText } from '../../../src/cli/facts-text.js';
import { severalOf } from '../../../src/cli/find-server.js';
import { serverDetails } from '../../../src/cli/server-text.js';
import type { AccessCandidate } from '../../../src/domain/explain.js';
import type { InspectionFailure, Observation, ServerFacts } from '../../../src/domain/facts.js';
import { recordOf, type RecordParts } from '../../support/storage/builders.js';

const AT = new Date(2026, 10, 21, 9, 5, 7).getTime();

const OBSERVED: Observation = {
  configHash: 'hash-1',
  observeTime: AT,
  observedBy: 'node-1',
  protocolEra: 'legacy',
  protocolVersion: '2025-11-25',
  serverName: 'weatherd',
  serverVersion: '1.2',
  instructions: Array.from({ length: 12 }, (_, line) => `line ${String(line)}`).join('\n'),
  capabilitiesJson: '{}',
  tools: [
    tool('forecast', '', 'Tells the weather.\nMore about it.'),
    tool('stations', 'Stations', 'Lists them.'),
  ],
  toolCount: 3,
};
const FAILED: InspectionFailure = {
  reason: 'UNREACHABLE',
  message: 'connect ECONNREFUSED',
  configHash: 'hash-2',
  failTime: AT,
  attempts: 3,
  nextAttemptTime: AT,
};

function tool(name: string, title: string, description: string): Observation['tools'][number] {
  return { name, title, description, inputSchemaJson: '' };
}

/** A server with facts; its configuration has the hash `configHash`. */
function inspected(configHash: string, facts: ServerFacts, parts: RecordParts = {}) {
  return { ...recordOf({ id: 'id-1', name: 'weather', ...parts }), configHash, facts };
}

describe('facts', () => {
  it('of an inspection are told for people', () => {
    const server = inspected('hash-1', { observation: OBSERVED, oauthNeed: 'no' });
    expect(inspectionText(server)).toMatchInlineSnapshot(`
      "Name:          weather
      Id:            id-1
      Inspected:     2026-11-21 09:05:07 by node-1
      Speaks:        MCP 2025-11-25 (with a handshake)
      Calls itself:  weatherd 1.2
      Tools:         3, 2 of them known
      OAuth:         not needed

      TOOL      WHAT IT DOES
      forecast  Tells the weather.
      stations  Stations

      INSTRUCTIONS
        line 0
        line 1
        line 2
        line 3
        line 4
        line 5
        line 6
        line 7
        line 8
        line 9
        … and 2 more lines (--json has them all)
      "
    `);
  });

  it('of one that failed say why, and when it is tried again', () => {
    const facts = { observation: OBSERVED, oauthNeed: 'unknown', failure: FAILED } as const;
    const server = inspected('hash-2', facts);
    const text = inspectionText(server);
    expect(text).toContain('by node-1 (older configuration)');
    expect(text).toMatch(/^Inspection: +failed: UNREACHABLE: connect ECONNREFUSED$/m);
    expect(text).toMatch(/^Failed at: +2026-11-21 09:05:07, 3 times in a row$/m);
    expect(text).toMatch(/^Next try: +about 2026-11-21 09:05:07$/m);
    expect(text).toMatch(/^OAuth: +unknown$/m);
    const { nextAttemptTime: _, ...final } = FAILED;
    const failure = { ...final, attempts: 1 };
    const never = inspectionText({ ...server, facts: { ...facts, failure } });
    expect(never).toMatch(/^Next try: +no automatic retry/m);
    expect(never).not.toContain('in a row');
  });

  it('that nobody has are said to be none', () => {
    expect(inspectionText(recordOf({ id: 'i', name: 'n' }))).toMatch(/^Inspected: +never$/m);
  });

  it('are told in short with the server', () => {
    const facts = { observation: OBSERVED, oauthNeed: 'yes' } as const;
    const server = inspected('hash-1', facts, { set: 'a.yaml', generation: 7 });
    const text = serverDetails(server);
    for (const line of [
      /^Tools: +3, 2 of them known$/m,
      /^OAuth: +needed$/m,
      /^Speaks: +MCP 2025-11-25 \(with a handshake\)$/m,
      /^Set: +a\.yaml$/m,
      /^Generation: +7$/m,
    ]) {
      expect(text).toMatch(line);
    }
    expect(text).not.toContain('line 0');
  });

  it('never steer the terminal', () => {
    const observation = {
      ...OBSERVED,
      instructions: 'a\u001b[2J\r\nb\u0007',
      serverName: '\u001b]0;x',
      tools: [tool('x\u009b', '', '\u202eabc')],
    };
    const failure = { ...FAILED, message: '\u001b[31m' };
    const server = inspected('hash-1', { observation, failure }, { name: 'a\u001b[2J' });
    // eslint-disable-next-line no-control-regex -- what must not be printed
    expect(inspectionText(server)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });
});

const CANDIDATES: readonly AccessCandidate[] = [
  candidate(0, { tier: 'APP', verdict: 'wins', disabled: true }),
  candidate(1, { tier: 'PRIVATE', owner: 'ana', verdict: 'shadowed_by_shared' }),
  candidate(2, { tier: 'PRIVATE', owner: 'bob', verdict: 'not_granted' }),
  candidate(3, { tier: 'USER', verdict: 'deleted' }),
];

function candidate(
  index: number,
  told: Pick<AccessCandidate, 'tier' | 'verdict'> & Partial<AccessCandidate>,
): AccessCandidate {
  const explanation = `Reason ${String(index)}.`;
  const id = `id-${String(index + 1)}`;
  return { id, explanation, disabled: false, revision: 1, sights: [], ...told };
}

describe('an explanation', () => {
  it('is a sentence and a row for each candidate', () => {
    const answer = {
      explanation: '"weather" is the APP server id-1.',
      candidates: CANDIDATES,
      moreUnseen: true,
      moreDeleted: true,
    };
    expect(explainText(answer)).toMatchInlineSnapshot(`
      ""weather" is the APP server id-1.

      ID    TIER            VERDICT          WHY
      id-1  APP             wins (disabled)  Reason 0.
      id-2  PRIVATE of ana  shadowed         Reason 1.
      id-3  PRIVATE of bob  not granted      Reason 2.
      id-4  USER            deleted          Reason 3.
      More servers outside this view have the name.
      More deleted servers had the name.
      "
    `);
  });

  it('is the sentence alone, if nothing has the name', () => {
    const nothing = { candidates: [], moreUnseen: false, moreDeleted: false };
    expect(explainText({ explanation: 'None.', ...nothing })).toBe('None.\n');
  });
});

describe('several servers of a name', () => {
  it('are listed, with how to choose', () => {
    expect(severalOf('weather', CANDIDATES.slice(0, 2)).message).toMatchInlineSnapshot(`
      "2 servers have the name weather: pick one with --id ID, or resolve the name with --user ID or --app
        id-1  APP             disabled
        id-2  PRIVATE of ana"
    `);
  });
});
