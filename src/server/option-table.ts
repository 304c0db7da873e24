import { CATALOGS, LOG_LEVELS } from './option-values.js';

/** How the value of an option is written. */
export type OptionType =
  | 'address'
  | 'count'
  | 'duration'
  | 'path'
  | 'switch'
  | 'text'
  | 'log level'
  | 'catalog'
  | 'networks'
  | 'hosts';

/** One option of the server. A flag wins over the environment, both over the default. */
export interface ServeOption {
  readonly flag: `--${string}`;
  readonly env: `SWITCHBOARD_${string}`;
  readonly type: OptionType;
  /** As it would be written; undefined if the option is off unless it is given. */
  readonly default: string | undefined;
  readonly description: string;
}

/** Every option of the server: what is parsed, what `--help` shows, and docs/configuration.md. */
export const OPTIONS = [
  {
    flag: '--listen',
    env: 'SWITCHBOARD_LISTEN',
    type: 'address',
    default: '127.0.0.1:7070',
    description: 'Address to listen on. Any address other than loopback needs TLS and tokens.',
  },
  {
    flag: '--data-dir',
    env: 'SWITCHBOARD_DATA_DIR',
    type: 'path',
    default: '.switchboard',
    description: 'Data folder; created if missing.',
  },
  {
    flag: '--catalog',
    env: 'SWITCHBOARD_CATALOG',
    type: 'catalog',
    default: 'lmdb',
    description: `Where the data is kept: ${CATALOGS.join(', ')}. With memory, it is lost when the server stops.`,
  },
  {
    flag: '--seed',
    env: 'SWITCHBOARD_SEED',
    type: 'path',
    default: undefined,
    description: 'File of servers to create at startup, unless their names are taken.',
  },
  {
    flag: '--private-sources',
    env: 'SWITCHBOARD_PRIVATE_SOURCES',
    type: 'path',
    default: undefined,
    description:
      'File (YAML or JSON) that configures the private sources: which tenants load private servers, and from where.',
  },
  {
    flag: '--allow-private-stdio',
    env: 'SWITCHBOARD_ALLOW_PRIVATE_STDIO',
    type: 'switch',
    default: 'false',
    description:
      'Let nodes start processes for private servers. Whoever may write a private server then runs commands on nodes.',
  },
  {
    flag: '--allow-private-networks',
    env: 'SWITCHBOARD_ALLOW_PRIVATE_NETWORKS',
    type: 'networks',
    default: undefined,
    description:
      'Networks, besides public addresses, in which private servers may be, such as 10.0.0.0/8,fd00::/8. A metadata service only if its own address is named.',
  },
  {
    flag: '--allow-private-hosts',
    env: 'SWITCHBOARD_ALLOW_PRIVATE_HOSTS',
    type: 'hosts',
    default: undefined,
    description:
      'Hosts that private servers may be at whatever their address, and use as proxies, such as mcp.internal,*.svc.local.',
  },
  {
    flag: '--log-level',
    env: 'SWITCHBOARD_LOG_LEVEL',
    type: 'log level',
    default: 'info',
    description: `Log level for standard error: ${LOG_LEVELS.join(', ')}.`,
  },
  {
    flag: '--tls-cert',
    env: 'SWITCHBOARD_TLS_CERT',
    type: 'path',
    default: undefined,
    description: 'Certificate chain of the server (PEM). Enables TLS.',
  },
  {
    flag: '--tls-key',
    env: 'SWITCHBOARD_TLS_KEY',
    type: 'path',
    default: undefined,
    description: 'Private key of the certificate (PEM).',
  },
  {
    flag: '--tls-client-ca',
    env: 'SWITCHBOARD_TLS_CLIENT_CA',
    type: 'path',
    default: undefined,
    description: 'CA certificates (PEM) for client certificates. If set, every client needs one.',
  },
  {
    flag: '--tokens-file',
    env: 'SWITCHBOARD_TOKENS_FILE',
    type: 'path',
    default: undefined,
    description: 'File of accepted bearer tokens. If set, every call needs one.',
  },
  {
    flag: '--insecure-allow-remote',
    env: 'SWITCHBOARD_INSECURE_ALLOW_REMOTE',
    type: 'switch',
    default: 'false',
    description: 'Listen on an address that other machines can reach without TLS or tokens.',
  },
  {
    flag: '--heartbeat-interval',
    env: 'SWITCHBOARD_HEARTBEAT_INTERVAL',
    type: 'duration',
    default: '10s',
    description: 'Maximum silence on a stream.',
  },
  {
    flag: '--max-message-bytes',
    env: 'SWITCHBOARD_MAX_MESSAGE_BYTES',
    type: 'count',
    default: '4194304',
    description: 'Maximum size of a request.',
  },
  {
    flag: '--max-incomplete-bytes',
    env: 'SWITCHBOARD_MAX_INCOMPLETE_BYTES',
    type: 'count',
    default: '134217728',
    description:
      'Maximum size of all requests that are still arriving; one connection may hold four of the maximum size.',
  },
  {
    flag: '--request-timeout',
    env: 'SWITCHBOARD_REQUEST_TIMEOUT',
    type: 'duration',
    default: '30s',
    description: 'How long a request may take to arrive.',
  },
  {
    flag: '--handshake-timeout',
    env: 'SWITCHBOARD_HANDSHAKE_TIMEOUT',
    type: 'duration',
    default: '5s',
    description: 'How long a new connection may take until TLS and HTTP/2 are set up.',
  },
  {
    flag: '--max-connections',
    env: 'SWITCHBOARD_MAX_CONNECTIONS',
    type: 'count',
    default: '10000',
    description:
      'Maximum number of connections. Lowered to what the limit of open files (ulimit -n) leaves room for.',
  },
  {
    flag: '--max-streams',
    env: 'SWITCHBOARD_MAX_STREAMS',
    type: 'count',
    default: '10000',
    description: 'Maximum number of open streams (watches and node sessions).',
  },
  {
    flag: '--max-calls-per-connection',
    env: 'SWITCHBOARD_MAX_CALLS_PER_CONNECTION',
    type: 'count',
    default: '1000',
    description: 'Maximum number of concurrent calls, including streams, on one connection.',
  },
  {
    flag: '--max-subscriptions',
    env: 'SWITCHBOARD_MAX_SUBSCRIPTIONS',
    type: 'count',
    default: '10000',
    description: 'Maximum number of views on one node session.',
  },
  {
    flag: '--watch-budget-bytes',
    env: 'SWITCHBOARD_WATCH_BUDGET_BYTES',
    type: 'count',
    default: '1048576',
    description: 'How far a stream may fall behind before a snapshot replaces its backlog.',
  },
  {
    flag: '--inspect',
    env: 'SWITCHBOARD_INSPECT',
    type: 'switch',
    default: 'true',
    description: 'Inspect servers automatically, at startup and after changes.',
  },
  {
    flag: '--inspect-stdio',
    env: 'SWITCHBOARD_INSPECT_STDIO',
    type: 'switch',
    default: 'false',
    description:
      'Also start stdio servers on this machine to inspect them. Without it, their facts come from nodes.',
  },
  {
    flag: '--inspect-timeout',
    env: 'SWITCHBOARD_INSPECT_TIMEOUT',
    type: 'duration',
    default: '30s',
    description: 'Maximum duration of one inspection.',
  },
  {
    flag: '--drain-timeout',
    env: 'SWITCHBOARD_DRAIN_TIMEOUT',
    type: 'duration',
    default: '10s',
    description: 'How long calls in flight may run after shutdown begins.',
  },
  {
    flag: '--retention',
    env: 'SWITCHBOARD_RETENTION',
    type: 'duration',
    default: '24h',
    description: 'How long commits are kept so that watches can resume; at least 24h.',
  },
  {
    flag: '--retention-commits',
    env: 'SWITCHBOARD_RETENTION_COMMITS',
    type: 'count',
    default: '100000',
    description: 'Number of commits per tenant that are kept regardless of age.',
  },
  {
    flag: '--replica-id',
    env: 'SWITCHBOARD_REPLICA_ID',
    type: 'text',
    default: undefined,
    description: 'Name of this replica in responses. Defaults to host name and process id.',
  },
] as const satisfies readonly ServeOption[];
