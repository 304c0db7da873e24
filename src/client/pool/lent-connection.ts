import type { ReaderView } from '../../domain/view.js';
import type { ToolFilter } from '../../domain/config/spec.js';
import type {
  McpConnection,
  RawRequest,
  RequestOptions,
  Tool,
  ToolCall,
  ToolResult,
} from '../../mcp/mcp-connection.js';
import { ClientError, isClientError } from '../client-error.js';
import type { KnownServer, ServerView } from '../server-view.js';
import type { Connection } from './connection.js';
import type { PoolCore } from './pool-core.js';
import type { PooledConnection } from './pooled-connection.js';

/** Who lends a connection: the view by which it is seen, and who is told of its failures. */
export interface Lending {
  readonly core: Pick<PoolCore, 'unauthorized'>;
  readonly view: ServerView;
  readonly reader: ReaderView;
}

/** A pooled connection in the hands of one view. */
export class LentConnection implements Connection {
  readonly pooled: PooledConnection;
  /** Whether anything done with it may have reached the server. */
  mayHaveActed = false;
  readonly #lending: Lending;

  constructor(pooled: PooledConnection, lending: Lending) {
    this.pooled = pooled;
    this.#lending = lending;
  }

  get serverId(): string {
    return this.pooled.serverId;
  }

  get name(): string {
    return this.pooled.origin.server.name;
  }

  get scope(): KnownServer['scope'] {
    return this.pooled.origin.server.scope;
  }

  get configHash(): string {
    return this.pooled.configHash;
  }

  get connectedAt(): number {
    return this.pooled.connectedAt;
  }

  get state(): PooledConnection['state'] {
    return this.pooled.state;
  }

  get era(): McpConnection['era'] {
    return this.pooled.mcp.era;
  }

  get serverInfo(): McpConnection['serverInfo'] {
    return this.pooled.mcp.serverInfo;
  }

  get capabilities(): McpConnection['capabilities'] {
    return this.pooled.mcp.capabilities;
  }

  get instructions(): string | undefined {
    const { instructions } = (this.#seen() ?? this.pooled.origin.server).spec;
    if (instructions.kind === 'text') return instructions.text;
    return instructions.kind === 'from_server' ? this.pooled.mcp.instructions : undefined;
  }

  async callTool(call: ToolCall, options: RequestOptions = {}): Promise<ToolResult> {
    const { toolFilter } = this.#mustSee().spec;
    if (!isOffered(call.name, toolFilter)) {
      const metadata = { server: this.name, tool: call.name };
      throw new ClientError('TOOL_NOT_ALLOWED', `${this.name}: not the tool ${call.name}`, {
        metadata,
      });
    }
    return this.#run(options, (mcp, own) => mcp.callTool(call, own));
  }

  async listTools(options: RequestOptions = {}): Promise<readonly Tool[]> {
    const { toolFilter } = this.#mustSee().spec;
    const tools = await this.#run(options, (mcp, own) => mcp.listTools(own));
    return tools.filter((tool) => isOffered(tool.name, toolFilter));
  }

  async request(call: RawRequest, options: RequestOptions = {}): Promise<Record<string, unknown>> {
    this.#mustSee();
    return this.#run(options, (mcp, own) => mcp.request(call, own));
  }

  async release(): Promise<void> {
    if (this.scope !== 'request') return;
    this.pooled.retire('released');
    await this.pooled.whenClosed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  async #run<T>(
    options: RequestOptions,
    send: (mcp: McpConnection, own: RequestOptions) => Promise<T>,
  ): Promise<T> {
    try {
      const result = await this.pooled.run(this.#lending.reader, options, send);
      this.mayHaveActed = true;
      return result;
    } catch (error) {
      if (!isClientError(error) || error.sent) this.mayHaveActed = true;
      if (isClientError(error, 'UNAUTHORIZED')) this.#lending.core.unauthorized(this.pooled, error);
      throw error;
    }
  }

  #seen(): KnownServer | undefined {
    const { view, reader } = this.#lending;
    return view.find(this.serverId, reader);
  }

  /** The server as the caller may see it now. Throws ACCESS_REVOKED. */
  #mustSee(): KnownServer {
    const server = this.#seen();
    if (server === undefined) {
      throw new ClientError('ACCESS_REVOKED', undefined, { metadata: { server: this.name } });
    }
    return server;
  }
}

function isOffered(tool: string, { allow, deny }: ToolFilter): boolean {
  return (allow.length === 0 || allow.includes(tool)) && !deny.includes(tool);
}
