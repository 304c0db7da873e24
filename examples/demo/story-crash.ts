import type { Cast, Servers } from './cast.js';
import type { Checks } from './checks.js';
import { printCounts, sameCounts, snapshotCounts } from './tally.js';

/** Kill -9: the nodes serve on, and follow again from where they were. */
export async function killControlPlane(
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

/** All of the above once more, by what the nodes have counted. */
export function compareCounts({ nodes }: Cast, checks: Checks): void {
  checks.tell('What the nodes have counted:');
  printCounts(nodes);
  for (const { name, report } of nodes) {
    const { opened, closed, commits, snapshots, resumes } = report.counts;
    checks.claim(
      `${name}: 6 connections opened (tools, memory; remote and search twice), 3 closed`,
      opened === 6 && closed === 3,
    );
    checks.claim(
      `${name}: 12 commits applied, each once; 1 snapshot, 1 resume`,
      commits === 12 && snapshots === 1 && resumes === 1,
    );
  }
  checks.claim(
    'both node processes live',
    nodes.every(({ isRunning }) => isRunning),
  );
}
