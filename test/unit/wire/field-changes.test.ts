import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { declarationOf } from '../../../src/domain/commands/decide.js';
import { canonicalJson } from '../../../src/domain/digest.js';
import type { Declaration } from '../../../src/domain/server.js';
import type {
  Instructions,
  OAuth,
  ServerSpec,
  Transport,
} from '../../../src/domain/config/spec.js';
import { SPEC_DEFAULTS } from '../../../src/domain/config/spec.js';
import { fieldChanges } from '../../../src/wire/field-changes.js';
import { recordOf, type RecordParts } from '../../support/storage/builders.js';
import { EMPTY_OAUTH } from '../../support/oauth.js';

const declared = (parts: RecordParts = {}): Declaration =>
  declarationOf(recordOf({ id: 'files', ...parts }));

const http = (url: string, headers: Record<string, string> = {}): Partial<ServerSpec> => ({
  transport: { kind: 'streamable_http', url, headers },
});

/** `path: before -> after` of each change between two declarations of one server. */
function changes(before: RecordParts, after: RecordParts): readonly string[] {
  return fieldChanges(declared(before), declared(after)).map(
    (change) => `${change.path}: ${change.before} -> ${change.after}`,
  );
}

const OAUTH: OAuth = EMPTY_OAUTH;

describe('fieldChanges', () => {
  it('tells fields by the paths of the contract, and values as proto JSON', () => {
    expect(changes({ tier: 'APP' }, { tier: 'USER' })).toEqual(['tier: "TIER_APP" -> "TIER_USER"']);
    expect(changes({}, { name: 'docs', set: 'a.yaml' })).toEqual([
      'name: "files" -> "docs"',
      'set:  -> "a.yaml"',
    ]);
    expect(changes({ owner: 'ana' }, { owner: 'bob' })).toEqual(['owner: "ana" -> "bob"']);
    const timeouts = { timeouts: { connectMs: 1_500 } };
    expect(changes({}, { spec: timeouts })).toEqual(['spec.timeouts.connect:  -> "1.500s"']);
    expect(changes({ spec: timeouts }, {})).toEqual(['spec.timeouts.connect: "1.500s" -> ']);
    expect(changes({}, { spec: { enabled: false } })).toEqual(['spec.enabled: true -> false']);
  });

  it('tells each entry of a map, and a list as a whole', () => {
    const one = { ...http('https://a.example', { 'x-a': '1', 'x-b': '1' }), labels: { team: 'a' } };
    const two = { ...http('https://a.example', { 'x-a': '2', 'x-c': '1' }), labels: { team: 'a' } };
    expect(changes({ spec: one }, { spec: two })).toEqual([
      'spec.streamable_http.headers[x-a]: "1" -> "2"',
      'spec.streamable_http.headers[x-b]: "1" -> ',
      'spec.streamable_http.headers[x-c]:  -> "1"',
    ]);
    const filter = (...allow: string[]) => ({ spec: { toolFilter: { allow, deny: [] } } });
    expect(changes(filter('a'), filter('a', 'b'))).toEqual([
      'spec.tool_filter.allow: ["a"] -> ["a","b"]',
    ]);
  });

  it('tells another transport by its fields', () => {
    const stdio = { command: 'node', args: ['x.js'], env: {}, cwd: '', stderr: 'ignore' } as const;
    const before = { spec: { transport: { kind: 'stdio', ...stdio } as const } };
    expect(changes(before, { spec: http('https://a.example') })).toEqual([
      'spec.stdio.args: ["x.js"] -> ',
      'spec.stdio.command: "node" -> ',
      'spec.stdio.stderr: "STDERR_IGNORE" -> ',
      'spec.streamable_http.url:  -> "https://a.example"',
    ]);
  });

  it('tells a message that is set and has no field, unless that is the same as left out', () => {
    const from = (kind: Instructions) => ({ spec: { instructions: kind } });
    expect(changes(from({ kind: 'none' }), from({ kind: 'from_server' }))).toEqual([
      'spec.instructions.from_server:  -> {}',
    ]);
    expect(changes({}, { spec: { oauth: OAUTH } })).toEqual(['spec.oauth:  -> {}']);
    const filled = { spec: { oauth: { ...OAUTH, clientId: 'us' } } };
    expect(changes({ spec: { oauth: OAUTH } }, filled)).toEqual([
      'spec.oauth: {} -> ',
      'spec.oauth.client_id:  -> "us"',
    ]);
    const variable = { userVariables: { KEY: { title: '', description: '', sensitive: false } } };
    expect(changes({}, { spec: variable })).toEqual(['spec.user_variables[KEY]:  -> {}']);
  });

  it('tells of nothing all that is set, and back', () => {
    const all = fieldChanges(undefined, declared({ title: 'Files' }));
    expect(all.map(({ path }) => path)).toEqual([
      'name',
      'spec.enabled',
      'spec.startup',
      'spec.streamable_http.url',
      'spec.title',
      'tier',
    ]);
    expect(all.every(({ before }) => before === '')).toBe(true);
    const back = fieldChanges(declared({ title: 'Files' }), undefined);
    expect(back.map(({ path, before, after }) => ({ path, before: after, after: before }))).toEqual(
      all,
    );
  });

  it('is empty exactly if nothing differs, and adds up over steps, for random declarations', () => {
    fc.assert(
      fc.property(arbitraryDeclaration, arbitraryDeclaration, arbitraryDeclaration, (a, b, c) => {
        expect(fieldChanges(a, structuredClone(a))).toEqual([]);
        expect(fieldChanges(a, b).length > 0).toBe(canonicalJson(a) !== canonicalJson(b));
        const values = new Map(fieldChanges(undefined, a).map(({ path, after }) => [path, after]));
        for (const step of [fieldChanges(a, b), fieldChanges(b, c)]) {
          for (const { path, before, after } of step) {
            expect(values.get(path) ?? '').toBe(before);
            values.set(path, after);
          }
        }
        const set = [...values].filter(([, after]) => after !== '').sort();
        const due = fieldChanges(undefined, c).map(({ path, after }) => [path, after]);
        expect(set).toEqual(due.sort());
      }),
      { numRuns: 500 },
    );
  });
});

const text = fc.constantFrom('', 'a', 'b.c', 'ü "x"');
const entries = fc.dictionary(fc.constantFrom('k', 'a.b', 'x-y'), text, { noNullPrototype: true });
const list = fc.array(text, { maxLength: 2 });
const arbitraryTransport: fc.Arbitrary<Transport> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('streamable_http' as const, 'sse' as const),
    url: fc.constantFrom('https://a.example', 'https://b.example'),
    headers: entries,
  }),
  fc.record({
    kind: fc.constant('stdio' as const),
    command: fc.constantFrom('node', 'sh'),
    args: list,
    env: entries,
    cwd: text,
    stderr: fc.constantFrom('ignore' as const, 'pipe' as const),
  }),
);
const arbitrarySpec: fc.Arbitrary<ServerSpec> = fc
  .record({
    transport: arbitraryTransport,
    title: text,
    enabled: fc.boolean(),
    timeouts: fc.record(
      { connectMs: fc.constantFrom(1, 1_500), callMs: fc.constantFrom(2_000, 3_600_000) },
      { requiredKeys: [] },
    ),
    instructions: fc.oneof(
      fc.constantFrom<Instructions>({ kind: 'none' }, { kind: 'from_server' }),
      text.map((value): Instructions => ({ kind: 'text', text: value })),
    ),
    requiresOAuth: fc.option(fc.boolean(), { nil: undefined }),
    oauth: fc.option(
      fc.record({ clientId: text, scopes: list, headers: entries }).map((some) => ({
        ...OAUTH,
        ...some,
      })),
      { nil: undefined },
    ),
    userVariables: fc.dictionary(
      fc.constantFrom('KEY', 'OTHER'),
      fc.record({ title: text, description: text, sensitive: fc.boolean() }),
      { noNullPrototype: true },
    ),
    toolFilter: fc.record({ allow: list, deny: list }),
    icons: fc.array(fc.record({ src: text, mimeType: text, sizes: list, theme: text }), {
      maxLength: 1,
    }),
    labels: entries,
  })
  .map(({ requiresOAuth, oauth, ...rest }) => ({
    ...SPEC_DEFAULTS,
    ...rest,
    ...(requiresOAuth === undefined ? {} : { requiresOAuth }),
    ...(oauth === undefined ? {} : { oauth }),
  }));
const arbitraryDeclaration: fc.Arbitrary<Declaration> = fc
  .record({
    name: fc.constantFrom('files', 'docs'),
    externalId: text,
    owner: fc.constantFrom('', 'ana', 'bob'),
    tier: fc.constantFrom('APP' as const, 'USER' as const),
    set: text,
    spec: arbitrarySpec,
  })
  .map(({ owner, tier, ...rest }) => ({
    ...rest,
    tier: owner === '' ? tier : 'PRIVATE',
    ...(owner === '' ? {} : { owner }),
  }));
