/** What a node has counted since its start. */
export interface Counts {
  /** Connections to MCP servers. */
  opened: number;
  closed: number;
  /** Tool calls that were answered. */
  calls: number;
  /** Commits of the control plane that were applied. */
  commits: number;
  /** Times that the whole state came, and that a stream went on from where it was cut. */
  snapshots: number;
  resumes: number;
}

/** What a node says of itself, each time something changes. */
export interface Report {
  readonly status: string;
  /** What its user may use: title by name. */
  readonly servers: Readonly<Record<string, string>>;
  readonly counts: Readonly<Counts>;
}

/** A tool call that a node is asked to make for its user. */
export interface CallRequest {
  readonly server: string;
  readonly tool: string;
  readonly args?: Readonly<Record<string, unknown>>;
}

/** From the demo to a node. */
export type ToNode =
  ({ readonly type: 'call'; readonly id: number } & CallRequest) | { readonly type: 'stop' };

/** From a node to the demo. */
export type FromNode =
  | { readonly type: 'report'; readonly report: Report }
  /** The server works on a call. */
  | { readonly type: 'progress'; readonly id: number }
  | { readonly type: 'answer'; readonly id: number; readonly text: string }
  | { readonly type: 'failure'; readonly id: number; readonly reason: string };
