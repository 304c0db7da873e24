import { describe, expect, it } from 'vitest';
import {
  AccessCandidate,
  AccessCandidate_Verdict as Verdict,
  ExplainAccessResponse,
} from '../../../generated/switchboard/v1/registry_service.js';
import {
  InspectionFailureReason,
  OauthNeed,
  ProtocolEra,
  Server,
  Tier,
} from '../../../generated/switchboard/v1/server.js';
import { explainText } from '../../../src/cli/explain.js';
import { inspectionText } from '../../../src/cli/facts-text.js';
import { severalOf } from '../../../src/cli/find-server.js';
import { serverDetails } from '../../../src/cli/server-text.js';

const AT = new Date(2026, 10, 21, 9, 5, 7);

const OBSERVED = {
  configHash: 'hash-1',
  observeTime: AT,
  observedBy: 'node-1',
  protocolEra: ProtocolEra.PROTOCOL_ERA_LEGACY,
  protocolVersion: '2025-11-25',
  serverName: 'weatherd',
  serverVersion: '1.2',
  instructions: Array.from({ length: 12 }, (_, line) => `line ${String(line)}`).join('\n'),
  tools: [
    { name: 'forecast', description: 'Tells the weather.\nMore about it.' },
    { name: 'stations', title: 'Stations', description: 'Lists them.' },
  ],
  toolCount: 3,
};
const FAILED = {
  reason: InspectionFailureReason.INSPECTION_FAILURE_REASON_UNREACHABLE,
  message: 'connect ECONNREFUSED',
  configHash: 'hash-2',
  failTime: AT,
  attempts: 3,
  nextAttemptTime: AT,
};

describe('facts', () => {
  it('of an inspection are told for people', () => {
    const server = Server.fromPartial({
      ...{ id: 'id-1', name: 'weather', configHash: 'hash-1' },
      facts: { observation: OBSERVED, oauthNeed: OauthNeed.OAUTH_NEED_NO },
    });
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
    const server = Server.fromPartial({
      ...{ id: 'id-1', name: 'weather', configHash: 'hash-2' },
      facts: { observation: OBSERVED, oauthNeed: OauthNeed.OAUTH_NEED_UNKNOWN, failure: FAILED },
    });
    const text = inspectionText(server);
    expect(text).toContain('by node-1 (older configuration)');
    expect(text).toMatch(/^Inspection: +failed: UNREACHABLE: connect ECONNREFUSED$/m);
    expect(text).toMatch(/^Failed at: +2026-11-21 09:05:07, 3 times in a row$/m);
    expect(text).toMatch(/^Next try: +about 2026-11-21 09:05:07$/m);
    expect(text).toMatch(/^OAuth: +unknown$/m);
    const failure = { ...FAILED, nextAttemptTime: undefined, attempts: 1 };
    const never = inspectionText({ ...server, facts: { ...server.facts!, failure } });
    expect(never).toMatch(/^Next try: +no automatic retry/m);
    expect(never).not.toContain('in a row');
  });

  it('that nobody has are said to be none', () => {
    expect(inspectionText(Server.fromPartial({ id: 'i', name: 'n' }))).toMatch(
      /^Inspected: +never$/m,
    );
  });

  it('are told in short with the server', () => {
    const server = Server.fromPartial({
      ...{ name: 'weather', configHash: 'hash-1', set: 'a.yaml', generation: 7 },
      facts: { observation: OBSERVED, oauthNeed: OauthNeed.OAUTH_NEED_YES },
    });
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
    const server = Server.fromPartial({
      name: 'a\u001b[2J',
      facts: {
        observation: {
          ...OBSERVED,
          instructions: 'a\u001b[2J\r\nb\u0007',
          serverName: '\u001b]0;x',
          tools: [{ name: 'x\u009b', description: '\u202eabc' }],
        },
        failure: { ...FAILED, message: '\u001b[31m' },
      },
    });
    // eslint-disable-next-line no-control-regex -- what must not be printed
    expect(inspectionText(server)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });
});

const CANDIDATES = [
  { id: 'id-1', tier: Tier.TIER_APP, verdict: Verdict.VERDICT_WINS, disabled: true },
  {
    id: 'id-2',
    tier: Tier.TIER_PRIVATE,
    owner: 'ana',
    verdict: Verdict.VERDICT_SHADOWED_BY_SHARED,
  },
  { id: 'id-3', tier: Tier.TIER_PRIVATE, owner: 'bob', verdict: Verdict.VERDICT_NOT_GRANTED },
  { id: 'id-4', tier: Tier.TIER_USER, verdict: Verdict.VERDICT_DELETED },
].map((candidate, index) =>
  AccessCandidate.fromPartial({ explanation: `Reason ${String(index)}.`, ...candidate }),
);

describe('an explanation', () => {
  it('is a sentence and a row for each candidate', () => {
    const answer = ExplainAccessResponse.fromPartial({
      explanation: '"weather" is the APP server id-1.',
      candidates: CANDIDATES,
      moreUnseen: true,
      moreDeleted: true,
    });
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
    expect(explainText(ExplainAccessResponse.fromPartial({ explanation: 'None.' }))).toBe(
      'None.\n',
    );
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
