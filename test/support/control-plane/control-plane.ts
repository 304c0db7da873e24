import { onTestFinished } from 'vitest';
import { createServer, type ServerDeps } from '../../../src/server/create-server.js';
import { resolveServeOptions, type ServeFlags } from '../../../src/server/options.js';
import { captureLog } from '../capture-log.js';
import { openAdmin, type Admin } from '../grpc-admin/grpc-admin.js';
import { temporaryFolder } from '../processes/server-process.js';

/** How a control plane of a test differs from the usual one. */
export interface ControlPlaneOptions {
  /** Flags of `switchboard serve`, in camel case: `{ heartbeatInterval: '500ms' }`. */
  readonly flags?: ServeFlags;
  /** Default: a new one, removed with the test. */
  readonly dataDir?: string;
  readonly watchLimits?: ServerDeps['watchLimits'];
  readonly inspection?: ServerDeps['inspection'];
}

/** A real control plane in this process, on a real socket. */
export interface ControlPlane {
  readonly address: string;
  readonly dataDir: string;
  readonly admin: Admin;
  close(): Promise<void>;
}

/** Starts a control plane; it is closed with the test. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const dataDir = options.dataDir ?? (await testFolder());
  const usual = {
    listen: '127.0.0.1:0',
    drainTimeout: '1s',
    // Addresses that tests make up are not to be looked at, and every finding is a commit.
    inspect: 'false',
    // The processes that tests start, and the addresses that they make up.
    allowPrivateStdio: 'true',
    allowPrivateNetworks: '127.0.0.0/8',
  };
  const flags = { ...usual, ...options.flags, dataDir };
  const { watchLimits, inspection } = options;
  const server = await createServer(resolveServeOptions(flags, {}), {
    log: captureLog().log,
    ...(watchLimits === undefined ? {} : { watchLimits }),
    ...(inspection === undefined ? {} : { inspection }),
  });
  const admin = openAdmin(server.address);
  const close = async (): Promise<void> => {
    admin.close();
    await server.close();
  };
  onTestFinished(close);
  return { address: server.address, dataDir, admin, close };
}

/** A folder that is removed with the test. */
export async function testFolder(): Promise<string> {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  return folder.path;
}
