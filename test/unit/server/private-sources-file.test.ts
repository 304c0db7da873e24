import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { unprotectedSources } from '../../../src/server/private-sources/open-sources.js';
import { readSourcesFile } from '../../../src/server/private-sources/read-sources-file.js';
import { StartError } from '../../../src/server/start-error.js';
import { scratchFolder } from '../../support/scratch-folder.js';

const EXAMPLE = path.join(import.meta.dirname, '../../../examples/configs/private-sources.yaml');
const TLS = path.join(import.meta.dirname, '../../support/network/tls');

function sourcesFile(content: unknown, files: Readonly<Record<string, string>> = {}): string {
  const folder = scratchFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  const file = path.join(folder, 'sources.yaml');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

const MINIMAL = { tenant: 'acme', name: 'app-db', target: '127.0.0.1:7075' };
const withSource = (more: object): unknown => ({ sources: [{ ...MINIMAL, ...more }] });

describe('the file of private sources', () => {
  it('in the examples is read, and shows the defaults', () => {
    const [first, ...others] = readSourcesFile(EXAMPLE);
    expect(others).toEqual([]);
    expect(first).toEqual({
      tenant: 'default',
      source: {
        name: 'app-db',
        target: '127.0.0.1:7075',
        timeoutMs: 10_000,
        maxRows: 1_000,
        maxBytes: 4_194_304,
      },
      policy: { ttlMs: 3_600_000, concurrency: 8, foreignOwners: false },
    });
    const [defaults] = readSourcesFile(sourcesFile(withSource({ tenant: 'default' })));
    expect(first).toEqual(defaults);
  });

  it('may set everything', () => {
    const file = sourcesFile(
      [
        'sources:',
        '  - tenant: acme',
        '    name: app-db',
        '    target: "[::1]:7075"',
        '    token_file: token',
        `    tls: { ca: ${TLS}/ca.crt, cert: ${TLS}/client.crt, key: ${TLS}/client.key }`,
        '    ttl: 5m',
        '    timeout: 500ms',
        '    max_rows: 10',
        '    max_bytes: 6MiB',
        '    concurrency: 2',
        '    foreign_owners: true',
        '  - { tenant: other, name: app-db, target: "db.test:1", max_bytes: 1000, tls: {} }',
      ].join('\n'),
      { token: 'secret\n' },
    );
    const [first, second] = readSourcesFile(file);
    const pem = (name: string): Buffer => readFileSync(path.join(TLS, name));
    expect(first).toEqual({
      tenant: 'acme',
      source: {
        name: 'app-db',
        target: '[::1]:7075',
        timeoutMs: 500,
        maxRows: 10,
        maxBytes: 6 * 1024 * 1024,
        tls: { ca: pem('ca.crt'), identity: { cert: pem('client.crt'), key: pem('client.key') } },
        tokenFile: path.join(path.dirname(file), 'token'),
      },
      policy: { ttlMs: 300_000, concurrency: 2, foreignOwners: true },
    });
    expect(second?.source).toMatchObject({ maxBytes: 1_000, tls: {} });
  });

  it('may be JSON, and may name no source', () => {
    expect(readSourcesFile(sourcesFile('{"sources": []}'))).toEqual([]);
  });

  it.each([
    ['nothing', '', /line 1, column 1: is empty/],
    ['no YAML', 'sources: [', /line 1, column \d+: is not YAML/],
    ['no sources', {}, /sources: is required/],
    ['an unknown field of the file', { sources: [], source: [] }, /: source: is not a known field/],
    ['no tenant', withSource({ tenant: undefined }), /sources\[0\]\.tenant: is required/],
    ['no name', withSource({ name: undefined }), /sources\[0\]\.name: is required/],
    ['no target', withSource({ target: undefined }), /sources\[0\]\.target: is required/],
    ['a name in capitals', withSource({ name: 'App' }), /\.name: expected 1 to 64 of a-z, 0-9/],
    ['a long name', withSource({ name: 'a'.repeat(65) }), /\.name: expected 1 to 64/],
    ['a URL as target', withSource({ target: 'http://a:1' }), /\.target: expected HOST:PORT/],
    ['port 0', withSource({ target: 'a:0' }), /\.target: expected a port from 1/],
    ['a ttl without unit', withSource({ ttl: 60 }), /\.ttl: expected a duration such as/],
    ['a short ttl', withSource({ ttl: '10ms' }), /\.ttl: expected from 1s to 7d/],
    ['a long ttl', withSource({ ttl: '30d' }), /\.ttl: expected from 1s to 7d/],
    ['a long timeout', withSource({ timeout: '2h' }), /\.timeout: expected at most 1h/],
    ['no rows', withSource({ max_rows: 0 }), /\.max_rows: expected a whole number from 1/],
    ['rows as text', withSource({ max_rows: 'all' }), /\.max_rows: expected a whole number/],
    ['an unknown unit', withSource({ max_bytes: '4MB' }), /\.max_bytes: expected a size such as/],
    ['many bytes', withSource({ max_bytes: '7MiB' }), /\.max_bytes: expected at most 6MiB/],
    ['a mad concurrency', withSource({ concurrency: 257 }), /\.concurrency: expected a whole/],
    [
      'a word as switch',
      withSource({ foreign_owners: 'no' }),
      /\.foreign_owners: expected true or/,
    ],
    ['a key without cert', withSource({ tls: { key: 'k' } }), /\.tls: needs both cert and key/],
    ['a missing CA', withSource({ tls: { ca: 'none.pem' } }), /\.tls\.ca: cannot be used: ENOENT/],
    ['a missing token', withSource({ token_file: 'none' }), /\.token_file: cannot be used: ENOENT/],
    [
      'a CA that is none',
      withSource({ tls: { ca: import.meta.filename } }),
      /\.tls\.ca: .*not a PEM/,
    ],
    [
      'a key of another certificate',
      withSource({ tls: { cert: `${TLS}/client.crt`, key: `${TLS}/server.key` } }),
      /\.tls: cannot be used/,
    ],
    [
      'one tenant twice',
      { sources: [MINIMAL, { ...MINIMAL, name: 'other' }] },
      /sources\[1\]\.tenant: this tenant already has a source: sources\[0\]/,
    ],
    ['a key twice', 'sources: []\nsources: []', /line 2, column 1: sources: is given twice/],
  ])('is refused with %s', (_, content, message) => {
    const file = sourcesFile(content);
    expect(() => readSourcesFile(file)).toThrow(StartError);
    expect(() => readSourcesFile(file)).toThrow(message);
    expect(() => readSourcesFile(file)).toThrow(`--private-sources ${file}: line `);
  });

  it('says where an unknown field stands, and how much else is wrong', () => {
    const file = sourcesFile(
      ['sources:', '  - tenant: acme', '    name: App', '    target: a:1', '    time_out: 1s'].join(
        '\n',
      ),
    );
    expect(() => readSourcesFile(file)).toThrow(
      /line 3, column 5: sources\[0\]\.name.* and 1 more/,
    );
    const other = sourcesFile(
      'sources:\n  - { tenant: a, name: b, target: "c:1",\n      ttll: 1s }',
    );
    expect(() => readSourcesFile(other)).toThrow(
      /line 3, column 7: sources\[0\]\.ttll: is not a known field$/,
    );
  });

  it.each([
    ['empty', ' \n'],
    ['of two lines', 'secret-1\nsecret-2'],
  ])('is refused with a token file that is %s, without repeating it', (_, token) => {
    const file = sourcesFile(withSource({ token_file: 'token' }), { token });
    expect(() => readSourcesFile(file)).toThrow(/token_file: cannot be used: the file contains/);
    expect(() => readSourcesFile(file)).not.toThrow(/secret/);
  });

  it('is refused when it does not exist', () => {
    expect(() => readSourcesFile('/does/not/exist.yaml')).toThrow(
      /^--private-sources \/does\/not\/exist.yaml: cannot be read: ENOENT/,
    );
  });

  it('is known to be open to others where there is no TLS', () => {
    const sources = [
      { ...MINIMAL, tenant: 'a', name: 'near' },
      { ...MINIMAL, tenant: 'b', name: 'far', target: 'db.test:1' },
      { ...MINIMAL, tenant: 'c', name: 'safe', target: 'db.test:1', tls: {} },
    ];
    expect(unprotectedSources(readSourcesFile(sourcesFile({ sources })))).toEqual(['far']);
  });
});
