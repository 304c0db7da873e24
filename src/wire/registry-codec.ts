import type * as message from '../../generated/switchboard/v1/registry_service.js';
import { invalidField } from '../domain/errors.js';
import type { DeclarationPatch } from '../domain/commands/patch.js';
import type { ShadowPolicy } from '../domain/commands/shadow.js';
import type { Declaration, ServerRecord, Tier } from '../domain/server.js';
import type { View } from '../domain/view.js';
import { tenantOf } from './node-messages.js';
import { fromUpdateMask } from './patch-codec.js';
import { fromDeclaration, fromTier, toServerMessage } from './server-codec.js';
import { fromShadowPolicy } from './shadow-codec.js';
import { fromMap } from './spec-codec.js';
import {
  fromHeldMessages,
  fromViewMessage,
  toHeaderMessage,
  type HeaderFacts,
} from './view-codec.js';

/** A request read: the tenant it is for, and what it asks. */
export interface Read<T> {
  readonly tenant: string;
  readonly query: T;
}

/** A request that writes, and its tenant. */
export interface Command<T> {
  readonly tenant: string;
  readonly command: T;
}

export function fromGetServer(request: message.GetServerRequest): Read<{
  view: View;
  key: { name: string } | { id: string };
  atLeast: string;
}> {
  const { view, key, atLeast } = request;
  if (key === undefined || key.value === '') throw invalidField('name', 'is required, or an id');
  return {
    tenant: tenantOf(request.tenant),
    query: {
      view: fromViewMessage(view, 'view'),
      key: key.$case === 'name' ? { name: key.value } : { id: key.value },
      atLeast,
    },
  };
}

export function fromListServers(request: message.ListServersRequest): Read<{
  view: View;
  pageSize: number;
  pageToken: string;
  filter: {
    tiers: readonly Tier[];
    namePrefix: string;
    labels: Readonly<Record<string, string>>;
    enabled?: boolean;
  };
  atLeast: string;
}> {
  const { view, pageSize, pageToken, filter, atLeast } = request;
  const enabled = filter?.enabled;
  return {
    tenant: tenantOf(request.tenant),
    query: {
      view: fromViewMessage(view, 'view'),
      pageSize,
      pageToken,
      filter: {
        tiers: (filter?.tiers ?? []).map((tier, index) =>
          fromTier(tier, `filter.tiers[${String(index)}]`),
        ),
        namePrefix: filter?.namePrefix ?? '',
        labels: filter === undefined ? {} : fromMap(filter.labels),
        ...(enabled === undefined ? {} : { enabled }),
      },
      atLeast,
    },
  };
}

/** What every write carries. */
export interface WriteFields {
  readonly requestId: string;
  readonly validateOnly: boolean;
  readonly reason: string;
}

export function fromCreateServer(
  request: message.CreateServerRequest,
): Command<WriteFields & { declared: Declaration; policy: ShadowPolicy }> {
  return {
    tenant: tenantOf(request.tenant),
    command: {
      ...writeFields(request),
      declared: fromDeclaration(request.server, 'server'),
      policy: fromShadowPolicy(request.policy),
    },
  };
}

export function fromUpdateServer(
  request: message.UpdateServerRequest,
): Command<
  WriteFields & { id: string; etag: string; patch: DeclarationPatch; policy: ShadowPolicy }
> {
  const { server, updateMask } = request;
  if (server === undefined) throw invalidField('server', 'is required');
  return {
    tenant: tenantOf(request.tenant),
    command: {
      ...writeFields(request),
      id: server.id,
      etag: server.etag,
      patch: fromUpdateMask(server, updateMask),
      policy: fromShadowPolicy(request.policy),
    },
  };
}

export function fromDeleteServer(
  request: message.DeleteServerRequest,
): Command<WriteFields & { id: string; etag: string }> {
  const { id, etag } = request;
  return { tenant: tenantOf(request.tenant), command: { ...writeFields(request), id, etag } };
}

export function fromWatchServers(
  request: message.WatchServersRequest,
): Read<{ view: View; resumeToken: string; held: ReadonlyMap<string, string> }> {
  const { view, resumeToken, held } = request;
  return {
    tenant: tenantOf(request.tenant),
    query: { view: fromViewMessage(view, 'view'), resumeToken, held: fromHeldMessages(held) },
  };
}

/** An answer that holds one server. */
export function toServerResponse(
  header: HeaderFacts,
  record: ServerRecord,
): message.CreateServerResponse & message.UpdateServerResponse & message.UndeleteServerResponse {
  return { header: toHeaderMessage(header), server: toServerMessage(record) };
}

export function toDeleteServerResponse(
  header: HeaderFacts,
  value: {
    readonly record: ServerRecord;
    readonly affected: { readonly everyone: boolean; readonly subjects: readonly string[] };
  },
): message.DeleteServerResponse {
  return {
    header: toHeaderMessage(header),
    server: toServerMessage(value.record),
    affected: { everyone: value.affected.everyone, subjects: [...value.affected.subjects] },
  };
}

export function writeFields({ requestId, validateOnly, reason }: WriteFields): WriteFields {
  return { requestId, validateOnly, reason };
}
