import { describe, expect, it } from 'vitest';
import type { Format } from '../../../src/formats/format.js';
import { readServers } from '../../../src/formats/read-servers.js';

const COUNT = 200;
const BROKEN = 100;

/** A file of 200 servers, one a line, of which the hundredth has `broken` for its entry. */
function file(lines: {
  readonly head: string;
  readonly entry: (name: string) => string;
  readonly broken: string;
  readonly between: string;
  readonly foot: string;
}): string {
  const entries = Array.from({ length: COUNT }, (_, index) =>
    index === BROKEN ? lines.broken : lines.entry(`server-${String(index)}`),
  );
  return `${lines.head}\n${entries.join(lines.between)}\n${lines.foot}`;
}

const json = (key: string, broken: string): string =>
  file({
    head: `{ "${key}": {`,
    entry: (name) => `  "${name}": { "command": "npx", "args": ["-y", "${name}"] }`,
    broken: `  "server-100": ${broken}`,
    between: ',\n',
    foot: '} }',
  });

const yaml = (broken: string): string =>
  file({
    head: 'mcpServers:',
    entry: (name) => `  ${name}: { command: npx, args: [-y, ${name}] }`,
    broken: `  server-100: ${broken}`,
    between: '\n',
    foot: '',
  });

const own = (broken: string): string =>
  file({
    head: 'servers:',
    entry: (name) => `  - { name: ${name}, spec: { stdio: { command: npx } } }`,
    broken: `  - { name: server-100, ${broken} }`,
    between: '\n',
    foot: '',
  });

interface Broken {
  readonly what: string;
  readonly format: Format;
  readonly text: string;
  readonly field: string;
  readonly column: number;
  readonly message: string;
}

const cases: readonly Broken[] = [
  {
    what: 'a value of the wrong type',
    format: 'librechat',
    text: yaml('{ command: npx, args: 7 }'),
    field: 'mcpServers.server-100.args',
    column: 31,
    message: 'Invalid input: expected array, received number',
  },
  {
    what: 'a header that the domain refuses',
    format: 'librechat',
    text: yaml('{ type: sse, url: "https://a.test", headers: { "X Y": z } }'),
    field: 'mcpServers.server-100.headers["X Y"]',
    column: 62,
    message: 'is not an allowed name',
  },
  {
    what: 'neither command nor url',
    format: 'claude',
    text: json('mcpServers', '{ "args": [] }'),
    field: 'mcpServers.server-100',
    column: 3,
    message: 'has neither a command nor a url',
  },
  {
    what: 'a url that is none',
    format: 'cursor',
    text: json('mcpServers', '{ "url": "a.test/mcp" }'),
    field: 'mcpServers.server-100.url',
    column: 19,
    message: 'is not an absolute URL',
  },
  {
    what: 'an input that is not there',
    format: 'vscode',
    text: json('servers', '{ "type": "http", "url": "https://a.test/${input:x}" }'),
    field: 'servers.server-100.url',
    column: 35,
    message: '${input:x} does not name an input',
  },
  {
    what: 'a key given twice',
    format: 'vscode',
    text: json('servers', '{ "command": "a", "command": "b" }'),
    field: 'servers.server-100.command',
    column: 35,
    message: 'is given twice, first in line 102',
  },
  {
    what: 'a field that does not exist',
    format: 'switchboard',
    text: own('spec: { stdio: { command: npx, arg: [a] } }'),
    field: 'servers[100].spec.stdio.arg',
    column: 56,
    message: 'key "arg" is unknown',
  },
  {
    what: 'a user variable that is not declared',
    format: 'switchboard',
    text: own('spec: { sse: { url: "https://a.test", headers: { X-A: "${var:KEY}" } } }'),
    field: 'servers[100].spec.sse.headers.X-A',
    column: 74,
    message: '${var:KEY} is not declared in user_variables',
  },
];

describe('of 200 servers, one broken in the middle', () => {
  it.each(cases)('$format: $what: 199 are read and one told with its place', (broken) => {
    const { text, format, field, column, message } = broken;
    const { servers, problems } = readServers(text, { format });
    expect(problems).toEqual([{ server: 'server-100', field, line: 102, column, message }]);
    expect(servers).toHaveLength(COUNT - 1);
    expect(servers.some(({ name }) => name === 'server-100')).toBe(false);
    expect(servers.find(({ name }) => name === 'server-101')?.place.line).toBe(103);
  });

  it('names a server twice: neither of the two is read', () => {
    const text = json('mcpServers', '{ "command": "x" }').replace('server-100', 'server-7');
    const { servers, problems } = readServers(text, { format: 'claude' });
    expect(problems).toEqual([
      {
        server: 'server-7',
        field: 'mcpServers.server-7',
        line: 102,
        column: 3,
        message: 'is given twice, first in line 9',
      },
    ]);
    expect(servers).toHaveLength(COUNT - 2);
  });

  it('would get the name of another: the first has it', () => {
    const text = json('mcpServers', '{ "command": "x" }').replace(
      'server-100',
      'com.example/server-7',
    );
    const { servers, problems } = readServers(text, { format: 'claude' });
    expect(problems).toMatchObject([
      {
        server: 'com.example/server-7',
        line: 102,
        message: 'would be named server-7, like server-7',
      },
    ]);
    expect(servers).toHaveLength(COUNT - 1);
  });

  it('is called __proto__: it is told, and nothing else happens', () => {
    const text = json('mcpServers', '{ "command": "x" }').replace('server-100', '__proto__');
    const { servers, problems } = readServers(text, { format: 'claude' });
    expect(problems).toMatchObject([{ server: '__proto__', line: 102 }]);
    expect(servers).toHaveLength(COUNT - 1);
  });
});
