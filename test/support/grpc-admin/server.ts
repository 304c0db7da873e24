import type { Metadata } from '@grpc/grpc-js';
import type { Failpoint } from '../../../src/domain/failpoint.js';
import type { WatchLimits } from '../../../src/services/watch/watch-limits.js';
import { createServer, type SwitchboardServer } from '../../../src/server/create-server.js';
import { parseServeOptions } from '../../../src/server/options.js';
import { captureLog } from '../capture-log.js';
import { openAdmin, type Admin } from './grpc-admin.js';
import { temporaryFolder } from '../storage/lmdb.js';

export interface LocalOptions {
  /** Default: a folder of its own that goes with it. */
  readonly dataDir?: string;
  readonly flags?: readonly string[];
  readonly failpoint?: Failpoint;
  readonly watchLimits?: Partial<WatchLimits>;
  /** Milliseconds. Default: the clock of the process. */
  readonly monotonic?: () => number;
  /** Sent with every call of `admin`. */
  readonly metadata?: Metadata;
}

/** The whole server in this process, on a real socket, with a client. */
export interface LocalServer extends AsyncDisposable {
  readonly server: SwitchboardServer;
  readonly admin: Admin;
  /** What was logged, a parsed line each. */
  readonly logged: readonly Record<string, unknown>[];
  /** What was logged as an error or worse: a defect. */
  defects(): readonly Record<string, unknown>[];
}

export async function startLocalServer(options: LocalOptions = {}): Promise<LocalServer> {
  const { dataDir, flags = [], failpoint, watchLimits, monotonic, metadata } = options;
  const folder = dataDir === undefined ? await temporaryFolder() : undefined;
  const { log, lines } = captureLog();
  const argv = [
    ...['--data-dir', dataDir ?? folder?.path ?? '', '--listen', '127.0.0.1:0'],
    // Addresses that tests make up are not to be looked at, and every finding is a commit.
    ...['--drain-timeout', '2s', '--inspect=false'],
    // The processes that tests start, and the addresses that they make up.
    ...['--allow-private-stdio', '--allow-private-networks', '127.0.0.0/8', ...flags],
  ];
  const server = await createServer(parseServeOptions(argv, {}), {
    log,
    ...(failpoint === undefined ? {} : { failpoint }),
    ...(watchLimits === undefined ? {} : { watchLimits }),
    ...(monotonic === undefined ? {} : { monotonic }),
  });
  const admin = openAdmin(server.address, metadata);
  return {
    server,
    admin,
    logged: lines,
    defects: () => lines.filter(({ level }) => Number(level) >= 50),
    async [Symbol.asyncDispose]() {
      admin.close();
      await server.close();
      await folder?.remove();
    },
  };
}
