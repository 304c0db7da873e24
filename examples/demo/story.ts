import { openAdmin } from './admin.js';
import type { Cast } from './cast.js';
import type { Checks } from './checks.js';
import type { Stage } from './stage.js';
import { runCommand } from './command.js';
import { applyFile, explainLookup, rollBack } from './story-admin.js';
import { moveServer, removeServer, retitleServer } from './story-changes.js';
import { compareCounts, killControlPlane } from './story-crash.js';
import { callTools, createServers } from './story-start.js';

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
  const [ana, ben] = nodes;
  const admin = openAdmin(target);
  const { folder } = stage;
  const command = (args: readonly string[]): Promise<string> =>
    runCommand(folder, [...args, '--target', target]);
  const cast: Cast = { plane, admin, ana, ben, nodes, folder, command };
  checks.tell(`A control plane listens on ${target}. Two nodes follow it, for Ana and for Ben.`);
  try {
    let servers = await createServers(cast, { folder, url: before.url }, checks);
    await callTools(cast, checks);
    servers = await moveServer(cast, servers, { url: after.url, checks });
    servers = await retitleServer(cast, servers, checks);
    await removeServer(cast, servers, checks);
    await applyFile(cast, { url: before.url, checks });
    await explainLookup(cast, checks);
    await rollBack(cast, checks);
    await killControlPlane(cast, servers, checks);
    compareCounts(cast, checks);
  } finally {
    admin.close();
  }
}
