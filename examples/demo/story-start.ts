import { labelOf, type Cast, type Servers } from './cast.js';
import type { Checks } from './checks.js';
import { everythingSpec, httpSpec, memorySpec } from './mcp-servers.js';

/** Three servers: for everyone over one connection, for each user over one of their own, and over HTTP. */
export async function createServers(
  { admin, nodes }: Cast,
  { folder, url }: { readonly folder: string; readonly url: string },
  checks: Checks,
): Promise<Servers> {
  checks.tell(
    'The admin creates three servers: tools (stdio), memory (stdio, one a user), remote (HTTP).',
  );
  const tools = await admin.create({
    name: 'tools',
    tier: 'TIER_APP',
    spec: everythingSpec('Tools'),
  });
  const memory = await admin.create({
    name: 'memory',
    tier: 'TIER_USER',
    spec: memorySpec(folder),
  });
  const remote = await admin.create({ name: 'remote', tier: 'TIER_APP', spec: httpSpec(url) });
  for (const node of nodes) {
    await node.until('the new servers', ({ servers }) => Object.keys(servers).length === 3);
    const { opened } = node.report.counts;
    checks.claim(`${node.name} knows all three, and has connected to none`, opened === 0);
  }
  return { tools, memory, remote };
}

/** Real calls through the pools of both nodes. */
export async function callTools({ nodes, ana, ben }: Cast, checks: Checks): Promise<void> {
  checks.tell('Both call real tools. The first call of each server connects.');
  for (const node of nodes) {
    const sum = await node.call({ server: 'tools', tool: 'get-sum', args: { a: 40, b: 2 } }).ended;
    checks.claim(`${node.name}: 40 + 2 is 42`, sum.text?.includes('42') === true, sum.reason);
    const label = await labelOf(node);
    checks.claim(`${node.name}: remote is the server of before`, label === 'before', label);
  }
  const note = { name: 'tea', entityType: 'drink', observations: ['Ana takes it black'] };
  await ana.call({ server: 'memory', tool: 'create_entities', args: { entities: [note] } }).ended;
  const [hers, his] = await Promise.all(
    [ana, ben].map((node) => node.call({ server: 'memory', tool: 'read_graph' }).ended),
  );
  checks.claim('Ana finds her note in the memory', hers?.text?.includes('black') === true);
  checks.claim('Ben does not: he has a process of his own', his?.text?.includes('black') === false);
}
