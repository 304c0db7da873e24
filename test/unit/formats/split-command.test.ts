import { describe, expect, it } from 'vitest';
import type { Format } from '../../../src/formats/format.js';
import { readServers } from '../../../src/formats/read-servers.js';
import { splitCommand } from '../../../src/formats/split-command.js';

describe('a command', () => {
  it.each([
    ['npx @playwright/mcp@latest', ['npx', '@playwright/mcp@latest']],
    ['  uvx   mcp-server-git --repository . ', ['uvx', 'mcp-server-git', '--repository', '.']],
    ['npx.cmd -y a', ['npx.cmd', '-y', 'a']],
    [
      'docker run -i --rm -e TOKEN=${TOKEN} a',
      ['docker', 'run', '-i', '--rm', '-e', 'TOKEN=${TOKEN}', 'a'],
    ],
  ])('with arguments in its text is split: %s', (text, [command, ...args]) => {
    expect(splitCommand(text)).toEqual({ kind: 'split', command, args });
  });

  it.each([
    ...[
      'npx',
      '/opt/My Tools/server --stdio',
      'C:\\Program Files\\nodejs\\node.exe',
      './my server',
    ],
    ...[
      'C:/Program Files/node.exe',
      '\\\\host\\my share\\a.exe',
      '~/my tools/a',
      '..\\a b.exe',
      '',
    ],
  ])('that is a path or one word is left as it is: %s', (text) => {
    expect(splitCommand(text)).toEqual({ kind: 'whole' });
  });

  it.each([
    ...[
      'my-server --stdio',
      'npx -y "my package"',
      'sh -c a && b',
      'node a | tee b',
      'npx $(cat a)',
    ],
    ...["bash -c 'a b'", 'npx {{ A }}', 'node a > b'],
  ])('that nobody can split for certain is not split: %s', (text) => {
    expect(splitCommand(text)).toEqual({ kind: 'unclear' });
  });

  it.each(['librechat', 'claude', 'cursor', 'vscode'] as const)(
    'is split with a note, its arguments first and read as such, in %s',
    (format: Format) => {
      const key = format === 'vscode' ? 'servers' : 'mcpServers';
      const token = format === 'librechat' || format === 'claude' ? '${T}' : '${env:T}';
      const file = { [key]: { a: { command: `npx -y a ${token}`, args: ['b'] } } };
      const { servers, problems, losses } = readServers(JSON.stringify(file), { format });
      expect(problems).toEqual([]);
      expect(servers[0]?.spec.transport).toMatchObject({
        command: 'npx',
        args: ['-y', 'a', '${env:T}', 'b'],
      });
      expect(losses).toMatchObject([{ field: `${key}.a.command` }]);
      expect(servers[0]?.place.fields.get('spec.stdio.args[3]')?.field).toBe(`${key}.a.args[0]`);
      expect(servers[0]?.place.fields.get('spec.stdio.args[1]')?.field).toBe(`${key}.a.command`);
      const whole = { [key]: { a: { command: 'my-server --stdio', args: ['b'] } } };
      const left = readServers(JSON.stringify(whole), { format });
      expect(left.servers[0]?.spec.transport).toMatchObject({
        command: 'my-server --stdio',
      });
      expect(left.losses).toMatchObject([{ field: `${key}.a.command` }]);
    },
  );
});

describe('a url that ends in /sse', () => {
  it.each(['claude', 'cursor', 'vscode'] as const)(
    'is SSE without a type, with a note, in %s',
    (format) => {
      const key = format === 'vscode' ? 'servers' : 'mcpServers';
      const read = (entry: object) =>
        readServers(JSON.stringify({ [key]: { a: entry } }), { format });
      for (const url of ['https://a.test/sse', 'https://a.test/v1/sse/?a=b']) {
        const { servers, losses } = read({ url });
        expect(servers[0]?.spec.transport).toMatchObject({ kind: 'sse', url });
        expect(losses).toMatchObject([{ field: `${key}.a.url` }]);
      }
      for (const entry of [
        { type: 'http', url: 'https://a.test/sse' },
        { url: 'https://a.test/sse/x' },
      ]) {
        const { servers, losses } = read(entry);
        expect(servers[0]?.spec.transport.kind).toBe('streamable_http');
        expect(losses).toEqual([]);
      }
    },
  );
});

describe('a url that starts with a placeholder', () => {
  it.each([
    ['librechat', 'mcpServers', '${BASE}/mcp'],
    ['claude', 'mcpServers', '${BASE}/mcp'],
    ['cursor', 'mcpServers', '${env:BASE}/mcp'],
    ['vscode', 'servers', '${env:BASE}/mcp'],
  ] as const)('is refused in %s, with why and what to do', (format, key, url) => {
    const file = { [key]: { a: { type: 'http', url } } };
    const { servers, problems } = readServers(JSON.stringify(file), { format });
    expect(servers).toEqual([]);
    expect(problems.map(({ field }) => field)).toEqual([`${key}.a.url`]);
    expect(problems[0]?.message).toMatch(/whoever sets it .* write .* out/);
  });
});
