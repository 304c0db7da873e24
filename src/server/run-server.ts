import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { createServer, type SwitchboardServer } from './create-server.js';
import { createLog, type Log } from './log.js';
import { isLoopback } from './option-values.js';
import type { ServeOptions } from './options.js';
import { onStopSignal } from './shutdown.js';
import { messageOf } from './start-error.js';

/**
 * Serves until SIGINT or SIGTERM, then stops gracefully; a second signal ends the process at
 * once. At SIGHUP it reads tokens and certificates again. Answers the exit code. Throws a StartError if it cannot start.
 */
export async function runServer(options: ServeOptions): Promise<number> {
  const log = createLog(options.logLevel);
  // It writes to standard error by itself, and what matters of it is in errors and callbacks.
  setLogVerbosity(logVerbosity.NONE);
  // From here on, so that no signal ends the process without closing what is open.
  const stop = stopSignal();
  const hangup = { reload: (): void => undefined };
  process.on('SIGHUP', () => {
    hangup.reload();
  });
  const server = await createServer(options, { log });
  hangup.reload = () => {
    reload(server, log);
  };
  log.info({ address: server.address, dataDir: server.dataDir }, 'serving');
  if (server.dataDir === undefined) {
    log.warn('the data is kept in memory only and is lost when the server stops');
  }
  if (options.transportPolicy.loopback) {
    log.info(
      'private servers may be at loopback addresses, because this address is loopback and needs no authentication',
    );
  }
  if (options.tls === undefined && !isLoopback(options.listen.host)) {
    log.warn('no TLS: other machines can reach this address and read all traffic');
  }
  process.stdout.write(welcome(server, options));
  await stop;
  log.info('stopping');
  await server.close();
  log.info('stopped');
  return 0;
}

function reload(server: SwitchboardServer, log: Log): void {
  try {
    server.reload();
    log.info('tokens and certificates were read again');
  } catch (error) {
    log.error(`tokens and certificates stay as they were: ${messageOf(error)}`);
  }
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    onStopSignal(resolve, (exitCode) => {
      // Whatever was acknowledged is on the disk.
      process.exit(exitCode);
    });
  });
}

/** What a person reads at the start, on standard output. */
function welcome({ address, dataDir, seeds }: SwitchboardServer, options: ServeOptions): string {
  const { tls, tokensFile, seedFile } = options;
  const target = address === '127.0.0.1:7070' ? '' : ` --target ${address}`;
  const access = `${tls === undefined ? '' : ' --tls-ca CA.pem'}${tokensFile === undefined ? '' : ' --token TOKEN'}`;
  const curl = [
    tls === undefined ? '-plaintext' : '-cacert CA.pem',
    ...(tokensFile === undefined ? [] : [`-H 'authorization: Bearer TOKEN'`]),
  ].join(' ');
  const lines = [
    `Switchboard listens on ${address} and keeps its data in ${dataDir ?? 'memory; it is lost when the server stops'}`,
    ...(seeds === undefined
      ? []
      : [
          `${seeds.created} servers created from ${seedFile ?? ''}, ${seeds.present} already existed`,
        ]),
    'Try next:',
    `  grpcurl ${curl} ${address} list`,
    `  npx switchboard list --app${target}${access}`,
    `  npx switchboard watch --user ana${target}${access}`,
  ];
  return `${lines.join('\n')}\n`;
}
