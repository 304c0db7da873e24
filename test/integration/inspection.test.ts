import { Metadata } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Cause, ServerEvent_Type } from '../../generated/switchboard/v1/registry_service.js';
import {
  InspectionFailureReason as Reason,
  OauthNeed,
  ProtocolEra,
} from '../../generated/switchboard/v1/server.js';
import { startControlPlane } from '../support/control-plane/control-plane.js';
import { eventually } from '../support/eventually.js';
import {
  byId,
  declare,
  httpSpec,
  INVENTORY,
  newestRevision,
  openAdmin,
  refusalOf,
  revisionOf,
  serverOf,
  stdioSpec,
  tokenOf,
} from '../support/grpc-admin/grpc-admin.js';
import {
  asRole,
  inspectServer,
  observationOf,
  recordFacts,
  roleTokens,
} from '../support/inspection/grpc.js';
import { EAGER } from '../support/inspection/replica.js';
import { openOddServer } from '../support/mcp/odd-server.js';
import { openModernServer } from '../support/mcp/modern-server.js';
import { openHttpServer, until } from '../support/mcp/pool.js';
import { openWatch } from '../support/grpc/watch-stream.js';

const TENANT = 'default';

describe('InspectServer', () => {
  it('answers the server with its facts, and a token that includes them', async () => {
    const mcp = await openHttpServer();
    const { admin } = await startControlPlane();
    const created = await declare(admin, TENANT, { name: 'docs', spec: httpSpec(mcp.url) });
    const answer = await inspectServer(admin, { id: created.id });
    const server = serverOf(answer);
    expect(server.facts).toMatchObject({
      oauthNeed: OauthNeed.OAUTH_NEED_NO,
      observation: {
        configHash: created.configHash,
        protocolEra: ProtocolEra.PROTOCOL_ERA_LEGACY,
        serverName: 'test',
      },
    });
    expect(server.facts?.observation?.observeTime?.getTime()).toBeGreaterThan(1.6e12);
    expect(server.etag).toBe(created.etag);
    expect(server.generation).toBe(created.generation);
    expect(server.factsEtag).not.toBe('');
    expect(revisionOf(tokenOf(answer))).toBe(2);
    const atLeast = tokenOf(answer);
    const read = await admin.get({ view: INVENTORY, key: byId(created.id), atLeast });
    expect(serverOf(read)).toEqual(server);
  });

  it('answers why it found nothing, which is no error, in the time that it has', async () => {
    const odd = await openOddServer(({ rpc }) => rpc?.method === 'initialize');
    const { admin } = await startControlPlane();
    const created = await declare(admin, TENANT, { name: 'slow', spec: httpSpec(odd.url) });
    const extras = { options: { deadline: Date.now() + 3_000 } };
    const { facts } = serverOf(await inspectServer(admin, { id: created.id }, extras));
    expect(facts).toMatchObject({
      oauthNeed: OauthNeed.OAUTH_NEED_UNKNOWN,
      failure: { reason: Reason.INSPECTION_FAILURE_REASON_TIMEOUT, attempts: 1 },
    });
    expect(facts?.failure?.nextAttemptTime).toBeUndefined();
    await until(() => odd.open === 0);
  });

  it('has the time of --inspect-timeout', async () => {
    const odd = await openOddServer(({ rpc }) => rpc?.method === 'initialize');
    const { admin } = await startControlPlane({ flags: { inspectTimeout: '300ms' } });
    const created = await declare(admin, TENANT, { name: 'slow', spec: httpSpec(odd.url) });
    const { facts } = serverOf(await inspectServer(admin, { id: created.id }));
    expect(facts?.failure?.reason).toBe(Reason.INSPECTION_FAILURE_REASON_TIMEOUT);
  });

  it('starts no process unless it is allowed', async () => {
    const { admin } = await startControlPlane();
    const spec = stdioSpec('/no/such/program');
    const created = await declare(admin, TENANT, { name: 'local', spec });
    const refused = serverOf(await inspectServer(admin, { id: created.id }));
    expect(refused.facts?.failure).toMatchObject({
      reason: Reason.INSPECTION_FAILURE_REASON_STDIO_NOT_ALLOWED,
      nextAttemptTime: undefined,
    });
    const { admin: other } = await startControlPlane({ flags: { inspectStdio: true } });
    const again = await declare(other, TENANT, { name: 'local', spec });
    const tried = serverOf(await inspectServer(other, { id: again.id }));
    expect(tried.facts?.failure?.reason).toBe(Reason.INSPECTION_FAILURE_REASON_UNREACHABLE);
  });

  it('is refused for what does not exist, and for who is no administrator [R7]', async () => {
    const tokensFile = await roleTokens();
    const { admin } = await startControlPlane({ flags: { tokensFile } });
    const metadata = asRole('admin');
    expect(await refusalOf(inspectServer(admin, { id: 'none' }, { metadata }))).toMatchObject({
      code: 'NOT_FOUND',
      reason: 'SERVER_NOT_FOUND',
    });
    expect(await refusalOf(inspectServer(admin, { id: '' }, { metadata }))).toMatchObject({
      reason: 'INVALID_FIELD',
      fields: ['id'],
    });
    for (const role of ['reader', 'node']) {
      const refused = inspectServer(admin, { id: 'none' }, { metadata: asRole(role) });
      expect(await refusalOf(refused)).toMatchObject({ code: 'PERMISSION_DENIED' });
    }
  });
});

describe('a control plane', () => {
  it('inspects by itself what is created and what fails, and tells watchers [R4]', async () => {
    const mcp = await openHttpServer();
    await mcp.stop();
    const { admin } = await startControlPlane({
      flags: { inspect: true },
      inspection: { retry: EAGER },
    });
    const watch = openWatch(admin.registry, { request: { view: INVENTORY } });
    onTestFinished(() => {
      watch.stream.cancel();
    });
    const created = await declare(admin, TENANT, { name: 'docs', spec: httpSpec(mcp.url) });
    const events = () =>
      watch.messages.flatMap(({ message }) => (message?.$case === 'event' ? [message.value] : []));
    await eventually(() =>
      expect(events().some(({ server }) => (server?.facts?.failure?.attempts ?? 0) >= 2)).toBe(
        true,
      ),
    );
    await mcp.start();
    await eventually(() => expect(events().at(-1)?.server?.facts?.observation).toBeDefined());
    const [first, ...later] = events();
    expect(first?.server?.facts).toBeUndefined();
    for (const { type, cause, server } of later) {
      expect([type, cause]).toEqual([ServerEvent_Type.TYPE_MODIFIED, Cause.CAUSE_FACTS]);
      expect(server?.etag).toBe(created.etag);
    }
    expect(events().at(-1)?.server?.facts?.failure).toBeUndefined();
  });
});

describe('RecordFacts', () => {
  it('stores what a node learned, once [R4, P14]', async () => {
    const { admin } = await startControlPlane();
    const { id, configHash } = await declare(admin, TENANT, { name: 'local' });
    const told = { id, observation: observationOf(configHash) };
    const first = await recordFacts(admin, told);
    expect(first.recorded).toBe(true);
    expect(revisionOf(tokenOf(first))).toBe(2);
    const again = { id, observation: observationOf(configHash, { observedBy: 'node-2' }) };
    expect((await recordFacts(admin, again)).recorded).toBe(false);
    expect(await newestRevision(admin, TENANT)).toBe(2);
    const read = serverOf(await admin.get({ view: INVENTORY, key: byId(id) }));
    expect(read.facts?.observation).toMatchObject({ observedBy: 'node-1', serverName: 'told' });
    expect(read.facts?.observation?.observeTime?.getTime()).toBeGreaterThan(1.6e12);
  });

  it('throws away facts of another configuration', async () => {
    const { admin } = await startControlPlane();
    const { id } = await declare(admin, TENANT, { name: 'local' });
    const told = { id, observation: observationOf('another') };
    expect((await recordFacts(admin, told)).recorded).toBe(false);
    expect(await newestRevision(admin, TENANT)).toBe(1);
  });

  it('ends a failure of the control plane', async () => {
    const { admin } = await startControlPlane();
    const { id, configHash } = await declare(admin, TENANT, {
      name: 'local',
      spec: stdioSpec('local'),
    });
    await inspectServer(admin, { id });
    await recordFacts(admin, { id, observation: observationOf(configHash) });
    const { facts } = serverOf(await admin.get({ view: INVENTORY, key: byId(id) }));
    expect(facts?.failure).toBeUndefined();
    // That it is a process says nothing against what a node saw.
    const inspected = serverOf(await inspectServer(admin, { id }));
    expect(inspected.facts).toEqual(facts);
  });

  it('does not make a server old that was seen to speak the new protocol', async () => {
    const { admin } = await startControlPlane();
    const spec = httpSpec(await openModernServer());
    const { id, configHash } = await declare(admin, TENANT, { name: 'modern', spec });
    const { facts } = serverOf(await inspectServer(admin, { id }));
    expect(facts?.observation?.protocolEra).toBe(ProtocolEra.PROTOCOL_ERA_MODERN);
    const told = { id, observation: observationOf(configHash) };
    expect((await recordFacts(admin, told)).recorded).toBe(false);
  });

  it('needs the role node or admin', async () => {
    const tokensFile = await roleTokens();
    const { admin } = await startControlPlane({ flags: { tokensFile } });
    using ops = openAdmin(admin.address, asRole('admin'));
    const created = await declare(ops, TENANT, { name: 'local' });
    const told = { id: created.id, observation: observationOf(created.configHash) };
    expect(await refusalOf(recordFacts(admin, told, asRole('reader')))).toMatchObject({
      code: 'PERMISSION_DENIED',
      reason: 'PERMISSION_DENIED',
    });
    expect(await refusalOf(recordFacts(admin, told, new Metadata()))).toMatchObject({
      code: 'UNAUTHENTICATED',
    });
    expect((await recordFacts(admin, told, asRole('node'))).recorded).toBe(true);
  });

  it.each([
    ['observation.config_hash', { configHash: '' }],
    ['observation.observed_by', { observedBy: ' ' }],
    ['observation.protocol_era', { protocolEra: ProtocolEra.PROTOCOL_ERA_UNSPECIFIED }],
    ['observation.instructions', { instructions: 'x'.repeat(16_385) }],
    ['observation.server_name', { serverName: 'x'.repeat(201) }],
    ['observation.capabilities_json', { capabilitiesJson: '[]' }],
    ['observation.capabilities_json', { capabilitiesJson: '' }],
    ['observation.capabilities_json', { capabilitiesJson: `{"a":"${'x'.repeat(65_536)}"}` }],
    ['observation.tools', { tools: [{ name: 'a', description: 'x'.repeat(262_144) }] }],
    ['observation.tools[0].name', { tools: [{ name: '' }] }],
    ['observation.tools[0].input_schema_json', { tools: [{ name: 'a', inputSchemaJson: '{' }] }],
    ['observation.tool_count', { toolCount: 0 }],
  ])('refuses a wrong %s', async (field, wrong) => {
    const { admin } = await startControlPlane();
    const { id, configHash } = await declare(admin, TENANT, { name: 'local' });
    const told = { id, observation: observationOf(configHash, wrong) };
    expect(await refusalOf(recordFacts(admin, told))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_FIELD',
      fields: [field],
    });
  });

  it('refuses what is not there, and nothing at all', async () => {
    const { admin } = await startControlPlane();
    const told = { id: 'none', observation: observationOf('a') };
    expect((await refusalOf(recordFacts(admin, told))).reason).toBe('SERVER_NOT_FOUND');
    expect(await refusalOf(recordFacts(admin, { id: 'none' }))).toMatchObject({
      fields: ['observation'],
    });
  });
});
