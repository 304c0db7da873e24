import type { Counts } from './messages.js';
import type { Node } from './node-handle.js';

/** The counts of nodes at one moment. */
export type Tally = ReadonlyMap<Node, Readonly<Counts>>;

export function snapshotCounts(nodes: readonly Node[]): Tally {
  return new Map(nodes.map((node) => [node, node.report.counts]));
}

/** Whether the nodes have counted the same as then, of the given kinds. */
export function sameCounts(
  nodes: readonly Node[],
  then: Tally,
  kinds: readonly (keyof Counts)[],
): boolean {
  return nodes.every((node) =>
    kinds.every((kind) => node.report.counts[kind] === then.get(node)?.[kind]),
  );
}

export function printCounts(nodes: readonly Node[]): void {
  console.table(Object.fromEntries(nodes.map(({ name, report }) => [name, report.counts])));
}
