/** A config file that nobody would write, and whether it is one all the same. */
export interface Bomb {
  readonly file: string;
  readonly text: () => string;
  readonly should: 'refused' | 'read';
}

const URL = 'https://tools.example/mcp';
const ENTRY = `{"type":"http","url":"${URL}"}`;

function json(text: () => string, should: Bomb['should'] = 'refused'): Bomb {
  return { file: 'mcp.json', text, should };
}

function yaml(text: () => string, should: Bomb['should'] = 'refused'): Bomb {
  return { file: 'librechat.yaml', text, should };
}

/** The entry of a server in JSON, with more fields. */
function withFields(fields: string): string {
  return `{"mcpServers":{"a":{"type":"http","url":"${URL}",${fields}}}}`;
}

/** A server in YAML, with more lines in it. */
function yamlServer(lines = ''): string {
  return `mcpServers:\n  a:\n    type: streamable-http\n    url: ${URL}\n${lines}`;
}

/** Levels of lists of ten aliases each. */
function aliases(levels: number): string {
  const lines = Array.from({ length: levels }, (_, level) => {
    const items = Array.from({ length: 10 }, () => `*a${String(level)}`).join(', ');
    return `a${String(level + 1)}: &a${String(level + 1)} [${items}]`;
  });
  return `a0: &a0 [x]\n${lines.join('\n')}\n`;
}

function many(count: number, item: (n: number) => string, between: string): string {
  return Array.from({ length: count }, (_, n) => item(n)).join(between);
}

/** Files with more, deeper, longer or other things in them than any config has. */
export const BOMBS: Readonly<Record<string, Bomb>> = {
  'aliases for 10^9 values': yaml(() => aliases(9)),
  'aliases for 10^30 values': yaml(() => aliases(30)),
  'aliases in merges': yaml(() => {
    const merges = many(
      20,
      (n) => `m${String(n + 1)}: &m${String(n + 1)}\n  <<: [*m${String(n)}, *m${String(n)}]\n`,
      '',
    );
    return `m0: &m0 { a: 1 }\n${merges}${yamlServer()}`;
  }, 'read'),
  'an alias of itself': yaml(() => 'mcpServers: &a\n  b: *a\n'),
  'an alias of nothing': yaml(() => 'mcpServers: *nothing\n'),
  '10,000 anchors': yaml(
    () => `${many(10_000, (n) => `x${String(n)}: &x${String(n)} 1`, '\n')}\n${yamlServer()}`,
    'read',
  ),
  'JSON nested 100,000 deep': json(
    () => `{"mcpServers":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
  ),
  'JSON nested without an end': json(() => '{"a":'.repeat(200_000)),
  'JSON nested 150 deep': json(() => `{"mcpServers":${'{"a":'.repeat(150)}1${'}'.repeat(150)}}`),
  'YAML nested 10,000 deep in a line': yaml(
    () => `a: ${'['.repeat(10_000)}${']'.repeat(10_000)}\n`,
  ),
  'YAML nested 500 deep by indentation': yaml(() => many(500, (n) => `${' '.repeat(n)}a:`, '\n')),
  'a number of 100,000 digits': json(() => withFields(`"timeout":${'9'.repeat(100_000)}`)),
  'a number beyond all numbers': json(() => withFields('"timeout":1e999')),
  'a number below nothing': json(() => withFields('"timeout":-1e308')),
  'a YAML number in another base': yaml(() => yamlServer('    timeout: 0x7fffffffffffffffffff\n')),
  'not a number': yaml(() => yamlServer('    timeout: .nan\n')),
  'duplicate keys in JSON': json(() => `{"mcpServers":{"a":${ENTRY},"a":${ENTRY}}}`),
  'duplicate keys in YAML': yaml(() => `${yamlServer()}  a:\n    url: ${URL}\n`),
  '20,000 duplicate keys': json(
    () => `{"mcpServers":{${many(20_000, () => `"a":${ENTRY}`, ',')}}}`,
  ),
  'a server named __proto__': json(
    () => `{"mcpServers":{"__proto__":{"type":"http","url":"${URL}","polluted":1}}}`,
  ),
  'a server named constructor': json(
    () => `{"mcpServers":{"constructor":{"prototype":{"polluted":1}}}}`,
  ),
  'a field named __proto__': json(() => withFields('"__proto__":{"polluted":1}')),
  'a root named __proto__': json(() => '{"__proto__":{"mcpServers":{},"polluted":1}}'),
  'a YAML merge of __proto__': yaml(
    () => 'x: &x { __proto__: { polluted: 1 } }\nmcpServers:\n  a:\n    <<: *x\n',
  ),
  'a NUL in a name': json(() => `{"mcpServers":{"a\\u0000b":${ENTRY}}}`),
  'a NUL in the text': json(() => `{"mcpServers":{"a":${ENTRY}}}\u0000`),
  'a NUL in YAML': yaml(() => yamlServer('    description: "a\u0000b"\n')),
  'a byte order mark': json(() => `\uFEFF{"mcpServers":{"a":${ENTRY}}}`, 'read'),
  'two byte order marks': json(() => `\uFEFF\uFEFF{"mcpServers":{"a":${ENTRY}}}`),
  'UTF-16': json(() => `{"mcpServers":{"a":${ENTRY}}}`.replaceAll(/./g, '$&\u0000')),
  'half of a character': json(() => `{"mcpServers":{"\\ud800":${ENTRY}}}`),
  'a line of 4 MB': json(() => withFields(`"description":"${'x'.repeat(4 * 2 ** 20)}"`), 'read'),
  'a name of 1 MB': json(() => `{"mcpServers":{"${'a'.repeat(2 ** 20)}":${ENTRY}}}`),
  '4 MB of spaces': json(() => ' '.repeat(4 * 2 ** 20)),
  '200,000 empty lines': yaml(() => `${'\n'.repeat(200_000)}: :\n`),
  '20,000 servers without an address': json(
    () => `{"mcpServers":{${many(20_000, (n) => `"s${String(n)}":{}`, ',')}}}`,
  ),
  'a tag that names a class': yaml(() => 'mcpServers: !!js/function "function () { return 1 }"\n'),
  'two documents': yaml(() => `${yamlServer()}---\n${yamlServer()}`),
};
