import type * as access from '../../generated/switchboard/v1/access.js';
import type * as message from '../../generated/switchboard/v1/registry_service.js';
import { Tier } from '../../generated/switchboard/v1/server.js';
import type { ShadowPolicy } from '../domain/commands/shadow.js';
import { invalidField } from '../domain/errors.js';
import type { Grant, ServerRecord } from '../domain/server.js';
import type { ServerSpec } from '../domain/config/spec.js';
import { tenantOf } from './node-messages.js';
import { fromShadowPolicy } from './shadow-codec.js';
import { writeFields, type Command, type Read, type WriteFields } from './registry-codec.js';
import { toServerMessage } from './server-codec.js';
import { fromSpecMessage } from './spec-codec.js';
import { toHeaderMessage, type HeaderFacts } from './view-codec.js';

interface AccessFields extends WriteFields {
  readonly id: string;
  readonly subjects: readonly string[];
}

export function fromSetAccess(
  request: access.SetAccessRequest,
): Command<AccessFields & { accessEtag: string }> {
  const { accessEtag } = request;
  const { tenant, command } = fromAccess(request);
  return { tenant, command: { ...command, accessEtag } };
}

/** A GrantAccessRequest or a RevokeAccessRequest. */
export function fromAccess(
  request: access.GrantAccessRequest | access.RevokeAccessRequest,
): Command<AccessFields> {
  const { id, subjects } = request;
  return { tenant: tenantOf(request.tenant), command: { ...writeFields(request), id, subjects } };
}

export function fromListGrants(
  request: access.ListGrantsRequest,
): Read<{ id: string; pageSize: number; pageToken: string; atLeast: string }> {
  const { id, pageSize, pageToken, atLeast } = request;
  return { tenant: tenantOf(request.tenant), query: { id, pageSize, pageToken, atLeast } };
}

export function fromPromoteServer(request: message.PromoteServerRequest): Command<
  WriteFields & {
    id: string;
    etag: string;
    tier: 'APP' | 'USER';
    spec?: ServerSpec;
    policy: ShadowPolicy;
  }
> {
  const { id, etag, policy } = request;
  return {
    tenant: tenantOf(request.tenant),
    command: {
      ...writeFields(request),
      id,
      etag,
      tier: fromSharedTier(request.tier),
      policy: fromShadowPolicy(policy),
      ...specOf(request),
    },
  };
}

export function fromDemoteServer(
  request: message.DemoteServerRequest,
): Command<AccessFields & { etag: string; owner: string; spec?: ServerSpec; name?: string }> {
  const { id, etag, owner, subjects, name } = request;
  return {
    tenant: tenantOf(request.tenant),
    command: {
      ...writeFields(request),
      id,
      etag,
      owner,
      subjects,
      ...specOf(request),
      ...(name === '' ? {} : { name }),
    },
  };
}

interface Changed {
  readonly record: ServerRecord;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** The answer to SetAccess, and more than that to GrantAccess and RevokeAccess. */
export function toAccessResponse(
  header: HeaderFacts,
  { record, added, removed }: Changed,
): access.SetAccessResponse {
  return {
    header: toHeaderMessage(header),
    server: toServerMessage(record),
    addedCount: added.length,
    removedCount: removed.length,
    added: [...added],
    removed: [...removed],
  };
}

export function toListGrantsResponse(
  header: HeaderFacts,
  page: {
    readonly record: ServerRecord;
    readonly grants: readonly Grant[];
    readonly totalCount: number;
    readonly nextPageToken: string;
  },
): access.ListGrantsResponse {
  return {
    header: toHeaderMessage(header),
    server: toServerMessage(page.record),
    grants: page.grants.map(({ subject, revision }) => ({ subject, revision })),
    totalCount: page.totalCount,
    nextPageToken: page.nextPageToken,
  };
}

interface Moved {
  readonly record: ServerRecord;
  readonly affected: { readonly everyone: boolean; readonly subjects: readonly string[] };
  readonly namesakes: readonly ServerRecord[];
  readonly moreNamesakes: boolean;
}

export function toPromoteServerResponse(
  header: HeaderFacts,
  moved: Moved,
): message.PromoteServerResponse {
  const shadowed = moved.namesakes.map(toNamedServer);
  return { ...movedFields(header, moved), shadowed, moreShadowed: moved.moreNamesakes };
}

export function toDemoteServerResponse(
  header: HeaderFacts,
  moved: Moved,
): message.DemoteServerResponse {
  const uncovered = moved.namesakes.map(toNamedServer);
  return { ...movedFields(header, moved), uncovered, moreUncovered: moved.moreNamesakes };
}

function movedFields(header: HeaderFacts, { record, affected }: Moved) {
  return {
    header: toHeaderMessage(header),
    server: toServerMessage(record),
    affected: { everyone: affected.everyone, subjects: [...affected.subjects] },
  };
}

function toNamedServer({ id, name, owner = '' }: ServerRecord): message.NamedServer {
  return { id, name, owner };
}

function specOf({ spec }: Pick<message.PromoteServerRequest, 'spec'>): { spec?: ServerSpec } {
  return spec === undefined ? {} : { spec: fromSpecMessage(spec, 'spec') };
}

function fromSharedTier(tier: Tier): 'APP' | 'USER' {
  if (tier === Tier.TIER_APP) return 'APP';
  if (tier === Tier.TIER_USER) return 'USER';
  throw invalidField('tier', 'is required: TIER_APP or TIER_USER');
}
