import { describe, expect, it } from 'vitest';
import { readServers } from '../../../src/formats/read-servers.js';

const SERVER = '{ "a": { "command": "x" } }';

describe('the format', () => {
  it.each([
    ['our own JSON', '{ "servers": [] }', undefined, 'switchboard'],
    ['our own YAML', 'servers: []\n', 'servers.yaml', 'switchboard'],
    ['VS Code', `{ "servers": ${SERVER} }`, 'mcp.json', 'vscode'],
    ['YAML of mcpServers', 'mcpServers: {}\n', undefined, 'librechat'],
    ['JSON of mcpServers', `{ "mcpServers": ${SERVER} }`, undefined, 'claude'],
    ['Claude Desktop', `{ "mcpServers": ${SERVER} }`, 'claude_desktop_config.json', 'claude'],
    ['Cursor', `{ "mcpServers": ${SERVER} }`, '/home/a/.cursor/mcp.json', 'cursor'],
    [
      'Cursor on Windows',
      `{ "mcpServers": ${SERVER} }`,
      'C:\\Users\\a\\.cursor\\mcp.json',
      'cursor',
    ],
    ['Windsurf', `{ "mcpServers": ${SERVER} }`, 'windsurf/mcp_config.json', 'cursor'],
    ['a librechat.yaml in JSON', `{ "mcpServers": ${SERVER} }`, 'etc/librechat.json', 'librechat'],
    [
      'a schema',
      '{ "$schema": "https://x.test/2025-12-11/server.schema.json" }',
      undefined,
      'server-json',
    ],
    ['a name and remotes', '{ "name": "a.b/c", "remotes": [] }', undefined, 'server-json'],
  ])('is told by content, and by name where content cannot: %s', (_, text, file, format) => {
    expect(readServers(text, { file }).format).toBe(format);
  });

  it('that was named overrides what it looks like', () => {
    const text = '{ "mcpServers": { "a": { "command": "x", "env": { "A": "${env:B}" } } } }';
    const env = (format?: 'cursor'): unknown => {
      const transport = readServers(text, { format }).servers[0]?.spec.transport;
      return transport?.kind === 'stdio' ? transport.env : undefined;
    };
    expect(env()).toEqual({ A: '$${env:B}' });
    expect(env('cursor')).toEqual({ A: '${env:B}' });
  });

  it.each([
    ['an empty map', '{}', /is not a config file of a known format/],
    ['a list', '[]', /is not a config file of a known format/],
    ['a text', 'hello\n', /is not a config file of a known format/],
    ['two formats', '{ "servers": {}, "mcpServers": {} }', /could be vscode or claude: say which/],
  ])('cannot be told of %s', (_, text, message) => {
    const { format, servers, problems } = readServers(text);
    expect([format, servers]).toEqual([undefined, []]);
    expect(problems).toEqual([
      { field: '', line: 1, column: 1, message: expect.stringMatching(message) as string },
    ]);
  });

  it.each([
    ['switchboard', '[]', 'must be a map of fields'],
    ['switchboard', '{ "servers": {} }', 'must be a list of servers'],
    ['claude', '{ "mcpServers": [] }', 'must be a map of servers by name'],
    ['vscode', '{ "servers": {}, "inputs": {} }', 'must be a list'],
    ['claude', '{ "mcpServers": {}, "mcpServers": {} }', 'is given twice, first in line 1'],
  ] as const)('%s refuses %s', (format, text, message) => {
    const { servers, problems } = readServers(text, { format });
    expect(servers).toEqual([]);
    expect(problems.map((problem) => problem.message)).toEqual([message]);
  });

  it('decides where comments and trailing commas are allowed', () => {
    const text = '{\n  // a comment\n  "KEY": { "a": { "command": "x", }, },\n}';
    const read = (key: string, format: 'vscode' | 'cursor' | 'claude' | 'librechat'): unknown => {
      const { servers, problems } = readServers(text.replace('KEY', key), { format });
      return problems.length === 0 ? servers.length : problems[0]?.line;
    };
    expect(read('servers', 'vscode')).toBe(1);
    expect(read('mcpServers', 'cursor')).toBe(1);
    // Refused, in line 2.
    expect(read('mcpServers', 'claude')).toBe(2);
    expect(read('mcpServers', 'librechat')).toBe(2);
  });

  it('of a librechat.yaml without servers has none', () => {
    for (const text of ['mcpServers:\n', 'mcpServers: {}\ncache: true\n'])
      expect(readServers(text)).toEqual({
        format: 'librechat',
        servers: [],
        problems: [],
        losses: [],
      });
  });
});
