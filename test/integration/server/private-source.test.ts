import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import { ServerCredentials } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { SwitchboardError } from '../../../src/domain/errors.js';
import { createServer as createSwitchboard } from '../../../src/server/create-server.js';
import { parseServeOptions } from '../../../src/server/options.js';
import {
  type GrpcSourceConfig,
  openGrpcSource,
} from '../../../src/server/private-sources/grpc-source.js';
import { openSources } from '../../../src/server/private-sources/open-sources.js';
import type { PrivateSource } from '../../../src/services/private-loads/private-source.js';
import { failureOf, sourceRow } from '../../conformance/private-source.suite.js';
import { captureLog } from '../../support/capture-log.js';
import { eventually } from '../../support/eventually.js';
import {
  type SourceServer,
  type SourceServerOptions,
  startSourceServer,
} from '../../support/loads/source-server.js';
import { startTcpProxy } from '../../support/network/tcp-proxy.js';
import { scratchFolder } from '../../support/scratch-folder.js';

const tls = (name: string): Buffer =>
  readFileSync(path.join(import.meta.dirname, '../../support/network/tls', name));
const ANA = { tenant: 'acme', user: 'ana' };
const CONFIG = { name: 'app-db', timeoutMs: 10_000, maxRows: 1_000, maxBytes: 4_194_304 };

/** A source with one row for Ana, which goes away with the test. */
async function startOrigin(options: SourceServerOptions = {}): Promise<SourceServer> {
  const origin = await startSourceServer(options);
  onTestFinished(() => origin.stop());
  origin.setRows('ana', [sourceRow('1')]);
  return origin;
}

function open(target: string, more: Partial<GrpcSourceConfig> = {}): PrivateSource {
  const source = openGrpcSource({ ...CONFIG, target, ...more });
  onTestFinished(() => source.close());
  return source;
}

function tempFile(name: string, text: string): string {
  const file = path.join(scratchFolder(), name);
  writeFileSync(file, text);
  return file;
}

const failure = (source: PrivateSource): Promise<SwitchboardError> => failureOf(source.load(ANA));

describe('a private source behind gRPC', () => {
  it('is asked for the tenant and the user', async () => {
    const origin = await startOrigin();
    await open(origin.address).load({ tenant: 'größe', user: 'u/1 🎉' });
    expect(origin.requests).toEqual([{ tenant: 'größe', user: 'u/1 🎉' }]);
  });

  it.each([
    ['INTERNAL', /its own log should say why \(INTERNAL: as told\)$/],
    ['UNAVAILABLE', /check its target/],
    ['CANCELLED', /its own log/],
    ['RESOURCE_EXHAUSTED', /its own log/],
    ['UNIMPLEMENTED', /does not serve switchboard\.source\.v1\.PrivateSourceService/],
    ['UNAUTHENTICATED', /check its token_file and its tls \(UNAUTHENTICATED\)$/],
    ['PERMISSION_DENIED', /check its token_file/],
    ['DEADLINE_EXCEEDED', /raise its timeout/],
  ] as const)(
    'that answers %s is unavailable, and it is said what to check',
    async (code, says) => {
      const origin = await startOrigin();
      origin.setBehaviour('ana', { end: { code } });
      const error = await failure(open(origin.address));
      expect(error).toMatchObject({
        reason: 'SOURCE_UNAVAILABLE',
        metadata: { source: 'app-db', code },
      });
      expect(error.message).toMatch(says);
      expect(error.cause).toBeInstanceOf(Error);
    },
  );

  it('says itself when it wants to be asked again, within bounds', async () => {
    const origin = await startOrigin();
    const source = open(origin.address);
    const delayFor = async (retryDelayMs?: number): Promise<number | undefined> => {
      const asked = retryDelayMs === undefined ? {} : { retryDelayMs };
      origin.setBehaviour('ana', { end: { code: 'UNAVAILABLE', ...asked } });
      return (await failure(source)).retryDelayMs;
    };
    expect(await delayFor()).toBe(1_000);
    expect(await delayFor(7_500)).toBe(7_500);
    expect(await delayFor(1)).toBe(100);
    expect(await delayFor(86_400_000)).toBe(300_000);
  });

  it('passes on little of what it says, on one line', async () => {
    const origin = await startOrigin();
    const details = `first\n${'x'.repeat(5_000)}`;
    origin.setBehaviour('ana', { end: { code: 'ABORTED', details } });
    const { message } = await failure(open(origin.address));
    expect(message).toMatch(/ABORTED: first x+…\)$/);
    expect(message.length).toBeLessThan(400);
  });

  it('that is slow is unavailable within the time that it has', async () => {
    const origin = await startOrigin();
    origin.setBehaviour('ana', { end: 'hang' });
    const error = await failure(open(origin.address, { timeoutMs: 200 }));
    expect(error.metadata).toEqual({ source: 'app-db', code: 'DEADLINE_EXCEEDED' });
    expect(error.message).toContain('did not respond within 200 ms');
  });

  it('that sends one message of more than max_bytes is too large', async () => {
    const origin = await startOrigin();
    origin.setRows('ana', [sourceRow('1', { spec: { description: 'x'.repeat(2_000_000) } })]);
    const error = await failure(open(origin.address, { maxBytes: 1_000_000 }));
    expect(error).toMatchObject({ reason: 'SOURCE_TOO_LARGE' });
    expect(error.message).toContain('max_bytes, 1000000');
  });

  it('that is no gRPC server at all is unavailable', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined).end('HTTP/1.1 200 OK\r\n\r\n<html></html>');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    const error = await failure(open(`127.0.0.1:${String(port)}`, { timeoutMs: 3_000 }));
    expect(error.reason).toBe('SOURCE_UNAVAILABLE');
  });

  it('is used again when it is back', async () => {
    const first = await startOrigin();
    const source = open(first.address);
    expect(await source.load(ANA)).toHaveLength(1);
    await first.stop();
    expect((await failure(source)).metadata).toMatchObject({ code: 'UNAVAILABLE' });
    await startOrigin({ address: first.address });
    await eventually(async () => expect(await source.load(ANA)).toHaveLength(1));
  });

  it('whose connection is dead gets a new one, after at most one load that fails', async () => {
    const origin = await startOrigin();
    await using proxy = await startTcpProxy(origin.address);
    const source = open(proxy.address, { timeoutMs: 1_000 });
    await source.load(ANA);
    proxy.hold('to-client', 'to-server');
    proxy.abandon();
    expect((await failure(source)).reason).toBe('SOURCE_UNAVAILABLE');
    expect(await source.load(ANA)).toHaveLength(1);
    expect(proxy.accepted).toBe(2);
  });

  it('has one connection, however many load', async () => {
    const origin = await startOrigin();
    await using proxy = await startTcpProxy(origin.address);
    const source = open(proxy.address);
    await Promise.all(Array.from({ length: 20 }, () => source.load(ANA)));
    expect(proxy.accepted).toBe(1);
  });
});

describe('the credentials of a private source', () => {
  it('are a token, which is read anew for each load', async () => {
    let token = 'first';
    const tokenFile = tempFile('token', 'first\n');
    const origin = await startOrigin({ token: () => token });
    const source = open(origin.address, { tokenFile });
    expect(await source.load(ANA)).toHaveLength(1);
    token = 'second';
    const refused = await failure(source);
    expect(refused.metadata).toEqual({ source: 'app-db', code: 'UNAUTHENTICATED' });
    writeFileSync(tokenFile, 'second');
    expect(await source.load(ANA)).toHaveLength(1);
    expect(origin.requests.map(({ authorization }) => authorization)).toEqual([
      'Bearer first',
      'Bearer first',
      'Bearer second',
    ]);
  });

  it('that cannot be read fail the load, and nobody is asked without them', async () => {
    const origin = await startOrigin();
    const error = await failure(open(origin.address, { tokenFile: '/does/not/exist' }));
    expect(error).toMatchObject({ reason: 'SOURCE_UNAVAILABLE' });
    expect(error.message).toContain('token_file');
    expect(error.message).not.toContain('/does/not/exist');
    expect(origin.calls('*')).toBe(0);
  });

  it('may be certificates of both sides', async () => {
    const pair = { private_key: tls('server.key'), cert_chain: tls('server.crt') };
    const credentials = ServerCredentials.createSsl(tls('ca.crt'), [pair], true);
    const { address } = await startOrigin({ credentials });
    const identity = { cert: tls('client.crt'), key: tls('client.key') };
    const source = open(address, { tls: { ca: tls('ca.crt'), identity } });
    expect(await source.load(ANA)).toHaveLength(1);
    for (const refused of [
      open(address, { tls: { ca: tls('ca.crt') } }),
      open(address, { tls: {} }),
      open(address),
    ]) {
      expect((await failure(refused)).metadata).toMatchObject({ code: 'UNAVAILABLE' });
    }
  });
});

describe('the private sources of a server', () => {
  it('are those of each tenant, and closed together', async () => {
    const origin = await startOrigin();
    const source = { ...CONFIG, target: origin.address };
    const policy = { ttlMs: 1_000, concurrency: 1, foreignOwners: false };
    const sources = openSources([{ tenant: 'acme', source, policy }]);
    expect(sources.of('other')).toBeUndefined();
    const found = sources.of('acme')!;
    expect(found.policy).toBe(policy);
    expect(await found.source.load(ANA)).toHaveLength(1);
    await sources.close();
    await sources.close();
    expect((await failure(found.source)).reason).toBe('CLOSED');
  });

  it('are read at the start, which they do not delay, and refused before anything is opened', async () => {
    const { log, lines } = captureLog();
    const start = (file: string) => {
      const dataDir = scratchFolder();
      const flags = ['--listen', '127.0.0.1:0', '--data-dir', dataDir, '--private-sources', file];
      return createSwitchboard(parseServeOptions(flags, {}), { log });
    };
    const text = 'sources: [{ tenant: acme, name: far, target: "source.invalid:1" }]';
    const server = await start(tempFile('sources.yaml', text));
    await server.close();
    expect(lines).toContainEqual(expect.objectContaining({ source: 'far' }));
    await expect(start('/does/not/exist.yaml')).rejects.toThrow(/^--private-sources/);
  });
});
