/** What people declare about an MCP server. Strings may hold values with parts (value.ts). */
export interface ServerSpec {
  readonly transport: Transport;
  readonly title: string;
  readonly description: string;
  readonly version: string;
  readonly icons: readonly Icon[];
  readonly websiteUrl: string;
  /** A disabled server keeps its name and answers as disabled. */
  readonly enabled: boolean;
  /** Whether nodes connect before the first use, where the connection is shared. */
  readonly startup: boolean;
  readonly timeouts: Timeouts;
  readonly instructions: Instructions;
  /** Undefined means unknown, which is not the same as no. */
  readonly requiresOAuth?: boolean;
  readonly oauth?: OAuth;
  readonly userVariables: Readonly<Record<string, UserVariable>>;
  /** Empty for none. */
  readonly proxyUrl: string;
  readonly toolFilter: ToolFilter;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** How the server is reached. */
export type Transport = StdioTransport | HttpTransport;

export interface StdioTransport {
  readonly kind: 'stdio';
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Empty for the node's own. */
  readonly cwd: string;
  readonly stderr: 'ignore' | 'inherit' | 'pipe';
}

export interface HttpTransport {
  readonly kind: 'streamable_http' | 'sse' | 'websocket';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Icon {
  readonly src: string;
  readonly mimeType: string;
  readonly sizes: readonly string[];
  readonly theme: string;
}

/** Milliseconds; undefined stands for the default of the node. */
export interface Timeouts {
  readonly connectMs?: number;
  readonly callMs?: number;
  readonly readMs?: number;
}

/** What a model is told about the server. */
export type Instructions =
  | { readonly kind: 'none' }
  | { readonly kind: 'from_server' }
  | { readonly kind: 'text'; readonly text: string };

export interface OAuth {
  readonly authorizationUrl: string;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scopes: readonly string[];
  readonly redirectUri: string;
  readonly audience: string;
  readonly tokenEndpointAuthMethod: string;
  readonly revocationUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined for `authorization_code`, by which each user signs in. */
  readonly grantType?: string;
}

export interface UserVariable {
  readonly title: string;
  readonly description: string;
  readonly sensitive: boolean;
}

export interface ToolFilter {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** Everything but the transport, as it is when nothing is said. */
export const SPEC_DEFAULTS: Omit<ServerSpec, 'transport'> = Object.freeze<
  Omit<ServerSpec, 'transport'>
>({
  title: '',
  description: '',
  version: '',
  icons: [],
  websiteUrl: '',
  enabled: true,
  startup: true,
  timeouts: {},
  instructions: { kind: 'none' },
  userVariables: {},
  proxyUrl: '',
  toolFilter: { allow: [], deny: [] },
  labels: {},
  annotations: {},
});

/** Defaults of the timeouts, in milliseconds. */
export const TIMEOUT_DEFAULTS = Object.freeze({ connectMs: 30_000, callMs: 60_000 });
