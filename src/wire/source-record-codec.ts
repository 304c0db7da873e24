import * as message from '../../generated/switchboard/v1/private_source.js';
import { invalidField } from '../domain/errors.js';
import type { SourceServers, SourceStatus } from '../domain/source-record.js';
import { keyOf } from './key-of.js';
import { tenantOf } from './node-messages.js';
import { writeFields, type Command, type WriteFields } from './registry-codec.js';
import { toHeaderMessage, type HeaderFacts } from './view-codec.js';

const STATES = {
  active: message.PrivateSource_State.STATE_ACTIVE,
  removing: message.PrivateSource_State.STATE_REMOVING,
  removed: message.PrivateSource_State.STATE_REMOVED,
} as const;

export function fromRenamePrivateSource(
  request: message.RenamePrivateSourceRequest,
): Command<WriteFields & { name: string; newName: string }> {
  const { name, newName } = request;
  return { tenant: tenantOf(request.tenant), command: { ...writeFields(request), name, newName } };
}

export function fromRemovePrivateSource(
  request: message.RemovePrivateSourceRequest,
): Command<WriteFields & { name: string; servers: SourceServers }> {
  const { name } = request;
  const servers = fromServers(request.servers);
  return { tenant: tenantOf(request.tenant), command: { ...writeFields(request), name, servers } };
}

/** An answer that holds the private source of a tenant. */
export function toSourceResponse(
  header: HeaderFacts,
  source: SourceStatus,
): message.GetPrivateSourceResponse & message.RenamePrivateSourceResponse {
  return { header: toHeaderMessage(header), source: toSourceMessage(source) };
}

export function toRemovePrivateSourceResponse(
  header: HeaderFacts,
  counts: { readonly deletedCount: number; readonly keptCount: number },
): message.RemovePrivateSourceResponse {
  return { header: toHeaderMessage(header), ...counts };
}

function fromServers(servers: message.RemovePrivateSourceRequest_Servers): SourceServers {
  switch (servers) {
    case message.RemovePrivateSourceRequest_Servers.SERVERS_DROP:
      return 'drop';
    case message.RemovePrivateSourceRequest_Servers.SERVERS_KEEP:
      return 'keep';
    default:
      throw invalidField('servers', 'is required: SERVERS_DROP or SERVERS_KEEP');
  }
}

/** What becomes of the servers of a source that is removed, as a message. */
export function toServers(servers: SourceServers): message.RemovePrivateSourceRequest_Servers {
  return servers === 'drop'
    ? message.RemovePrivateSourceRequest_Servers.SERVERS_DROP
    : message.RemovePrivateSourceRequest_Servers.SERVERS_KEEP;
}

/** Reads a private source that the server sent. Throws INVALID_FIELD if it is none. */
export function fromSourceMessage(source: message.PrivateSource | undefined): SourceStatus {
  if (source === undefined) throw invalidField('source', 'is required');
  const { name, firstName, configuredName, formerNames, revision } = source;
  if (name === '') return { record: undefined, configuredName };
  const state = keyOf(STATES, source.state);
  if (state === undefined) throw invalidField('source.state', 'is required');
  return { record: { name, namespace: firstName, state, formerNames, revision }, configuredName };
}

function toSourceMessage({ record, configuredName }: SourceStatus): message.PrivateSource {
  if (record === undefined) return message.PrivateSource.fromPartial({ configuredName });
  const { name, namespace, state, formerNames, revision } = record;
  return {
    name,
    firstName: namespace,
    configuredName,
    revision,
    state: STATES[state],
    formerNames: [...formerNames],
  };
}
