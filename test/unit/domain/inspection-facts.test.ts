import { describe, expect, it } from 'vitest';
import { decideFacts, type Finding } from '../../../src/domain/commands/facts.js';
import type { ServerFacts } from '../../../src/domain/facts.js';
import type { InspectionResult } from '../../../src/domain/inspection.js';
import { toolBytes, validateObserved } from '../../../src/domain/observation.js';
import { RecordSet } from '../../../src/domain/record-set.js';
import type { ServerRecord } from '../../../src/domain/server.js';
import { failureAt, observationAt, observedFacts } from '../../support/inspection/facts.js';
import { recordOf } from '../../support/storage/builders.js';
import { OPEN_POLICY } from '../../support/transport-policy.js';

const AFTER = { epoch: 'e', revision: 7, fingerprint: 'f' };
const record = recordOf({ id: 'srv' });
const { configHash } = record;

function withFacts(facts: ServerFacts): ServerRecord {
  return { ...record, facts, factsEtag: 'before' };
}

function decide(before: ServerRecord, finding: Partial<Finding>) {
  const state = new RecordSet();
  state.put({ record: before, grants: [] });
  return decideFacts(
    { state, after: AFTER, actor: 'root', now: 5_000, transportPolicy: OPEN_POLICY },
    { id: 'srv', configHash, observedBy: 'replica', result: seen(), ...finding },
  );
}

const seen = (more: Partial<Extract<InspectionResult, { kind: 'observed' }>> = {}) =>
  ({ kind: 'observed', observed: observedFacts(), ...more }) as const;

const broken = (more: Partial<Extract<InspectionResult, { kind: 'failed' }>> = {}) =>
  ({ kind: 'failed', reason: 'UNREACHABLE', message: 'gone', ...more }) as const;

/** The facts after a decision. */
function factsAfter(before: ServerRecord, finding: Partial<Finding>): ServerFacts | undefined {
  return decide(before, finding)?.changes[0]?.after?.facts;
}

describe('what was observed', () => {
  it('becomes the facts, and moves nothing that people declared', () => {
    const decision = decide(record, { result: seen({ oauthNeed: 'no' }) });
    expect(decision?.cause).toBe('FACTS');
    const [change] = decision?.changes ?? [];
    expect(change?.before).toEqual(record);
    const { facts, factsEtag, revision, ...declared } = change!.after!;
    const { factsEtag: _etag, revision: _revision, ...before } = record;
    expect(declared).toEqual(before);
    expect(revision).toBe(8);
    expect(factsEtag).not.toBe('');
    expect(facts).toEqual({
      observation: observationAt(configHash, { observeTime: 5_000 }),
      oauthNeed: 'no',
    });
  });

  it('is thrown away if the server is gone or has another configuration [D37]', () => {
    expect(decide(record, { id: 'other' })).toBeUndefined();
    expect(decide(record, { configHash: 'former' })).toBeUndefined();
    expect(decide(record, { configHash: 'former', result: broken() })).toBeUndefined();
  });

  it('writes nothing if it is known, whoever saw it and when [R4]', () => {
    const known = withFacts({ observation: observationAt(configHash), oauthNeed: 'no' });
    expect(
      decide(known, { result: seen({ oauthNeed: 'no' }), observedBy: 'node' }),
    ).toBeUndefined();
    expect(decide(known, { result: seen(), observedBy: 'node' })).toBeUndefined();
  });

  it.each([
    ['the need for OAuth', seen({ oauthNeed: 'unknown' })],
    ['a tool', seen({ observed: observedFacts({ tools: [], toolCount: 0 }) })],
    ['the instructions', seen({ observed: observedFacts({ instructions: 'be kind' }) })],
  ])('is written if %s is another', (_name, result) => {
    const known = withFacts({ observation: observationAt(configHash), oauthNeed: 'no' });
    expect(decide(known, { result })).toBeDefined();
  });

  it('is written for a new configuration although it is the same, and forgets the need', () => {
    const known = withFacts({ observation: observationAt('former'), oauthNeed: 'yes' });
    const facts = factsAfter(known, {});
    expect(facts).toEqual({ observation: observationAt(configHash, { observeTime: 5_000 }) });
  });

  it('ends a failure', () => {
    const failing = withFacts({
      observation: observationAt(configHash),
      oauthNeed: 'no',
      failure: failureAt(configHash),
    });
    const facts = factsAfter(failing, {});
    expect(facts).toEqual({
      observation: observationAt(configHash, { observeTime: 5_000 }),
      oauthNeed: 'no',
    });
  });

  it('by a node in the old era replaces nothing that was seen in the new one', () => {
    const modern = observationAt(configHash, { protocolEra: 'modern' });
    const known = withFacts({ observation: modern });
    expect(decide(known, { fromNode: true })).toBeUndefined();
    expect(decide(known, {})).toBeDefined();
    const failing = withFacts({ observation: modern, failure: failureAt(configHash) });
    expect(decide(failing, { fromNode: true })).toBeDefined();
    const former = { ...modern, configHash: 'former' };
    expect(decide(withFacts({ observation: former }), { fromNode: true })).toBeDefined();
  });
});

describe('a failure', () => {
  const retryDelayMs = (_reason: string, attempts: number): number => attempts * 100;

  it('is recorded with its next try, beside what was observed', () => {
    const known = withFacts({ observation: observationAt(configHash), oauthNeed: 'no' });
    expect(factsAfter(known, { result: broken(), retryDelayMs })).toEqual({
      observation: observationAt(configHash),
      oauthNeed: 'no',
      failure: {
        reason: 'UNREACHABLE',
        message: 'gone',
        configHash,
        failTime: 5_000,
        attempts: 1,
        nextAttemptTime: 5_100,
      },
    });
  });

  it('counts those since the last success or change', () => {
    const failing = withFacts({ failure: failureAt(configHash, { attempts: 4 }) });
    const again = factsAfter(failing, { result: broken(), retryDelayMs });
    expect(again?.failure).toMatchObject({ attempts: 5, nextAttemptTime: 5_500 });
    const former = withFacts({ failure: failureAt('former', { attempts: 4 }) });
    expect(factsAfter(former, { result: broken() })?.failure).toMatchObject({ attempts: 1 });
    expect(factsAfter(former, { result: broken() })?.failure).not.toHaveProperty('nextAttemptTime');
  });

  it('leaves open whether OAuth is needed, unless that is known or told', () => {
    const needAfter = (before: ServerRecord, result: InspectionResult) =>
      factsAfter(before, { result })?.oauthNeed;
    expect(needAfter(record, broken())).toBe('unknown');
    expect(needAfter(record, broken({ oauthNeed: 'yes' }))).toBe('yes');
    const known = withFacts({ observation: observationAt(configHash), oauthNeed: 'no' });
    expect(needAfter(known, broken())).toBe('no');
    expect(needAfter(known, broken({ oauthNeed: 'unknown' }))).toBe('unknown');
    const failing = withFacts({ failure: failureAt(configHash), oauthNeed: 'yes' });
    expect(needAfter(failing, broken())).toBe('yes');
    const former = withFacts({ observation: observationAt('former'), oauthNeed: 'no' });
    expect(needAfter(former, broken())).toBe('unknown');
  });

  it('takes back a refusal of the policy that is not true any more', () => {
    const failure = failureAt(configHash, { reason: 'TRANSPORT_NOT_ALLOWED' });
    const before = withFacts({ observation: observationAt(configHash), failure });
    const decision = decide(before, {
      result: { kind: 'failed', reason: 'NEEDS_NODE', message: 'only nodes know its values' },
    });
    expect(decision?.changes[0]?.after?.facts?.failure?.reason).toBe('NEEDS_NODE');
  });

  it.each(['NEEDS_NODE', 'STDIO_NOT_ALLOWED'] as const)(
    'that will stay (%s) is recorded once, and not beside what a node saw [R4]',
    (reason) => {
      const result = broken({ reason });
      expect(decide(record, { result })).toBeDefined();
      const told = withFacts({ failure: failureAt(configHash, { reason }) });
      expect(decide(told, { result })).toBeUndefined();
      const seenByNode = withFacts({ observation: observationAt(configHash) });
      expect(decide(seenByNode, { result })).toBeUndefined();
      const former = withFacts({ observation: observationAt('former') });
      expect(decide(former, { result })).toBeDefined();
    },
  );
});

describe('an observation', () => {
  it('may fill its budget to the last byte', () => {
    const empty = { name: 'a', title: '', description: '', inputSchemaJson: '{}' };
    const room = 256 * 1024 - toolBytes(empty);
    const full = observedFacts({ tools: [{ ...empty, description: 'x'.repeat(room) }] });
    expect(() => {
      validateObserved(full, 'observation');
    }).not.toThrow();
    const over = observedFacts({ tools: [{ ...empty, description: 'x'.repeat(room + 1) }] });
    expect(() => {
      validateObserved(over, 'observation');
    }).toThrow(/observation\.tools: must be at most 262144 bytes/);
  });
});
