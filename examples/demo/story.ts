import { openAdmin, type Admin, type ServerEntry } from './admin.js';
import type { Checks } from './checks.js';
import type { ControlPlane } from './control-plane.js';
import { everythingSpec, httpSpec, memorySpec } from './mcp-servers.js';
import type { Node } from './node-handle.js';
import type { Stage } from './stage.js';
import { printCounts, sameCounts, snapshotCounts } from './tally.js';

/** Who and what takes part. */
interface Cast {
  readonly plane: ControlPlane;
  readonly admin: Admin;
  readonly ana: Node;
  readonly ben: Node;
  readonly nodes: readonly [Node, Node];
}

/** The servers that the admin has created. */
interface Servers {
  readonly tools: ServerEntry;
  readonly memory: ServerEntry;
  readonly remote: ServerEntry;
}

export async function tellStory(stage: Stage, checks: Checks): Promise<void> {
  const plane = await stage.controlPlane();
  const target = plane.address;
  const [before, after] = await Promise.all([
    stage.everything('before'),
    stage.everything('after'),
  ]);
  const nodes = await Promise.all([
    stage.node('node-1', { target, user: 'ana' }),
    stage.node('node-2', { target, user: 'ben' }),
  ]);
  const admin = openAdmin(target);
  const [ana, ben] = nodes;
  const cast: Cast = { plane, admin, ana, ben, nodes };
  checks.tell(`A control plane listens on ${target}. Two nodes follow it, for Ana and for Ben.`);
  try {
    let servers = await createServers(cast, { folder: stage.folder, url: before.url }, checks);
    await callTools(cast, checks);
    servers = await moveServer(cast, servers, { url: after.url, checks });
    servers = await retitle(cast, servers, checks);
    await removeServer(cast, servers, checks);
    await killControlPlane(cast, servers, checks);
    compareCounts(cast, checks);
  } finally {
    admin.close();
  }
}

async function createServers(
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

async function callTools({ nodes, ana, ben }: Cast, checks: Checks): Promise<void> {
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

async function moveServer(
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

async function retitle({ admin, nodes }: Cast, servers: Servers, checks: Checks): Promise<Servers> {
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

async function removeServer(
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

async function killControlPlane(
  { plane, admin, nodes }: Cast,
  { remote }: Servers,
  checks: Checks,
): Promise<void> {
  checks.tell('The control plane is killed with SIGKILL.');
  const before = snapshotCounts(nodes);
  await plane.kill();
  for (const node of nodes) {
    await node.until('to notice', ({ status }) => status === 'STALE');
    const { text } = await node.call({ server: 'tools', tool: 'echo', args: { message: 'up' } })
      .ended;
    checks.claim(
      `${node.name} says STALE, and serves from what it knows`,
      text === 'Echo: up',
      text,
    );
  }

  checks.tell('It is started again on the same data.');
  await plane.startAgain();
  for (const node of nodes) {
    await node.until('to come back', ({ status }) => status === 'READY');
    const { resumes, snapshots } = node.report.counts;
    const isResumed = resumes === 1 && snapshots === 1;
    checks.claim(
      `${node.name} says READY: it went on where it was, and asked for nothing again`,
      isResumed,
    );
  }
  await admin.change(remote, { title: 'Still here' }, ['spec.title']);
  for (const node of nodes) {
    await node.until('the change', ({ servers }) => servers['remote'] === 'Still here');
  }
  checks.claim('a change of after the restart has reached both', true);
  checks.claim('nobody reconnected', sameCounts(nodes, before, ['opened', 'closed']));
}

function compareCounts({ nodes }: Cast, checks: Checks): void {
  checks.tell('What the nodes have counted:');
  printCounts(nodes);
  for (const { name, report } of nodes) {
    const { opened, closed, commits, snapshots, resumes } = report.counts;
    checks.claim(
      `${name}: 4 connections opened (tools, memory, remote before and after), 2 closed`,
      opened === 4 && closed === 2,
    );
    checks.claim(
      `${name}: 7 commits applied, each once; 1 snapshot, 1 resume`,
      commits === 7 && snapshots === 1 && resumes === 1,
    );
  }
  checks.claim(
    'both node processes live',
    nodes.every(({ isRunning }) => isRunning),
  );
}

/** Which of the servers at the end of `remote` answers. */
async function labelOf(node: Node): Promise<string> {
  const { text = '', reason = '' } = await node.call({ server: 'remote', tool: 'get-env' }).ended;
  return text === '' ? reason : String((JSON.parse(text) as Record<string, unknown>)['DEMO_LABEL']);
}

function isRetitled(before: ServerEntry, after: ServerEntry): boolean {
  return before.etag !== after.etag && before.config_hash === after.config_hash;
}
