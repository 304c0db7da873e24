import { hostname } from 'node:os';
import { Command, CommanderError, Option } from 'commander';
import type { TransportPolicy } from '../domain/transport-policy.js';
import {
  isLoopback,
  type ListenAddress,
  type LogLevel,
  parseAddress,
  parseCatalog,
  parseCount,
  parseDelay,
  parseDuration,
  parseHosts,
  parseLogLevel,
  parseNetworks,
  parseSwitch,
  parseText,
} from './option-values.js';
import { OPTIONS } from './option-table.js';
import { messageOf, StartError } from './start-error.js';

export { OPTIONS };

type Flag = (typeof OPTIONS)[number]['flag'];

/** The options of the server, resolved. */
export interface ServeOptions {
  readonly listen: ListenAddress;
  /** Undefined if the data is kept in memory only. */
  readonly dataDir: string | undefined;
  readonly seedFile: string | undefined;
  readonly privateSourcesFile: string | undefined;
  /** Where private servers may be. */
  readonly transportPolicy: TransportPolicy;
  readonly logLevel: LogLevel;
  readonly tls: TlsFiles | undefined;
  readonly tokensFile: string | undefined;
  readonly heartbeatIntervalMs: number;
  readonly maxMessageBytes: number;
  readonly maxIncompleteBytes: number;
  readonly requestTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  readonly maxConnections: number;
  readonly maxStreams: number;
  readonly maxCallsPerConnection: number;
  readonly maxSubscriptions: number;
  readonly watchBudgetBytes: number;
  readonly inspect: boolean;
  readonly inspectStdio: boolean;
  readonly inspectTimeoutMs: number;
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
    const isSwitch = option.type === 'switch';
    // A switch may be named alone, or be turned off: `--inspect=false`.
    const value = isSwitch ? ' [true|false]' : ` <${option.type.replace(' ', '-')}>`;
    const preset =
      option.default === undefined || option.default === 'false'
        ? ''
        : `, default ${option.default}`;
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

/** Flags as commander has parsed them: by their names in camel case. */
export type ServeFlags = Readonly<Record<string, string | boolean | undefined>>;

/** As `parseServeOptions`, of flags that are parsed already. */
export function resolveServeOptions(flags: ServeFlags, env: NodeJS.ProcessEnv): ServeOptions {
  const read = reader(flags, env);
  const delay = (flag: Flag): number => read(flag, parseDelay) ?? 0;
  const count = (flag: Flag): number => read(flag, parseCount) ?? 0;
  const listen = read('--listen', parseAddress) ?? { host: '127.0.0.1', port: 0 };
  const tls = tlsFiles(read);
  const tokensFile = read('--tokens-file', parseText);
  const options: ServeOptions = {
    listen,
    dataDir: dataDirOf(read, textGiven('--data-dir', flags, env)?.text),
    seedFile: read('--seed', parseText),
    privateSourcesFile: read('--private-sources', parseText),
    transportPolicy: {
      ...privatePlaces(read),
      // Whoever can call it is on the machine already, and wants to try it out.
      loopback: isLoopback(listen.host) && !isAuthenticated({ tls, tokensFile }),
    },
    logLevel: read('--log-level', parseLogLevel) ?? 'info',
    tls,
    tokensFile,
    heartbeatIntervalMs: delay('--heartbeat-interval'),
    maxMessageBytes: count('--max-message-bytes'),
    maxIncompleteBytes: count('--max-incomplete-bytes'),
    requestTimeoutMs: delay('--request-timeout'),
    handshakeTimeoutMs: delay('--handshake-timeout'),
    maxConnections: count('--max-connections'),
    maxStreams: count('--max-streams'),
    maxCallsPerConnection: count('--max-calls-per-connection'),
    maxSubscriptions: count('--max-subscriptions'),
    watchBudgetBytes: count('--watch-budget-bytes'),
    inspect: read('--inspect', parseSwitch) ?? true,
    inspectStdio: read('--inspect-stdio', parseSwitch) ?? false,
    inspectTimeoutMs: delay('--inspect-timeout'),
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

function reader(flags: ServeFlags, env: NodeJS.ProcessEnv): Read {
  return (flag, parse) => {
    const option = optionOf(flag);
    const { name, text } = textGiven(flag, flags, env) ?? { name: flag, text: option.default };
    if (text === undefined) return undefined;
    try {
      return parse(text);
    } catch (error) {
      throw new StartError(`${name} ${JSON.stringify(text)}: ${messageOf(error)}`);
    }
  };
}

/** What stands in the arguments or else in the environment, and where. */
function textGiven(
  flag: Flag,
  flags: ServeFlags,
  env: NodeJS.ProcessEnv,
): { readonly name: string; readonly text: string } | undefined {
  const named = flag.slice(2).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  const given = flags[named];
  if (given !== undefined) return { name: flag, text: String(given) };
  const { env: variable } = optionOf(flag);
  const text = env[variable];
  return text === undefined || text === '' ? undefined : { name: variable, text };
}

function optionOf(flag: Flag): (typeof OPTIONS)[number] {
  const option = OPTIONS.find((candidate) => candidate.flag === flag);
  if (option === undefined) throw new Error(`${flag} is not in the table`);
  return option;
}

function dataDirOf(read: Read, given: string | undefined): string | undefined {
  if (read('--catalog', parseCatalog) !== 'memory') return read('--data-dir', parseText);
  if (given === undefined) return undefined;
  throw new StartError(
    '--catalog memory stores nothing, so --data-dir has no effect: remove one of them',
  );
}

function privatePlaces(read: Read): Omit<TransportPolicy, 'loopback'> {
  return {
    privateStdio: read('--allow-private-stdio', parseSwitch) ?? false,
    networks: read('--allow-private-networks', parseNetworks) ?? [],
    hosts: read('--allow-private-hosts', parseHosts) ?? [],
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

/** Whether callers have to show who they are. */
function isAuthenticated({ tls, tokensFile }: Pick<ServeOptions, 'tls' | 'tokensFile'>): boolean {
  return tokensFile !== undefined || tls?.clientCa !== undefined;
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
    ...(!isAuthenticated({ tls, tokensFile })
      ? ['tokens (--tokens-file) or client certificates (--tls-client-ca)']
      : []),
  ];
  if (missing.length === 0) return;
  throw new StartError(
    `--listen ${listen.host} can be reached from other machines, so it needs ${missing.join(' and ')}. ` +
      'Listen on 127.0.0.1, add what is missing, or pass --insecure-allow-remote if something else protects it.',
  );
}
