import type { Redactor } from './redactor.js';

/**
 * One open MCP connection. Methods throw McpError only, without what was sent to the server as
 * values of its target. What methods return is the server's, unchanged.
 */
export interface McpConnection {
  /** `modern`: protocol 2026-07-28 and later, without handshake and session. */
  readonly era: 'legacy' | 'modern';
  readonly protocolVersion: string | undefined;
  readonly serverInfo: ServerInfo | undefined;
  /** What the server says it can do, as it says it. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** What the server says of itself for a model. */
  readonly instructions: string | undefined;
  /** The process, and the id of its group; undefined where there is none. */
  readonly pid: number | undefined;
  /** For whoever passes on what the server says to others than those who asked it. */
  readonly redactor: Redactor;
  callTool(call: ToolCall, options?: RequestOptions): Promise<ToolResult>;
  /** Every tool, over all pages; none if the server offers no tools. */
  listTools(options?: RequestOptions): Promise<readonly Tool[]>;
  /** Any other request. Answers the result unchecked. */
  request(call: RawRequest, options?: RequestOptions): Promise<Record<string, unknown>>;
  /** Asks whether the server still answers. An error that it answers counts as an answer. */
  probe(options?: RequestOptions): Promise<void>;
  /**
   * Ends the connection: requests in flight fail, the session is deleted (5 s at most),
   * the process group is gone. `graceMs` is waited after closing its input and again
   * after SIGTERM. Never throws; a second call waits for the first.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/** How a server names itself. */
export interface ServerInfo {
  readonly name: string;
  readonly version: string;
  readonly title?: string | undefined;
}

/** What every request takes. */
export interface RequestOptions {
  /** Aborting tells the server to stop, and throws `aborted`. */
  readonly signal?: AbortSignal;
  /** Milliseconds without answer or progress. Default: the `callMs` of the connection. */
  readonly timeoutMs?: number;
  /**
   * Milliseconds that it may take in all, whatever progress is reported. Default: ten times
   * `timeoutMs`. A list has that for all its pages.
   */
  readonly totalTimeoutMs?: number;
  readonly onProgress?: (progress: Progress) => void;
}

/** How far a request is. */
export interface Progress {
  readonly progress: number;
  readonly total?: number | undefined;
  readonly message?: string | undefined;
}

/** Which tool to call, and with what. */
export interface ToolCall {
  readonly name: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
}

/** A request by its method. */
export interface RawRequest {
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** What a tool answered. `isError`: the tool ran and says that it failed. */
export interface ToolResult {
  readonly content: readonly ToolContent[];
  readonly structuredContent?: unknown;
  readonly isError: boolean;
}

/** A piece of a tool's answer. */
export type ToolContent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image' | 'audio'; readonly data: string; readonly mimeType: string }
  | { readonly type: 'resource_link'; readonly uri: string; readonly name: string }
  | { readonly type: 'resource'; readonly resource: { readonly uri: string } };

/** A tool as its server describes it. */
export interface Tool {
  readonly name: string;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly outputSchema?: Readonly<Record<string, unknown>> | undefined;
}
