import type { Admin, ServerEntry } from './admin.js';
import type { ControlPlane } from './control-plane.js';
import type { Node } from './node-handle.js';

/** Who takes part. */
export interface Cast {
  /** Where the admin's files are. */
  readonly folder: string;
  /** Runs `switchboard` against the control plane; answers what it printed. */
  command(args: readonly string[]): Promise<string>;
  readonly plane: ControlPlane;
  readonly admin: Admin;
  /** The node that serves Ana, and the one that serves Ben. */
  readonly ana: Node;
  readonly ben: Node;
  readonly nodes: readonly [Node, Node];
}

/** The servers that the admin has created, as they were answered last: the next change needs the etag. */
export interface Servers {
  readonly tools: ServerEntry;
  readonly memory: ServerEntry;
  readonly remote: ServerEntry;
}

/** Which of the servers at the end of `remote` answers. */
export async function labelOf(node: Node): Promise<string> {
  const { text = '', reason = '' } = await node.call({ server: 'remote', tool: 'get-env' }).ended;
  return text === '' ? reason : String((JSON.parse(text) as Record<string, unknown>)['DEMO_LABEL']);
}
