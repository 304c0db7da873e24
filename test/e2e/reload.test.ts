import { once } from 'node:events';
import { copyFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import tls from 'node:tls';
import { Metadata } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { APP, openAdmin, refusalOf } from '../support/grpc-admin/grpc-admin.js';
import {
  startServerProcess,
  temporaryFolder,
  type ServerProcess,
} from '../support/processes/server-process.js';

const tlsFile = (name: string): string =>
  path.join(import.meta.dirname, '../support/network/tls', name);

const tokens = (...given: readonly string[]): string =>
  JSON.stringify({
    tokens: given.map((token) => ({ token, principal: `who-${token}`, roles: ['admin'] })),
  });

/** `ok`, or the reason why a call with this token is refused. */
async function outcomeOf({ address }: ServerProcess, token: string): Promise<string> {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  using admin = openAdmin(address, metadata);
  const listed = admin.list({ view: APP });
  return await listed.then(
    () => 'ok',
    async () => (await refusalOf(listed)).reason,
  );
}

/** Whose certificate the server shows. */
async function shownBy({ address }: ServerProcess): Promise<string> {
  const { hostname, port } = new URL(`http://${address}`);
  const socket = tls.connect({
    host: hostname,
    port: Number(port),
    ALPNProtocols: ['h2'],
    rejectUnauthorized: false,
  });
  await once(socket, 'secureConnect');
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return String(CN);
}

describe('SIGHUP', () => {
  it('reads the tokens again, and keeps those it has if the file is wrong', async () => {
    await using data = await temporaryFolder();
    const file = path.join(data.path, 'tokens.json');
    await writeFile(file, tokens('the-first-token-of-all'));
    await using server = await startServerProcess(
      ...['--data-dir', path.join(data.path, 'data'), '--tokens-file', file],
    );
    expect(await outcomeOf(server, 'the-first-token-of-all')).toBe('ok');
    expect(await outcomeOf(server, 'the-second-token-of-all')).toBe('UNAUTHENTICATED');
    await writeFile(file, tokens('the-second-token-of-all'));
    server.kill('SIGHUP');
    await eventually(() => {
      expect(server.stderr()).toContain('tokens and certificates were read again');
    });
    expect(await outcomeOf(server, 'the-first-token-of-all')).toBe('UNAUTHENTICATED');
    expect(await outcomeOf(server, 'the-second-token-of-all')).toBe('ok');
    await writeFile(file, tokens('short'));
    server.kill('SIGHUP');
    await eventually(() => {
      expect(server.stderr()).toMatch(/"level":50.*stay as they were: --tokens-file/);
    });
    expect(await outcomeOf(server, 'the-second-token-of-all')).toBe('ok');
    expect(server.stderr()).not.toContain('token-of-all');
  });

  it('reads the certificate again, for connections that come from then on', async () => {
    await using data = await temporaryFolder();
    const [cert, key] = [path.join(data.path, 'a.crt'), path.join(data.path, 'a.key')];
    await copyFile(tlsFile('server.crt'), cert);
    await copyFile(tlsFile('server.key'), key);
    await using server = await startServerProcess(
      ...['--data-dir', path.join(data.path, 'data'), '--tls-cert', cert, '--tls-key', key],
    );
    const before = await shownBy(server);
    // The key does not fit yet.
    await copyFile(tlsFile('client.crt'), cert);
    server.kill('SIGHUP');
    await eventually(() => {
      expect(server.stderr()).toContain('stay as they were');
    });
    expect(await shownBy(server)).toBe(before);
    await copyFile(tlsFile('client.key'), key);
    server.kill('SIGHUP');
    await eventually(() => {
      expect(server.stderr()).toContain('were read again');
    });
    expect(await shownBy(server)).toBe('node-7');
  });
});
