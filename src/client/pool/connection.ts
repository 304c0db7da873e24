import type { ReaderView } from '../../domain/view.js';
import type { ConnectionScope } from '../../domain/config/connection-scope.js';
import type {
  RawRequest,
  RequestOptions,
  ServerInfo,
  Tool,
  ToolCall,
  ToolResult,
} from '../../mcp/mcp-connection.js';
import type { ClientError } from '../client-error.js';

/**
 * A connection as it is lent. Every call checks that its caller may still see the server.
 * One of request scope belongs to who got it, and must be released; to release one of the
 * others does nothing. Works with `await using`.
 */
export interface Connection extends AsyncDisposable {
  readonly serverId: string;
  /** The server's name when the connection was made. */
  readonly name: string;
  readonly scope: ConnectionScope;
  /** Digest of what it was built from. */
  readonly configHash: string;
  /** When it was made, in milliseconds since 1970. For people: staleness never depends on it. */
  readonly connectedAt: number;
  /** `live`, or what became of it; only a live one takes calls. */
  readonly state: 'live' | 'retired' | 'closed';
  /** `modern`: protocol 2026-07-28 and later. */
  readonly era: 'legacy' | 'modern';
  readonly serverInfo: ServerInfo | undefined;
  /** What the server says it can do, as it says it. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** What a model is to be told: nothing, the server's own text or that of the spec. */
  readonly instructions: string | undefined;
  /** Throws TOOL_NOT_ALLOWED if the tool filter of the spec says no, and what `request` throws. */
  callTool(call: ToolCall, options?: RequestOptions): Promise<ToolResult>;
  /** The tools that the server has and the tool filter lets through. */
  listTools(options?: RequestOptions): Promise<readonly Tool[]>;
  /**
   * Any MCP request. Throws CONNECTION_RETIRED before sending, CONNECTION_LOST,
   * CALL_TIMEOUT, CALL_REFUSED, SERVER_UNAVAILABLE, UNAUTHORIZED, ACCESS_REVOKED,
   * DRAIN_TIMEOUT, DISCONNECTED, POOL_CLOSED or CANCELLED.
   */
  request(call: RawRequest, options?: RequestOptions): Promise<Record<string, unknown>>;
  release(): Promise<void>;
}

/** What a `get` takes. */
export interface GetOptions {
  /** Ends the waiting of this caller only. */
  readonly signal?: AbortSignal;
  /** For `${request:X}`. */
  readonly request?: Readonly<Record<string, string>>;
  /** For `${request:conversation_id}`, and the key of connections of conversation scope. */
  readonly conversationId?: string;
}

/** What a call through a scope takes. */
export type CallOptions = GetOptions & RequestOptions;

/** One of several connections that were asked for: there, or why not. */
export type ConnectionOutcome =
  | { readonly name: string; readonly connection: Connection; readonly error?: undefined }
  | { readonly name: string; readonly connection?: undefined; readonly error: ClientError };

/**
 * The servers and connections of one view: the application's, or a user's. Cheap to make.
 * While the view is unknown, whatever asks it throws VIEW_UNKNOWN.
 */
export interface PoolScope {
  /** Whether the name resolves to an enabled server. Connects nothing, closes nothing. */
  has(name: string): boolean;
  /** The live connection, if there is one that `get` would lend now. Connects nothing. */
  loaded(name: string, options?: Pick<GetOptions, 'conversationId'>): Connection | undefined;
  /**
   * A live connection to the server as the view has it now: the one that is there, or a new
   * one. All who ask while it is being made get the same one, or the same error. Throws
   * ClientError.
   */
  get(name: string, options?: GetOptions): Promise<Connection>;
  /** As many `get`, some at a time; one outcome per name, in order. Never rejects. */
  getMany(names: readonly string[], options?: GetOptions): Promise<readonly ConnectionOutcome[]>;
  /** Those of the connections of this view that are live, by server name. Connects nothing. */
  getLoaded(): readonly Connection[];
  /** `getMany` of every server of the view. Rejects only if the view is unknown. */
  getAll(options?: GetOptions): Promise<readonly ConnectionOutcome[]>;
  /**
   * Closes this scope's own connections to the server and answers how many there were;
   * their calls in flight fail with DISCONNECTED. The application's are the shared ones, a
   * user's are those of the user. Waits until they are closed.
   */
  disconnect(name: string): Promise<number>;
  /** `disconnect` of everything that is this scope's own. */
  disconnectAll(): Promise<number>;
  /**
   * Milliseconds since the user's connections that this view used had a call or were made: 0
   * while one has a call or is being made, Infinity if there is none. Those of request scope
   * count, shared ones do not: nothing that a view does ends them.
   */
  idleForMs(): number;
  /**
   * Says that nobody uses this view any more: closes those connections of the user that no
   * other view of the same user has used, as `disconnectAll` does. Nothing for the app.
   * `others` are further views of the user: they take over what they may see.
   */
  leave(others?: readonly ReaderView[]): Promise<number>;
  /**
   * Runs `use` with a connection. Once more with another one, if the first could not be
   * used and nothing of the first run can have reached a server.
   */
  call<T>(
    name: string,
    use: (connection: Connection) => Promise<T>,
    options?: GetOptions,
  ): Promise<T>;
  /** Calls a tool with `call`. */
  callTool(name: string, call: ToolCall, options?: CallOptions): Promise<ToolResult>;
}
