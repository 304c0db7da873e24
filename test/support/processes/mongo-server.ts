import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { type Db, MongoClient } from 'mongodb';
import { ensureMongo } from '../../../scripts/lib/mongo.mjs';
import { freePort } from '../mcp/everything.js';
import { temporaryFolder } from './server-process.js';

/** Setting one up may mean that one is built first: give this to the hook that does. */
export const MONGO_SETUP_MS = 600_000;

/** A MongoDB that runs. Disposing it stops it. */
export interface MongoServer extends AsyncDisposable {
  /** For a client; names no database. */
  readonly url: string;
  /** Whether it was started here. One that MONGODB_URL names is left alone. */
  readonly isOurs: boolean;
  /** Ends it as kill -9 does; what it holds stays where it is. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, at the same address and with what it held. */
  restart(): Promise<void>;
  /** Ends it, and removes what it holds. */
  stop(): Promise<void>;
}

interface Program {
  /** The command that serves the data in `folder` on a port. */
  readonly command: (folder: string, port: number) => readonly string[];
  /** What it prints when it serves. */
  readonly ready: RegExp;
}

let found: ReturnType<typeof ensureMongo> | undefined;

/** Why no MongoDB can be had here, for `skip`; undefined if one can. */
export async function missingMongo(): Promise<string | undefined> {
  found ??= ensureMongo();
  const mongo = await found;
  return 'missing' in mongo ? mongo.missing : undefined;
}

/** A MongoDB without any data, or the one that MONGODB_URL names: ask `missingMongo` first. */
export async function startMongo(): Promise<MongoServer> {
  found ??= ensureMongo();
  const mongo = await found;
  if ('missing' in mongo) throw new Error(mongo.missing);
  return 'url' in mongo ? foreign(mongo.url) : start(programOf(mongo));
}

function programOf(
  mongo: { readonly mongod: string } | { readonly java: readonly string[] },
): Program {
  if ('java' in mongo) {
    const command = (folder: string, port: number): readonly string[] => [
      ...[...mongo.java, path.join(folder, 'data.mv'), String(port)],
    ];
    return { command, ready: /listens on/ };
  }
  const command = (folder: string, port: number): readonly string[] => [
    ...[mongo.mongod, '--dbpath', folder, '--bind_ip', '127.0.0.1', '--port', String(port)],
  ];
  return { command, ready: /Waiting for connections/i };
}

async function start({ command, ready }: Program): Promise<MongoServer> {
  const [folder, port] = [await temporaryFolder(), await freePort()];
  const run = (): Promise<ChildProcess> => serving(command(folder.path, port), ready);
  let child = await run();
  const kill = (): Promise<void> => ended(child, 'SIGKILL');
  const stop = async (): Promise<void> => {
    await ended(child, 'SIGTERM');
    await folder[Symbol.asyncDispose]();
  };
  const restart = async (): Promise<void> => {
    child = await run();
  };
  const url = `mongodb://127.0.0.1:${String(port)}/`;
  return { url, isOurs: true, kill, restart, stop, [Symbol.asyncDispose]: stop };
}

/** Starts it and waits until it serves. */
async function serving(
  [file = '', ...args]: readonly string[],
  ready: RegExp,
): Promise<ChildProcess> {
  // Its standard input ends with this process, and the one in Java with that.
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  await new Promise<void>((resolve, reject) => {
    const look = (text: string): void => {
      output += text;
      if (ready.test(output)) resolve();
    };
    child.stdout.setEncoding('utf8').on('data', look);
    child.stderr.setEncoding('utf8').on('data', look);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      reject(new Error(`${file} ended with ${String(code ?? signal)}: ${output}`));
    });
  });
  return child;
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill(signal);
  await closed;
}

function foreign(url: string): MongoServer {
  const refuse = async (): Promise<never> => {
    throw new Error('MONGODB_URL names a server that tests may not stop');
  };
  const stop = async (): Promise<void> => {};
  return { url, isOurs: false, kill: refuse, restart: refuse, stop, [Symbol.asyncDispose]: stop };
}

/** A database of its own on a server that may hold others. It is dropped in the end. */
export function temporaryDatabase(url: string): AsyncDisposable & { readonly db: Db } {
  // What is acknowledged is on the disk, also where the server is a mongod without replicas.
  const options = { writeConcern: { w: 'majority', journal: true } } as const;
  const client = new MongoClient(url, options);
  const db = client.db(`switchboard-test-${randomUUID()}`);
  return {
    db,
    async [Symbol.asyncDispose]() {
      await db.dropDatabase();
      await client.close();
    },
  };
}
