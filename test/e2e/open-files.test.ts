import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { declare, newTenant, openAdmin } from '../support/grpc-admin/grpc-admin.js';
import {
  runCliWithin,
  startServerWithin,
  temporaryFolder,
} from '../support/processes/server-process.js';

describe('a server that may open few files', () => {
  it('serves while 300 sockets are open on which nothing is said', async () => {
    await using data = await temporaryFolder();
    await using server = await startServerWithin(128, '--data-dir', data.path);
    const { hostname, port } = new URL(`http://${server.address}`);
    const silent = Array.from({ length: 300 }, () => net.connect(Number(port), hostname));
    onTestFinished(() => {
      for (const socket of silent) socket.destroy();
    });
    await Promise.all(
      silent.map((socket) => once(socket.on('error', () => undefined).resume(), 'connect')),
    );
    const admin = openAdmin(server.address);
    onTestFinished(() => {
      admin.close();
    });
    await declare(admin, newTenant(), { name: 'written-among-silent-sockets' });
    expect(server.stderr()).not.toMatch(/EMFILE|"level":[56]0/);
  });

  it.each([48, 64, 79])('says so in one line if the command starts it: %i', async (files) => {
    await using data = await temporaryFolder();
    const args = ['serve', '--listen', '127.0.0.1:0', '--data-dir', data.path];
    const { code, stdout, stderr } = await runCliWithin(files, args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^switchboard: this process may open only .*ulimit -n 4096\n$/);
  });

  it('says in one line how many it needs', async () => {
    await using data = await temporaryFolder();
    await expect(startServerWithin(64, '--data-dir', data.path)).rejects.toThrow(
      /ended with 1: switchboard: this process may open only 64 files .*ulimit -n 4096\n$/,
    );
  });
});
