import type * as message from '../../generated/switchboard/v1/registry_service.js';
import type { Cause } from '../domain/cause.js';
import type { ShadowPolicy } from '../domain/commands/shadow.js';
import type { FieldChange } from '../domain/field-change.js';
import type { AccessStep, Declaration, ServerRecord, ServerVersion } from '../domain/server.js';
import { fieldChanges } from './field-changes.js';
import { keyOf } from './key-of.js';
import { tenantOf } from './node-messages.js';
import { writeFields, type Command, type Read, type WriteFields } from './registry-codec.js';
import { toDeclarationMessage, toServerMessage } from './server-codec.js';
import { fromShadowPolicy } from './shadow-codec.js';
import { toHeaderMessage, type HeaderFacts } from './view-codec.js';
import { CAUSES } from './watch-encoder.js';

export function fromListServerVersions(
  request: message.ListServerVersionsRequest,
): Read<{ id: string; pageSize: number; pageToken: string }> {
  const { id, pageSize, pageToken } = request;
  return { tenant: tenantOf(request.tenant), query: { id, pageSize, pageToken } };
}

export function fromRollbackServer(
  request: message.RollbackServerRequest,
): Command<WriteFields & { id: string; etag: string; generation: number; policy: ShadowPolicy }> {
  const { id, etag, generation } = request;
  return {
    tenant: tenantOf(request.tenant),
    command: {
      ...writeFields(request),
      id,
      etag,
      generation,
      policy: fromShadowPolicy(request.policy),
    },
  };
}

export function fromUndeleteServer(
  request: message.UndeleteServerRequest,
): Command<WriteFields & { id: string; policy: ShadowPolicy }> {
  const { id } = request;
  const policy = fromShadowPolicy(request.policy);
  return { tenant: tenantOf(request.tenant), command: { ...writeFields(request), id, policy } };
}

interface VersionStep {
  readonly version: ServerVersion;
  readonly previous: ServerVersion | undefined;
}

export function toListServerVersionsResponse(
  header: HeaderFacts,
  page: {
    readonly steps: readonly VersionStep[];
    readonly access: readonly AccessStep[];
    readonly nextPageToken: string;
  },
): message.ListServerVersionsResponse {
  return {
    header: toHeaderMessage(header),
    versions: page.steps.map(toVersion),
    nextPageToken: page.nextPageToken,
    accessChanges: page.access.map(toAccessChange),
  };
}

/** A version as the server reports it, with what it changed. */
export interface ReportedVersion extends Pick<
  ServerVersion,
  'generation' | 'actor' | 'reason' | 'time' | 'revision'
> {
  /** Undefined for one that this version does not know. */
  readonly cause: Cause | undefined;
  readonly changes: readonly FieldChange[];
}

/** Reads a version that the server sent. */
export function fromVersion(version: message.ServerVersion): ReportedVersion {
  const { generation, actor, reason, revision, changes, commitTime } = version;
  return {
    generation,
    actor,
    reason,
    revision,
    changes,
    time: commitTime?.getTime() ?? 0,
    cause: keyOf(CAUSES, version.cause),
  };
}

/** A change of access as the server reports it. */
export interface ReportedAccess extends Omit<AccessStep, 'cause' | 'granted' | 'revoked'> {
  /** Undefined for one that this version does not know. */
  readonly cause: Cause | undefined;
  readonly granted: readonly string[];
  readonly revoked: readonly string[];
}

/** Reads a change of access that the server sent. */
export function fromAccessChange(change: message.AccessChange): ReportedAccess {
  const { commitTime, cause, ...rest } = change;
  return { ...rest, time: commitTime?.getTime() ?? 0, cause: keyOf(CAUSES, cause) };
}

function toAccessChange({ time, cause, ...step }: AccessStep): message.AccessChange {
  return {
    ...step,
    granted: [...step.granted],
    revoked: [...step.revoked],
    cause: CAUSES[cause],
    commitTime: new Date(time),
  };
}

/** Before the first version, and after a deletion, nothing is declared. */
function toVersion({ version, previous }: VersionStep): message.ServerVersion {
  const { generation, cause, actor, reason, time, revision, declared, etag } = version;
  const server = declared && { ...toDeclarationMessage(declared, etag), set: declared.set };
  return {
    generation,
    actor,
    reason,
    revision,
    server,
    cause: CAUSES[cause],
    commitTime: new Date(time),
    changes: fieldChanges(previous?.declared, declared),
  };
}

export function toRollbackServerResponse(
  header: HeaderFacts,
  { record, before }: { readonly record: ServerRecord; readonly before: Declaration },
): message.RollbackServerResponse {
  return {
    header: toHeaderMessage(header),
    server: toServerMessage(record),
    changes: fieldChanges(before, record),
  };
}
