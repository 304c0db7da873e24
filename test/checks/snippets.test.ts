import { beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../../scripts/lib/setup.mjs';
import { fieldsUnknownTo, methodRequests } from './proto-requests.js';
import { commandsOf, knownHere, shellErrors, type Known } from './shell-snippets.js';
import { readSnippets, snippetsOf, typeErrors, type Snippet } from './snippets.js';

// What the docs show as working, works: TypeScript is compiled, commands and their flags exist.

const typescript = (text: string): Snippet => ({ where: 'page:1', language: 'ts', text });
const shell = (text: string): Snippet => ({ where: 'page:1', language: 'sh', text });

describe('snippets of the docs', () => {
  let snippets: Snippet[] = [];

  beforeAll(async () => {
    snippets = readSnippets();
    // The help of the command is asked of what was built.
    await ensureBuilt();
  });

  it('are in a language that is checked', () => {
    expect(snippets.filter(({ language }) => !['ts', 'sh'].includes(language))).toEqual([]);
    expect(snippets.length).toBeGreaterThan(0);
  });

  it('compile', () => {
    expect(typeErrors(snippets.filter(({ language }) => language === 'ts'))).toEqual([]);
  });

  it('name only commands, scripts, flags, methods and fields that exist', async () => {
    const known = await knownHere();
    const found = snippets.filter(({ language }) => language === 'sh');
    expect(found.flatMap((snippet) => shellErrors(snippet, known))).toEqual([]);
  });
});

describe('the check of snippets', () => {
  const known: Known = {
    npmScripts: new Set(['start', 'test', 'demo']),
    serverFlags: new Set(['--listen']),
    environment: new Set(['SWITCHBOARD_LISTEN']),
    cliHelp: (subcommand) =>
      ({
        list: '  --json   as JSON',
        access: 'Commands:\n  list',
        'access list': '  --json   as JSON',
      })[subcommand],
  };

  it('finds the marked blocks and no others', () => {
    const page = 'a\n```sh run\nnpm test\n```\n```sh\nmake\n```\n```ts run\nlet a = 1;\n```\n';
    expect(snippetsOf('p.md', page)).toEqual([
      { where: 'p.md:2', language: 'sh', text: 'npm test\n' },
      { where: 'p.md:8', language: 'ts', text: 'let a = 1;\n' },
    ]);
  });

  it('fails on TypeScript that does not compile', () => {
    const errors = typeErrors([typescript("const a: number = 'x';\nexport { a };\n")]);
    expect(errors).toEqual([expect.stringContaining('page:1 (+1): Type')]);
    expect(typeErrors([typescript('const a = 1;\nexport { a };\n')])).toEqual([]);
  });

  it('reads commands as a shell does', () => {
    const script = 'A=1 npm start -- --x \'a b\' \\\n  "c \\"d\\"" # note\ncat f | jq .a && ls; ls';
    expect(commandsOf(script)).toEqual([
      ['A=1', 'npm', 'start', '--', '--x', 'a b', 'c "d"'],
      ['cat', 'f'],
      ['jq', '.a'],
      ['ls'],
      ['ls'],
    ]);
  });

  it.each([
    ['npm run nothing', 'no script nothing'],
    ['npm start -- --port 1', 'unknown flag --port'],
    ['SWITCHBOARD_PORT=1 npm start', 'unknown variable SWITCHBOARD_PORT'],
    ['export SWITCHBOARD_PORT=1', 'unknown variable SWITCHBOARD_PORT'],
    ['npx switchboard lost', 'unknown subcommand lost'],
    ['npx switchboard list --js', 'unknown flag --js'],
    ['npx switchboard access lost', 'unknown subcommand access lost'],
    ['npx switchboard access list --js', 'unknown flag --js'],
    ['make all', 'unknown command make'],
    ['grpcurl -plaintext host:1 switchboard.v1.RegistryService/Nothing', 'no method'],
    ["grpcurl -d '{' host:1 switchboard.v1.RegistryService/GetServer", '-d is not JSON'],
    ['grpcurl -d \'{"nome":1}\' host:1 switchboard.v1.RegistryService/GetServer', 'no field nome'],
  ])('fails on %s', (text, error) => {
    expect(shellErrors(shell(text), known)).toEqual([expect.stringContaining(error)]);
  });

  it.each([
    'npm ci',
    'npm test',
    'npm run demo',
    'SWITCHBOARD_LISTEN=:1 npm start -- --listen=:2',
    'npx switchboard list --json',
    'grpcurl -plaintext host:1 list',
    'grpcurl -plaintext host:1 describe switchboard.v1.RegistryService',
    'grpcurl -plaintext -d \'{"view":{"app":{}}}\' host:1 switchboard.v1.RegistryService/ListServers',
  ])('has nothing against %s', (text) => {
    expect(shellErrors(shell(text), known)).toEqual([]);
  });

  it('knows the fields of nested messages', () => {
    const request = methodRequests().get('switchboard.v1.RegistryService/ListServers');
    expect(request).toBeDefined();
    if (request === undefined) return;
    expect(fieldsUnknownTo(request, { view: { user: { userName: 'x' } } })).toEqual([
      'view.user.userName',
    ]);
  });
});
