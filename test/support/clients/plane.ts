import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { testFolder } from '../control-plane/control-plane.js';
import { openAdmin, type Admin } from '../grpc-admin/grpc-admin.js';
import { startServerProcess, type ServerProcess } from '../processes/server-process.js';
import { startTcpProxy, type TcpProxy } from '../network/tcp-proxy.js';

/** A control plane in a process of its own, behind a network that can fail. */
export interface ClientsPlane {
  /** Where clients reach it. */
  readonly address: string;
  readonly network: TcpProxy;
  /** Goes around the network. */
  readonly admin: Admin;
  /** Ends the process with this signal, and waits until it is gone. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Starts it again, on what is now its data and on the same port. */
  start(): Promise<void>;
  /** Only between `end` and `start`. */
  readonly data: Readonly<Record<'save' | 'restore' | 'empty', () => Promise<void>>>;
}

/** Starts one with an empty data folder; all of it ends with the test. */
export async function startClientsPlane(flags: readonly string[]): Promise<ClientsPlane> {
  const folder = await testFolder();
  const [data, saved] = [path.join(folder, 'data'), path.join(folder, 'saved')];
  const launch = async (...more: readonly string[]): Promise<ServerProcess> => {
    const started = await startServerProcess('--data-dir', data, ...flags, ...more);
    onTestFinished(() => started[Symbol.asyncDispose]());
    return started;
  };
  let running = await launch();
  const { address } = running;
  const network = await startTcpProxy(address);
  onTestFinished(() => network[Symbol.asyncDispose]());
  const admin = openAdmin(address);
  onTestFinished(() => {
    admin.close();
  });
  const empty = (): Promise<void> => rm(data, { recursive: true });
  return {
    address: network.address,
    network,
    admin,
    end: async (signal) => {
      running.kill(signal);
      await running.exited;
    },
    start: async () => {
      running = await launch('--listen', address);
    },
    data: {
      empty,
      save: () => cp(data, saved, { recursive: true }),
      restore: async () => {
        await empty();
        await cp(saved, data, { recursive: true });
      },
    },
  };
}
