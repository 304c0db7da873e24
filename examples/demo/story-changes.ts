import type { ServerEntry } from './admin.js';
import { labelOf, type Cast, type Servers } from './cast.js';
import type { Checks } from './checks.js';
import { sameCounts, snapshotCounts } from './tally.js';

/** A change of the address: the call in flight ends where it began, the next one goes to the new server. */
export async function moveServer(
  { admin, nodes, ana }: Cast,
  servers: Servers,
  { url, checks }: { readonly url: string; readonly checks: Checks },
): Promise<Servers> {
  checks.tell('Ana begins a long call. While it runs, the admin moves remote to another address.');
  const long = ana.call({
    server: 'remote',
    tool: 'trigger-long-running-operation',
    args: { duration: 4, steps: 8 },
  });
  await long.begun;
  let isRunning = true;
  void long.ended.then(() => (isRunning = false));
  const { closed } = ana.report.counts;
  const remote = await admin.change(servers.remote, { streamable_http: { url } }, [
    'spec.streamable_http.url',
  ]);
  for (const node of nodes) {
    const { commits } = node.report.counts;
    if (commits < 4) await node.until('the move', ({ counts }) => counts.commits === 4);
    const label = await labelOf(node);
    checks.claim(
      `${node.name}: the next call goes to the server of after`,
      label === 'after',
      label,
    );
  }
  checks.claim('the long call still runs, on the old connection', isRunning);
  const { text = '', reason } = await long.ended;
  checks.claim('and ends well', text.includes('completed'), reason);
  await ana.until('the end of the old connection', ({ counts }) => counts.closed === closed + 1);
  checks.claim('only then the old connection was closed', true);
  return { ...servers, remote };
}

/** A change that means nothing to a connection. */
export async function retitleServer(
  { admin, nodes }: Cast,
  servers: Servers,
  checks: Checks,
): Promise<Servers> {
  checks.tell('The admin gives tools another title, which means nothing to a connection.');
  const before = snapshotCounts(nodes);
  const tools = await admin.change(servers.tools, { title: 'The tool box' }, ['spec.title']);
  checks.claim('its etag moved, its config hash did not', isRetitled(servers.tools, tools));
  for (const node of nodes) {
    await node.until('the title', ({ servers: known }) => known['tools'] === 'The tool box');
    const { text } = await node.call({ server: 'tools', tool: 'echo', args: { message: 'hi' } })
      .ended;
    checks.claim(`${node.name} shows the title, and calls go on`, text === 'Echo: hi', text);
  }
  checks.claim('nobody reconnected', sameCounts(nodes, before, ['opened', 'closed']));
  return { ...servers, tools };
}

/** A deletion: its connections end, and it takes no more calls. */
export async function removeServer(
  { admin, nodes }: Cast,
  servers: Servers,
  checks: Checks,
): Promise<void> {
  checks.tell('The admin deletes memory.');
  const closed = new Map(nodes.map((node) => [node, node.report.counts.closed]));
  await admin.remove(servers.memory);
  for (const node of nodes) {
    await node.until('the deletion', (report) => report.servers['memory'] === undefined);
    await node.until('the close', ({ counts }) => counts.closed === (closed.get(node) ?? 0) + 1);
    const { reason } = await node.call({ server: 'memory', tool: 'read_graph' }).ended;
    const isGone = reason === 'SERVER_UNKNOWN';
    checks.claim(`${node.name}: gone, its process ended, a call is refused`, isGone, reason);
  }
}

function isRetitled(before: ServerEntry, after: ServerEntry): boolean {
  return before.etag !== after.etag && before.config_hash === after.config_hash;
}
