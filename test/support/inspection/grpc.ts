import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Metadata } from '@grpc/grpc-js';
import {
  InspectServerRequest,
  type InspectServerResponse,
  RecordFactsRequest,
  type RecordFactsResponse,
} from '../../../generated/switchboard/v1/registry_service.js';
import { ProtocolEra } from '../../../generated/switchboard/v1/server.js';
import { testFolder } from '../control-plane/control-plane.js';
import type { Admin, Init } from '../grpc-admin/grpc-admin.js';
import { call, type CallExtras } from '../grpc/unary-call.js';

/** Calls InspectServer. */
export function inspectServer(
  { registry }: Pick<Admin, 'registry'>,
  request: Init<typeof InspectServerRequest>,
  extras: CallExtras = {},
): Promise<InspectServerResponse> {
  const options = { deadline: Date.now() + 25_000, ...extras.options };
  const message = InspectServerRequest.fromPartial(request);
  return call(registry, 'inspectServer', message, { ...extras, options });
}

/** Calls RecordFacts. */
export function recordFacts(
  { registry }: Pick<Admin, 'registry'>,
  request: Init<typeof RecordFactsRequest>,
  metadata = new Metadata(),
): Promise<RecordFactsResponse> {
  const options = { deadline: Date.now() + 25_000 };
  const message = RecordFactsRequest.fromPartial(request);
  return call(registry, 'recordFacts', message, { metadata, options });
}

/** What a node tells of a server in order: change what a test is about. */
export function observationOf(
  configHash: string,
  rest: NonNullable<Init<typeof RecordFactsRequest>['observation']> = {},
): NonNullable<Init<typeof RecordFactsRequest>['observation']> {
  return {
    configHash,
    observedBy: 'node-1',
    protocolEra: ProtocolEra.PROTOCOL_ERA_LEGACY,
    protocolVersion: '2025-11-25',
    serverName: 'told',
    capabilitiesJson: '{"tools":{}}',
    tools: [{ name: 'a', inputSchemaJson: '{"type":"object"}' }],
    toolCount: 1,
    ...rest,
  };
}

/** Tokens by role, for `--tokens-file`; the token of a role is its name and `-token-of-tests`. */
export async function roleTokens(): Promise<string> {
  const file = path.join(await testFolder(), 'tokens.json');
  const tokens = ['reader', 'node', 'admin'].map((role) => ({
    token: tokenOfRole(role),
    principal: role,
    roles: [role],
  }));
  await writeFile(file, JSON.stringify({ tokens }));
  return file;
}

export function tokenOfRole(role: string): string {
  return `${role}-token-of-tests`;
}

/** What a caller of this role sends. */
export function asRole(role: string): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${tokenOfRole(role)}`);
  return metadata;
}
