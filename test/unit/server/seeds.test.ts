import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { invalidField, SwitchboardError } from '../../../src/domain/errors.js';
import { validateDeclaration } from '../../../src/domain/validate.js';
import { createSeeds, readSeeds } from '../../../src/server/seeds.js';
import { StartError } from '../../../src/server/start-error.js';
import { scratchFolder } from '../../support/scratch-folder.js';

const EXAMPLES = path.join(import.meta.dirname, '../../../examples/servers.json');

function seedFile(content: unknown, name = 'servers.json'): string {
  const file = path.join(scratchFolder(), name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

const server = (name: string, spec: unknown = { stdio: { command: 'a' } }): object => ({
  name,
  tier: 'APP',
  spec,
});

describe('seeds', () => {
  it('of the examples are servers that the registry accepts', () => {
    const declared = readSeeds(EXAMPLES);
    for (const each of declared) {
      expect(() => {
        validateDeclaration(each, 'server');
      }).not.toThrow();
    }
    expect(declared.map(({ name, tier, spec }) => [name, tier, spec.transport.kind, spec.enabled]))
      .toMatchInlineSnapshot(`
      [
        [
          "everything",
          "APP",
          "stdio",
          true,
        ],
        [
          "memory",
          "USER",
          "stdio",
          true,
        ],
        [
          "everything-http",
          "USER",
          "streamable_http",
          false,
        ],
      ]
    `);
  });

  it('are created in order, unless their name is taken', async () => {
    const created: string[] = [];
    const file = seedFile({ servers: [server('a'), server('b'), server('c')] });
    const counts = await createSeeds(file, ({ name }) => {
      if (name === 'b') return Promise.reject(new SwitchboardError('NAME_TAKEN'));
      created.push(name);
      return Promise.resolve();
    });
    expect({ counts, created }).toEqual({
      counts: { created: 2, present: 1 },
      created: ['a', 'c'],
    });
  });

  it('say which server was refused', async () => {
    const file = seedFile({ servers: [server('a')] });
    const creating = createSeeds(file, () => Promise.reject(invalidField('server.name', 'bad')));
    await expect(creating).rejects.toThrow(StartError);
    await expect(creating).rejects.toThrow(`--seed ${file}: a: server.name: bad`);
  });

  it('do not take a defect for a mistake in the file', async () => {
    const defect = new TypeError('x is undefined');
    const creating = createSeeds(seedFile({ servers: [server('a')] }), () =>
      Promise.reject(defect),
    );
    await expect(creating).rejects.toBe(defect);
  });

  it('may be YAML, and have the tier that follows from the spec', () => {
    const file = seedFile(
      [
        'servers:',
        '  - name: shared',
        '    spec: { stdio: { command: a } }',
        '  - name: personal',
        '    spec: { sse: { url: "https://a.test/${user:id}" } }',
        '  - name: told',
        '    tier: USER',
        '    spec: { stdio: { command: a } }',
      ].join('\n'),
      'servers.yaml',
    );
    expect(readSeeds(file).map(({ name, tier }) => [name, tier])).toEqual([
      ['shared', 'APP'],
      ['personal', 'USER'],
      ['told', 'USER'],
    ]);
  });

  it.each([
    ['no JSON', '{', /line 1, column 2: is not JSON/],
    ['no list', {}, /: servers: must be a list/],
    [
      'a tier that does not exist',
      { servers: [{ ...server('a'), tier: 'ALL' }] },
      /servers\[0\]\.tier \(a\)/,
    ],
    [
      'a field that does not exist',
      { servers: [{ ...server('a'), url: 'x' }] },
      /servers\[0\].*url/,
    ],
    [
      'a field of the spec that does not exist',
      { servers: [server('a'), server('b', { stdio: { command: 'x', cmd: 'x' } })] },
      /servers\[1\]\.spec\.stdio\.cmd \(b\):.*cmd/,
    ],
    [
      'two transports',
      { servers: [server('a', { stdio: { command: 'x' }, sse: { url: 'y' } })] },
      /servers\[0\]\.spec \(a\)/,
    ],
    [
      'what the registry would refuse, all of it counted',
      { servers: [server('a', { sse: { url: 'no' } }), server('b/c')] },
      /servers\[0\]\.spec\.sse\.url \(a\): is not an absolute URL, and 1 more$/,
    ],
    ['one name twice', { servers: [server('a'), server('a')] }, /servers\[1\] \(a\)/],
  ])('are refused with %s', (_, content, message) => {
    const file = seedFile(content);
    expect(() => readSeeds(file)).toThrow(StartError);
    expect(() => readSeeds(file)).toThrow(message);
  });

  it('are refused when the file does not exist', () => {
    expect(() => readSeeds('/does/not/exist.json')).toThrow(/^--seed .*ENOENT/);
  });
});
