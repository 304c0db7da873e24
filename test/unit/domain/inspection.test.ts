import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { InspectionFailure } from '../../../src/domain/facts.js';
import {
  foundRefusal,
  inspectionPlan,
  nodeOnlyReason,
  retryDelayMs,
  RETRY_DEFAULTS,
  sharedSignIn,
} from '../../../src/domain/inspection.js';
import { SPEC_DEFAULTS, type ServerSpec } from '../../../src/domain/config/spec.js';
import { httpServer, nodeServer } from '../../support/mcp/specs.js';
import { recordOf } from '../../support/storage/builders.js';
import { failureAt, observationAt } from '../../support/inspection/facts.js';
import { SAFE_POLICY } from '../../../src/domain/transport-policy.js';
import { OPEN_POLICY } from '../../support/transport-policy.js';
import { EMPTY_OAUTH } from '../../support/oauth.js';

const specOf = (parts: Partial<ServerSpec>): ServerSpec => ({
  ...SPEC_DEFAULTS,
  transport: httpServer('https://a.example/mcp'),
  ...parts,
});

const NO_STDIO = { stdio: false, policy: OPEN_POLICY };

describe('only a node can inspect', () => {
  it.each([
    ['a url', { transport: httpServer('https://a.example/${user:id}') }],
    ['a header', { transport: httpServer('https://a.example', { 'x-key': '${var:KEY}' }) }],
    ['a secret', { transport: httpServer('https://a.example', { 'x-key': '${secret:KEY}' }) }],
    ['a value of the node', { transport: httpServer('https://${env:HOST}/mcp') }],
    ['a value of the call', { transport: httpServer('https://a.example', { a: '${request:X}' }) }],
    ['a proxy', { proxyUrl: 'http://${env:PROXY}' }],
  ])('what needs %s from elsewhere', (_name, parts) => {
    expect(nodeOnlyReason(specOf(parts), NO_STDIO)).toBe('NEEDS_NODE');
  });

  it('a process, unless processes are allowed and it needs nothing from elsewhere', () => {
    const plain = specOf({ transport: nodeServer(['server.js']) });
    expect(nodeOnlyReason(plain, NO_STDIO)).toBe('STDIO_NOT_ALLOWED');
    expect(nodeOnlyReason(plain, { ...NO_STDIO, stdio: true })).toBeUndefined();
    const open = specOf({ transport: nodeServer(['${user:id}']) });
    expect(nodeOnlyReason(open, { stdio: true })).toBe('NEEDS_NODE');
    const env = specOf({ transport: nodeServer([], { env: { KEY: '${env:KEY}' } }) });
    expect(nodeOnlyReason(env, { stdio: true })).toBe('NEEDS_NODE');
  });

  it('and nothing else: what OAuth needs plays no part in connecting', () => {
    const oauth = { ...EMPTY_OAUTH, clientSecret: '${secret:S}' };
    const spec = specOf({ oauth, transport: httpServer('https://a.example/$${x}') });
    expect(nodeOnlyReason(spec, NO_STDIO)).toBeUndefined();
  });
});

describe('the plan of a server', () => {
  const record = recordOf();
  const { configHash } = record;
  const planOf = (facts?: object) =>
    inspectionPlan({ ...record, ...(facts && { facts }) }, NO_STDIO);
  const failed = (more: Partial<InspectionFailure> = {}) => ({
    failure: failureAt(configHash, { failTime: 1_000, nextAttemptTime: 8_000, ...more }),
  });

  it('is to inspect what nobody observed in its present configuration', () => {
    expect(planOf()).toEqual({ kind: 'now' });
    expect(planOf({ observation: observationAt('former') })).toEqual({ kind: 'now' });
    expect(planOf({ failure: failureAt('former') })).toEqual({ kind: 'now' });
    expect(planOf({ observation: observationAt(configHash) })).toEqual({ kind: 'none' });
  });

  it('is to try again what failed, as long after the failure as was said then [F4]', () => {
    expect(planOf(failed())).toEqual({ kind: 'later', delayMs: 7_000 });
    const both = { ...failed(), observation: observationAt(configHash) };
    expect(planOf(both)).toEqual({ kind: 'later', delayMs: 7_000 });
    expect(planOf(failed({ nextAttemptTime: 0 }))).toEqual({ kind: 'later', delayMs: 0 });
  });

  it('is to try at once what is allowed by now', () => {
    const { nextAttemptTime: _, ...failure } = failed({ reason: 'STDIO_NOT_ALLOWED' }).failure;
    expect(planOf({ failure })).toEqual({ kind: 'now' });
    expect(planOf({ failure: { ...failure, reason: 'NEEDS_NODE' } })).toEqual({ kind: 'none' });
  });

  it('is nothing for what is disabled, or for nodes to inspect', () => {
    const disabled = { ...record, spec: { ...record.spec, enabled: false } };
    expect(inspectionPlan(disabled, NO_STDIO)).toEqual({ kind: 'none' });
    const stdio = recordOf({ spec: { transport: nodeServer([]) } });
    expect(inspectionPlan(stdio, NO_STDIO)).toEqual({ kind: 'none' });
    expect(inspectionPlan(stdio, { ...NO_STDIO, stdio: true })).toEqual({ kind: 'now' });
  });

  it('is to find once that the policy refuses a private server, and again what it refused', () => {
    const inside = recordOf({
      owner: 'ana',
      spec: { transport: httpServer('http://10.0.0.1/${var:X}') },
    });
    const strict = { stdio: false, policy: SAFE_POLICY };
    const refusal = failureAt(inside.configHash, { reason: 'TRANSPORT_NOT_ALLOWED' });
    const { nextAttemptTime: _, ...final } = refusal;
    const found = { ...inside, facts: { failure: final } };
    expect(inspectionPlan(inside, strict)).toEqual({ kind: 'now' });
    expect(inspectionPlan(found, strict)).toEqual({ kind: 'none' });
    expect(inspectionPlan({ ...inside, transportExempt: true }, strict)).toEqual({ kind: 'none' });
    // At once after a restart; else replicas whose policies differ would go on without an end.
    expect(inspectionPlan(found, NO_STDIO)).toEqual({ kind: 'later', delayMs: 300_000 });
    expect(foundRefusal(found)).toBe(final.message);
    expect(foundRefusal({ ...found, configHash: 'newer' })).toBeUndefined();
  });
});

describe('the time until the next try', () => {
  it('doubles from 5 s to 15 min, half of it by chance', () => {
    const delays = [1, 2, 3, 8, 9, 100, 5_000].map((attempts) =>
      [0, 1].map((random) =>
        retryDelayMs(RETRY_DEFAULTS, { reason: 'UNREACHABLE', attempts }, random),
      ),
    );
    expect(delays).toEqual([
      [2_500, 5_000],
      [5_000, 10_000],
      [10_000, 20_000],
      [320_000, 640_000],
      [450_000, 900_000],
      [450_000, 900_000],
      [450_000, 900_000],
    ]);
  });

  it('is longer for those that refuse us or tell too much, and never for nodes', () => {
    const delayOf = (reason: InspectionFailure['reason'], attempts: number) =>
      retryDelayMs(RETRY_DEFAULTS, { reason, attempts }, 1);
    expect([delayOf('UNAUTHORIZED', 1), delayOf('TOO_LARGE', 9)]).toEqual([300_000, 3_600_000]);
    expect(delayOf('NEEDS_NODE', 1)).toBeUndefined();
    expect(delayOf('STDIO_NOT_ALLOWED', 1)).toBeUndefined();
  });

  it('is always within what the policy says', () => {
    const attempts = fc.integer({ min: 1, max: 1_000_000 });
    fc.assert(
      fc.property(attempts, fc.double({ min: 0, max: 1, noNaN: true }), (count, random) => {
        const failure = { reason: 'TIMEOUT', attempts: count } as const;
        const delay = retryDelayMs(RETRY_DEFAULTS, failure, random)!;
        expect(delay).toBeGreaterThanOrEqual(RETRY_DEFAULTS.firstMs / 2);
        expect(delay).toBeLessThanOrEqual(RETRY_DEFAULTS.maxMs);
      }),
    );
  });
});

describe('an APP server whose users must sign in', () => {
  const record = (parts: Partial<ServerSpec>, oauthNeed?: 'yes' | 'no', of = 'hash') => ({
    ...recordOf({ tier: 'APP', spec: specOf(parts) }),
    configHash: 'hash',
    facts: {
      failure: failureAt(of, { reason: 'UNAUTHORIZED' }),
      ...(oauthNeed === undefined ? {} : { oauthNeed }),
    },
  });

  it('is reported if an inspection of its configuration found it, or it was declared', () => {
    expect(sharedSignIn(record({}, 'yes'))).toContain('requires OAuth');
    expect(sharedSignIn(record({ requiresOAuth: true }))).toContain('requires_oauth');
    expect(sharedSignIn(record({}, 'yes', 'former hash'))).toBeUndefined();
    expect(sharedSignIn(record({}, 'no'))).toBeUndefined();
    expect(sharedSignIn(record({}))).toBeUndefined();
    expect(sharedSignIn({ ...record({}, 'yes'), tier: 'USER' })).toBeUndefined();
  });
});
