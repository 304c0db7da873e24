import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ReadResult } from '../../../src/formats/format.js';
import { readServers } from '../../../src/formats/read-servers.js';
import { writeServers } from '../../../src/formats/write-servers.js';
import { declaredBy } from '../../support/formats/servers.js';

const FOLDER = path.join(import.meta.dirname, '../../../examples/configs');

function sample(file: string): ReadResult & { readonly text: string } {
  const text = readFileSync(path.join(FOLDER, file), 'utf8');
  return { ...readServers(text, { file }), text };
}

/** What is lost of a file: `line field`. */
function lost(file: string): readonly string[] {
  return sample(file).losses.map(({ line, field }) => `${String(line)} ${field}`);
}

describe('the examples', () => {
  it.each([
    ['switchboard.yaml', 'switchboard', ['everything', 'tickets', 'notes']],
    ['librechat.yaml', 'librechat', ['clock', 'dashboard', 'feed', 'crm', 'drive', 'search']],
    ['claude.mcp.json', 'claude', ['files', 'issues', 'events', 'calendar']],
    ['cursor.mcp.json', 'cursor', ['python-tools', 'wiki', 'design']],
    ['vscode.mcp.json', 'vscode', ['maps', 'github-mcp-server', 'legacy']],
    ['server-remote.json', 'server-json', ['weather']],
    ['server-packages.json', 'server-json', ['database-manager']],
    ['server-npm.json', 'server-json', ['brave-search']],
  ])('%s is read as %s, without a problem', (file, format, names) => {
    const { format: found, servers, problems } = sample(file);
    expect(problems).toEqual([]);
    expect([found, servers.map(({ name }) => name)]).toEqual([format, names]);
  });

  it('of our own lose nothing, and are written as they were', () => {
    const { servers, losses, text } = sample('switchboard.yaml');
    expect(losses).toEqual([]);
    const written = writeServers(servers.map(declaredBy), 'switchboard');
    expect(written.losses).toEqual([]);
    const document = parse(text) as { servers: { name: string; tier?: string }[] };
    const told = document.servers.map((server) => ({ tier: 'USER', ...server }));
    expect(parse(written.text)).toEqual({ servers: told });
  });

  it.each(['server-remote.json', 'server-npm.json'])('%s is written as it was', (file) => {
    const { servers, losses, text } = sample(file);
    expect(losses).toEqual([]);
    const written = writeServers(servers.map(declaredBy), 'server-json');
    expect(written.losses).toEqual([]);
    expect(JSON.parse(written.text)).toEqual(JSON.parse(text));
  });

  it('with fields of their product are written with them, and they are told', () => {
    for (const [file, format] of [
      ['cursor.mcp.json', 'cursor'],
      ['librechat.yaml', 'librechat'],
    ] as const) {
      const { servers, text } = sample(file);
      const written = writeServers(servers.map(declaredBy), format);
      expect(written.losses).toEqual([]);
      const before = parse(text) as { mcpServers: Record<string, Record<string, unknown>> };
      const after = parse(written.text) as typeof before;
      for (const [name, entry] of Object.entries(before.mcpServers)) {
        // An API key is written as the header that it means; types are always told.
        const { apiKey, ...rest } = entry;
        expect(after.mcpServers[name]).toMatchObject(rest);
        expect(Object.keys(after.mcpServers[name] ?? {})).not.toContain('apiKey');
        expect(apiKey === undefined || name === 'search').toBe(true);
      }
    }
  });

  it('lose what has no meaning here, each field by name', () => {
    expect(lost('librechat.yaml')).toEqual([
      '8 mcpSettings',
      '32 mcpServers.feed.iconPath',
      '33 mcpServers.feed.chatMenu',
      '62 mcpServers.drive.oauth.code_challenge_methods_supported',
    ]);
    expect(lost('claude.mcp.json')).toEqual([
      '11 mcpServers.issues.headers.X-Region',
      '21 mcpServers.calendar.oauth.callbackPort',
    ]);
    expect(lost('cursor.mcp.json')).toEqual(['7 mcpServers.python-tools.envFile']);
    expect(lost('vscode.mcp.json')).toEqual([
      '11 inputs[1].type',
      '14 inputs[1].options',
      '15 inputs[1].default',
      '24 servers.maps.sandboxEnabled',
      '25 servers.maps.sandbox',
    ]);
    expect(lost('server-packages.json')).toEqual([
      '6 repository',
      '8 packages[0]',
      '28 packages[1].runtimeArguments[1].variables.db_type.choices',
      '35 packages[1].packageArguments[0].default',
      '40 packages[1].environmentVariables[1].choices',
      '40 packages[1].environmentVariables[1].default',
      '41 packages[1].environmentVariables[2]',
    ]);
  });
});
