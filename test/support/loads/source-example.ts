import { startListening } from '../processes/server-process.js';

export interface PrivateSourceExampleOptions {
  readonly mongoUrl: string;
  readonly database: string;
  /** The bearer token that it demands; none by default. */
  readonly token?: string;
  /** Default: `default`. */
  readonly tenant?: string;
}

/** The example of a private source, which runs. Disposing it kills it. */
export interface PrivateSourceExample extends AsyncDisposable {
  readonly address: string;
  /** Ends it as Ctrl-C does; its exit code. */
  stop(): Promise<number | NodeJS.Signals>;
}

/** Starts examples/private-source on a free port, for the collection `mcpservers` of `database`. */
export async function startPrivateSourceExample(
  options: PrivateSourceExampleOptions,
): Promise<PrivateSourceExample> {
  const { mongoUrl, database, token = '', tenant = 'default' } = options;
  const running = await startListening(
    'examples/private-source/main.js',
    ['--listen', '127.0.0.1:0', '--database', database, '--tenant', tenant],
    { MONGODB_URL: mongoUrl, SOURCE_TOKEN: token },
  );
  return {
    address: running.address,
    stop: () => {
      running.kill('SIGINT');
      return running.exited;
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}
