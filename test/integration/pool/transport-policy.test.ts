import { describe, expect, it } from 'vitest';
import { InspectionFailureReason, Tier } from '../../../generated/switchboard/v1/server.js';
import type { PoolEvent } from '../../../src/client/pool/pool-event.js';
import { SAFE_POLICY } from '../../../src/domain/transport-policy.js';
import { openNode } from '../../support/control-plane/node.js';
import { startControlPlane } from '../../support/control-plane/control-plane.js';
import {
  byName,
  declare,
  declarePrivate,
  httpSpec,
  newTenant,
  refusalOf,
  serverOf,
  stdioSpec,
  userView,
} from '../../support/grpc-admin/grpc-admin.js';
import { explainAccess } from '../../support/grpc-admin/history.js';
import { inspectServer } from '../../support/inspection/grpc.js';
import { demoteServer } from '../../support/grpc-admin/access.js';
import {
  clientErrorOf,
  nodePolicy,
  openHttpServer,
  openPool,
  until,
} from '../../support/mcp/pool.js';
import { EVERYTHING, httpServer, nodeServer } from '../../support/mcp/specs.js';

const tenant = newTenant();
const STDIO = stdioSpec(process.execPath, {
  transport: { $case: 'stdio', value: { command: process.execPath, args: [EVERYTHING, 'stdio'] } },
});
const LOOPBACK_REFUSED = { allowPrivateStdio: 'false', allowPrivateNetworks: '10.0.0.0/8' };

describe('a private server that the policy of the control plane refuses', () => {
  it('is not written, and the error names the rule', async () => {
    const { admin } = await startControlPlane({ flags: LOOPBACK_REFUSED });
    const write = (spec: typeof STDIO) =>
      declarePrivate(admin, tenant, { name: 'files', owner: 'ana', spec });
    expect(await refusalOf(write(STDIO))).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'TRANSPORT_NOT_ALLOWED',
      metadata: { rule: 'stdio', field: 'spec.stdio' },
    });
    const metadata = write(httpSpec('http://169.254.169.254/latest'));
    expect(await refusalOf(metadata)).toMatchObject({
      reason: 'TRANSPORT_NOT_ALLOWED',
      metadata: { rule: 'metadata', field: 'spec.streamable_http.url' },
    });
    await write(httpSpec('http://10.0.0.1/mcp'));
  });

  it('is readable if it is stored already, says why it is refused, and is not connected to [C10]', async () => {
    const before = await startControlPlane();
    const { dataDir, address } = before;
    const stored = await declarePrivate(before.admin, tenant, {
      name: 'files',
      owner: 'ana',
      spec: STDIO,
    });
    const shared = await declare(before.admin, tenant, { name: 'tools', spec: STDIO });
    await demoteServer(before.admin, {
      tenant,
      id: shared.id,
      etag: shared.etag,
      owner: 'ana',
    });
    const events: PoolEvent[] = [];
    const { client, is } = openNode(address, { tenant, onEvent: (event) => events.push(event) });
    const { connections } = await client.user('ana');
    await connections.get('files');
    await connections.get('tools');
    const narrow = openNode(address, { tenant, transportPolicy: { privateStdio: false } });
    const own = (await narrow.client.user('ana')).connections;
    expect(await clientErrorOf(own.get('files'))).toMatchObject({
      reason: 'TRANSPORT_NOT_ALLOWED',
      metadata: { rule: 'stdio', server: 'files' },
    });

    await before.close();
    const { admin } = await startControlPlane({
      dataDir,
      flags: { ...LOOPBACK_REFUSED, listen: address },
    });
    await is('READY synced');
    await until(() =>
      events.some(
        (event) => event.type === 'closed' && event.name === 'files' && event.cause === 'policy',
      ),
    );
    expect(await clientErrorOf(connections.get('files'))).toMatchObject({
      reason: 'TRANSPORT_NOT_ALLOWED',
      sent: false,
    });
    // What an administrator demoted keeps the place that it had.
    expect((await connections.get('tools')).state).toBe('live');
    expect(events.filter(({ name, type }) => name === 'tools' && type === 'closed')).toEqual([]);

    const view = userView('ana');
    const answer = await admin.get({ tenant, view, key: byName('files') });
    expect(serverOf(answer)).toMatchObject({ id: stored.id, transportExempt: false });
    const demoted = await admin.get({ tenant, view, key: byName('tools') });
    expect(serverOf(demoted)).toMatchObject({ tier: Tier.TIER_PRIVATE, transportExempt: true });
    const inspected = serverOf(await inspectServer(admin, { tenant, id: stored.id }));
    expect(inspected.facts?.failure).toMatchObject({
      reason: InspectionFailureReason.INSPECTION_FAILURE_REASON_TRANSPORT_NOT_ALLOWED,
      nextAttemptTime: undefined,
    });
    const explained = await explainAccess(admin, { tenant, view, name: 'files' });
    expect(explained.explanation).toContain('(rule stdio)');
    expect(explained.candidates[0]?.transportRefusal).toContain('--allow-private-stdio');
  });
});

describe('a pool', () => {
  const server = { name: 'files', owner: 'ana', tier: 'PRIVATE' } as const;

  it('connects private servers to public addresses only if nothing else is said [C10]', async () => {
    const { url, opened } = await openHttpServer();
    const { pool, history, view } = openPool([], { policy: nodePolicy(SAFE_POLICY) });
    const id = view.put({ ...server, spec: { transport: httpServer(url) } });
    const error = await clientErrorOf(pool.user('ana').get('files'));
    expect(error).toMatchObject({
      reason: 'TRANSPORT_NOT_ALLOWED',
      metadata: { rule: 'loopback' },
    });
    expect(history(id)).toEqual([]);
    expect(opened).toBe(0);
    view.put({ ...server, id, tier: 'USER', spec: { transport: httpServer(url) } });
    await pool.user('ana').get('files');
  });

  it('checks the host that a value of the user makes [C10]', async () => {
    const { url, opened } = await openHttpServer();
    const spec = {
      transport: httpServer(url.replace('127.0.0.1', '${var:HOST}')),
      userVariables: { HOST: { title: '', description: '', sensitive: false } },
    };
    const { pool } = openPool([{ ...server, spec }], {
      policy: nodePolicy(SAFE_POLICY),
      userValues: () => ({ vars: { HOST: '127.0.0.1' } }),
    });
    const error = await clientErrorOf(pool.user('ana').get('files'));
    expect(error).toMatchObject({
      reason: 'TRANSPORT_NOT_ALLOWED',
      metadata: { rule: 'loopback', server: 'files' },
    });
    expect(opened).toBe(0);
  });

  it('ends calls on what a narrower policy refuses, and connects again when it is wider', async () => {
    const http = await openHttpServer();
    const policy = nodePolicy({ ...SAFE_POLICY, loopback: true, privateStdio: true });
    const { pool, seen } = openPool(
      [
        { ...server, spec: { transport: httpServer(http.url) } },
        { ...server, name: 'own', spec: { transport: nodeServer([EVERYTHING, 'stdio']) } },
      ],
      { policy },
    );
    const scope = pool.user('ana');
    const waiting = scope.callTool('files', { name: 'wait' });
    await until(() => http.waiting === 1);
    const own = await scope.get('own');
    policy.follow({ ...SAFE_POLICY, privateStdio: true });
    expect(await clientErrorOf(waiting)).toMatchObject({ reason: 'TRANSPORT_NOT_ALLOWED' });
    await seen((event) => event.type === 'closed' && event.name === 'files');
    // It is still allowed: calls in flight may go on, and the next one gets another connection.
    expect(own.state).not.toBe('live');
    expect(await scope.get('own')).not.toBe(own);
    policy.follow({ ...SAFE_POLICY, loopback: true });
    await scope.get('files');
  });
});
