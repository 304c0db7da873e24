import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Cast } from './cast.js';
import type { Checks } from './checks.js';
import { memoryCommand } from './mcp-servers.js';
import { sameCounts, snapshotCounts } from './tally.js';

/** A file that another application uses as it is: its servers appear at the nodes. */
export async function applyFile(
  { command, nodes, folder }: Cast,
  { url, checks }: { readonly url: string; readonly checks: Checks },
): Promise<void> {
  checks.tell('The admin applies a librechat.yaml, and then the same once more.');
  await writeFile(path.join(folder, 'librechat.yaml'), libreChatYaml(url, folder));
  checks.show(await command(['apply', 'librechat.yaml', '--yes']));
  for (const node of nodes) {
    await node.until('the servers of the file', ({ servers }) => 'notes' in servers);
  }
  const before = snapshotCounts(nodes);
  const again = await command(['apply', 'librechat.yaml', '--yes', '--json']);
  const isUnchanged = /ACTION_UNCHANGED/.test(again) && !/ACTION_(CREATED|UPDATED)/.test(again);
  checks.claim('applying it again changes nothing', isUnchanged, again);
  checks.claim('and no node hears of it', sameCounts(nodes, before, ['commits']));
  const [summary = ''] = (await command(['inspect', 'search'])).split('\n\n');
  checks.show(summary);
  for (const node of nodes) await node.until('the facts', ({ counts }) => counts.commits === 9);
  checks.claim('what was found out reconnects nobody', sameCounts(nodes, before, ['closed']));
}

/** Why a name is what it is, for one user. */
export async function explainLookup({ command }: Cast, checks: Checks): Promise<void> {
  checks.tell('Why does Ana get this server, and what became of memory?');
  const remote = await command(['explain', 'remote', '--user', 'ana']);
  const memory = await command(['explain', 'memory', '--user', 'ana']);
  checks.show(remote);
  checks.show(memory);
  checks.claim(
    'remote is shared, and takes precedence',
    remote.includes('takes precedence over all others'),
  );
  checks.claim('memory was deleted', memory.includes('It was deleted'));
}

/** A bad change is taken back: the nodes fail loudly, and recover by themselves. */
export async function rollBack({ command, admin, nodes }: Cast, checks: Checks): Promise<void> {
  checks.tell('A bad change: search moves to an address where nothing listens.');
  const echo = { server: 'search', tool: 'echo', args: { message: 'found' } };
  for (const node of nodes) await node.call(echo).ended;
  const search = await admin.get('search');
  const url = 'http://127.0.0.1:9/mcp';
  await admin.change(search, { streamable_http: { url } }, ['spec.streamable_http.url']);
  for (const node of nodes) {
    await node.until('the bad change', ({ counts }) => counts.commits === 10);
    const { reason } = await node.call(echo).ended;
    checks.claim(`${node.name}: a call fails, and says why`, reason === 'CONNECT_FAILED', reason);
  }
  checks.tell('The admin looks who did what, and takes it back.');
  checks.show(await command(['history', 'search']));
  checks.show(await command(['rollback', 'search', '--to', '1', '--yes']));
  for (const node of nodes) {
    await node.until('the rollback', ({ counts }) => counts.commits === 11);
    const { text } = await node.call(echo).ended;
    checks.claim(`${node.name}: calls work again`, text === 'Echo: found', text);
  }
}

/** Written as its users write it; all of it is carried over but where the menu shows it. */
function libreChatYaml(url: string, folder: string): string {
  const { command, args, cwd } = memoryCommand();
  return `version: 1.2.1
mcpServers:
  search:
    type: streamable-http
    url: ${url}
    title: Search
    serverInstructions: true
    chatMenu: false
  notes:
    title: Notes
    command: ${command}
    args: ${JSON.stringify(args)}
    cwd: ${JSON.stringify(cwd)}
    env:
      MEMORY_FILE_PATH: ${JSON.stringify(`${folder}/notes-{{LIBRECHAT_USER_ID}}.jsonl`)}
`;
}
