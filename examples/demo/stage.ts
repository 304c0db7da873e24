import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startControlPlane, type ControlPlane } from './control-plane.js';
import { startEverything, type HttpMcpServer } from './mcp-servers.js';
import { startNode, type Node } from './node-handle.js';

/** Where the story plays: whatever is started here is ended by `close`, also after a failure. */
export interface Stage {
  /** Holds the data of the control plane, and the files of the MCP servers. */
  readonly folder: string;
  controlPlane(): Promise<ControlPlane>;
  everything(label: string): Promise<HttpMcpServer>;
  node(name: string, options: { readonly target: string; readonly user: string }): Promise<Node>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const folder = await mkdtemp(path.join(tmpdir(), 'switchboard-demo-'));
  const running: { stop(): Promise<void> }[] = [];
  let closing: Promise<void> | undefined;

  async function keep<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> {
    const started = await starting;
    running.push(started);
    // Ctrl-C may have come while it was starting.
    if (closing !== undefined) await started.stop();
    return started;
  }

  async function close(): Promise<void> {
    // The nodes first: they end their sessions with the MCP servers.
    for (const one of running.toReversed()) await one.stop();
    await rm(folder, { recursive: true, force: true });
  }

  return {
    folder,
    controlPlane: () => keep(startControlPlane(path.join(folder, 'data'))),
    everything: (label) => keep(startEverything(label)),
    node: (name, options) => keep(startNode(name, options)),
    close: () => (closing ??= close()),
  };
}
