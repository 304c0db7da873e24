import { type McpHttpServer, startMcpHttpServer } from '../../support/mcp/http-server.js';
import { serve } from '../lab/serve.js';

let server: McpHttpServer | undefined;
const METHODS = ['initialize', 'notifications/initialized', 'ping', 'tools/list', 'GET', 'DELETE'];

const methods = {
  /** Serves; answers the URL. */
  async start(): Promise<string> {
    server = await startMcpHttpServer({ json: true, refusesGet: true });
    return server.url;
  },
  /** How many requests came so far. */
  requests: (): number => METHODS.reduce((sum, method) => sum + (server?.count(method) ?? 0), 0),
};

/** A real MCP server over streamable HTTP. */
export type McpServerRole = typeof methods;

serve(methods);
