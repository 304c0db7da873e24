import { hostname } from 'node:os';
import { Command, CommanderError, Option } from 'commander';
import {
  isLoopback,
  type ListenAddress,
  LOG_LEVELS,
  type LogLevel,
  parseAddress,
  parseCount,
  parseDelay,
  parseDuration,
  parseLogLevel,
  parseSwitch,
  parseText,
} from './option-values.js';
import { messageOf, StartError } from './start-error.js';

/** How the value of an option is written. */
export type OptionType =
  'address' | 'count' | 'duration' | 'path' | 'switch' | 'text' | 'log level';

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
    description: 'Address to serve on. Another than this machine needs TLS and tokens.',
  },
  {
    flag: '--data-dir',
    env: 'SWITCHBOARD_DATA_DIR',
    type: 'path',
    default: '.switchboard',
    description: 'Folder of the data; created if it is absent.',
  },
  {
    flag: '--seed',
    env: 'SWITCHBOARD_SEED',
    type: 'path',
    default: undefined,
    description: 'File of servers to create at the start, where their names are not yet taken.',
  },
  {
    flag: '--log-level',
    env: 'SWITCHBOARD_LOG_LEVEL',
    type: 'log level',
    default: 'info',
    description: `What is logged, on standard error: ${LOG_LEVELS.join(', ')}.`,
  },
  {
    flag: '--tls-cert',
    env: 'SWITCHBOARD_TLS_CERT',
    type: 'path',
    default: undefined,
    description: 'Certificate chain of the server (PEM). Turns TLS on.',
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
    description:
      'Certificates (PEM) of those who issue client certificates. Every client then needs one.',
  },
  {
    flag: '--tokens-file',
    env: 'SWITCHBOARD_TOKENS_FILE',
    type: 'path',
    default: undefined,
    description: 'File of the bearer tokens that are accepted. Every call then needs one.',
  },
  {
    flag: '--insecure-allow-remote',
    env: 'SWITCHBOARD_INSECURE_ALLOW_REMOTE',
    type: 'switch',
    default: 'false',
    description: 'Serve on an address that others can reach although TLS or tokens are missing.',
  },
  {
    flag: '--heartbeat-interval',
    env: 'SWITCHBOARD_HEARTBEAT_INTERVAL',
    type: 'duration',
    default: '10s',
    description: 'The longest silence on a stream.',
  },
  {
    flag: '--max-message-bytes',
    env: 'SWITCHBOARD_MAX_MESSAGE_BYTES',
    type: 'count',
    default: '4194304',
    description: 'The largest request that is accepted.',
  },
  {
    flag: '--max-streams',
    env: 'SWITCHBOARD_MAX_STREAMS',
    type: 'count',
    default: '10000',
    description: 'The most streams (watches and node sessions) open at once.',
  },
  {
    flag: '--max-calls-per-connection',
    env: 'SWITCHBOARD_MAX_CALLS_PER_CONNECTION',
    type: 'count',
    default: '1000',
    description: 'The most calls, streams included, open at once on one connection.',
  },
  {
    flag: '--max-subscriptions',
    env: 'SWITCHBOARD_MAX_SUBSCRIPTIONS',
    type: 'count',
    default: '10000',
    description: 'The most views on one node session.',
  },
  {
    flag: '--watch-budget-bytes',
    env: 'SWITCHBOARD_WATCH_BUDGET_BYTES',
    type: 'count',
    default: '1048576',
    description: 'How far a stream may fall behind before the state replaces its backlog.',
  },
  {
    flag: '--drain-timeout',
    env: 'SWITCHBOARD_DRAIN_TIMEOUT',
    type: 'duration',
    default: '10s',
    description: 'How long calls may go on once the server is told to stop.',
  },
  {
    flag: '--retention',
    env: 'SWITCHBOARD_RETENTION',
    type: 'duration',
    default: '24h',
    description: 'For how long commits are kept, so that watches can resume; at least 24h.',
  },
  {
    flag: '--retention-commits',
    env: 'SWITCHBOARD_RETENTION_COMMITS',
    type: 'count',
    default: '100000',
    description: 'The number of commits of each tenant that are kept whatever their age.',
  },
  {
    flag: '--replica-id',
    env: 'SWITCHBOARD_REPLICA_ID',
    type: 'text',
    default: undefined,
    description: 'Name of this server in its answers. Left out: host name and process id.',
  },
] as const satisfies readonly ServeOption[];

type Flag = (typeof OPTIONS)[number]['flag'];

/** The options of the server, resolved. */
export interface ServeOptions {
  readonly listen: ListenAddress;
  readonly dataDir: string;
  readonly seedFile: string | undefined;
  readonly logLevel: LogLevel;
  readonly tls: TlsFiles | undefined;
  readonly tokensFile: string | undefined;
  readonly heartbeatIntervalMs: number;
  readonly maxMessageBytes: number;
  readonly maxStreams: number;
  readonly maxCallsPerConnection: number;
  readonly maxSubscriptions: number;
  readonly watchBudgetBytes: number;
  readonly drainTimeoutMs: number;
  readonly retentionMs: number;
  readonly retentionCommits: number;
  readonly replicaId: string;
}

/** Paths of PEM files. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | undefined;
}

/** The environment of the process. Nothing else in src/ reads it. */
export function environment(): NodeJS.ProcessEnv {
  return process.env;
}

/** The `serve` command with all options; it has no action yet. */
export function serveCommand(): Command {
  const command = new Command('serve').description('Run the control plane.');
  for (const option of OPTIONS) {
    const value = option.type === 'switch' ? '' : ` <${option.type.replace(' ', '-')}>`;
    const preset =
      option.default === undefined || option.type === 'switch' ? '' : `, default ${option.default}`;
    command.addOption(
      new Option(option.flag + value, `${option.description} (${option.env}${preset})`),
    );
  }
  return command;
}

/**
 * Reads the options from the arguments after the command and the environment. Throws a
 * StartError that names the option and says what to do, also where options do not fit
 * together.
 */
export function parseServeOptions(argv: readonly string[], env: NodeJS.ProcessEnv): ServeOptions {
  const command = serveCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  try {
    command.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError) || error.exitCode === 0) throw error;
    throw new StartError(`${error.message.replace(/^error: /, '')}; --help lists all options`);
  }
  return resolveServeOptions(command.opts(), env);
}

/** As `parseServeOptions`, of flags that commander has parsed already (camel case names). */
export function resolveServeOptions(
  flags: Readonly<Record<string, unknown>>,
  env: NodeJS.ProcessEnv,
): ServeOptions {
  const read = reader(flags, env);
  const delay = (flag: Flag): number => read(flag, parseDelay) ?? 0;
  const count = (flag: Flag): number => read(flag, parseCount) ?? 0;
  const options: ServeOptions = {
    listen: read('--listen', parseAddress) ?? { host: '127.0.0.1', port: 0 },
    dataDir: read('--data-dir', parseText) ?? '',
    seedFile: read('--seed', parseText),
    logLevel: read('--log-level', parseLogLevel) ?? 'info',
    tls: tlsFiles(read),
    tokensFile: read('--tokens-file', parseText),
    heartbeatIntervalMs: delay('--heartbeat-interval'),
    maxMessageBytes: count('--max-message-bytes'),
    maxStreams: count('--max-streams'),
    maxCallsPerConnection: count('--max-calls-per-connection'),
    maxSubscriptions: count('--max-subscriptions'),
    watchBudgetBytes: count('--watch-budget-bytes'),
    drainTimeoutMs: delay('--drain-timeout'),
    retentionMs: read('--retention', parseDuration) ?? 0,
    retentionCommits: count('--retention-commits'),
    replicaId: read('--replica-id', parseText) ?? `${hostname()}-${process.pid}`,
  };
  refuseShortRetention(options);
  if (read('--insecure-allow-remote', parseSwitch) !== true) refuseOpenDoor(options);
  return options;
}

type Read = <T>(flag: Flag, parse: (text: string) => T) => T | undefined;

function reader(flags: Readonly<Record<string, unknown>>, env: NodeJS.ProcessEnv): Read {
  return (flag, parse) => {
    const option = OPTIONS.find((candidate) => candidate.flag === flag);
    if (option === undefined) throw new Error(`${flag} is not in the table`);
    const given =
      flags[flag.slice(2).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())];
    const fromEnv = env[option.env];
    const [name, text] =
      given !== undefined
        ? [flag, String(given)]
        : fromEnv !== undefined && fromEnv !== ''
          ? [option.env, fromEnv]
          : [flag, option.default];
    if (text === undefined) return undefined;
    try {
      return parse(text);
    } catch (error) {
      throw new StartError(`${name} ${JSON.stringify(text)}: ${messageOf(error)}`);
    }
  };
}

function tlsFiles(read: Read): TlsFiles | undefined {
  const cert = read('--tls-cert', parseText);
  const key = read('--tls-key', parseText);
  const clientCa = read('--tls-client-ca', parseText);
  if (cert !== undefined && key !== undefined) return { cert, key, clientCa };
  if (cert === undefined && key === undefined && clientCa === undefined) return undefined;
  throw new StartError('TLS needs both --tls-cert and --tls-key');
}

/** Answers to repeated requests are remembered for 24 hours, in the commits. */
function refuseShortRetention(options: ServeOptions): void {
  if (options.retentionMs < 24 * 3_600_000)
    throw new StartError('--retention must be at least 24h');
}

function refuseOpenDoor({ listen, tls, tokensFile }: ServeOptions): void {
  if (isLoopback(listen.host)) return;
  const missing = [
    ...(tls === undefined ? ['TLS (--tls-cert and --tls-key)'] : []),
    ...(tokensFile === undefined && tls?.clientCa === undefined
      ? ['tokens (--tokens-file) or client certificates (--tls-client-ca)']
      : []),
  ];
  if (missing.length === 0) return;
  throw new StartError(
    `--listen ${listen.host} can be reached from other machines, so it needs ${missing.join(' and ')}. ` +
      'Listen on 127.0.0.1, add what is missing, or pass --insecure-allow-remote if something else protects it.',
  );
}
