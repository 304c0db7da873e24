import * as message from '../../generated/switchboard/v1/server.js';
import {
  connectionScope,
  userSignIn,
  type ConnectionScope,
} from '../domain/config/connection-scope.js';
import { invalidField } from '../domain/errors.js';
import type {
  Declaration,
  KnownServer,
  ReportedServer,
  ServerRecord,
  Tier,
} from '../domain/server.js';
import type { ServerSpec } from '../domain/config/spec.js';
import { encodedRecord } from './encoded-record.js';
import { fromFactsMessage, toFactsMessage } from './facts-codec.js';
import { keyOf } from './key-of.js';
import { fromSpecMessage, toSpecMessage } from './spec-codec.js';

const TIERS = {
  APP: message.Tier.TIER_APP,
  USER: message.Tier.TIER_USER,
  PRIVATE: message.Tier.TIER_PRIVATE,
} as const satisfies Record<Tier, message.Tier>;

const SCOPES = {
  shared: message.ConnectionScope.CONNECTION_SCOPE_SHARED,
  user: message.ConnectionScope.CONNECTION_SCOPE_USER,
  conversation: message.ConnectionScope.CONNECTION_SCOPE_CONVERSATION,
  request: message.ConnectionScope.CONNECTION_SCOPE_REQUEST,
} as const satisfies Record<ConnectionScope, message.ConnectionScope>;

/** A record as a message, which is shared: it must not be changed. */
export function toServerMessage(record: ServerRecord): message.Server {
  return (encodedRecord(record).message ??= makeServerMessage(record));
}

function makeServerMessage(record: ServerRecord): message.Server {
  const { scope, reasons } = connectionScope(record.tier, record.spec);
  return {
    id: record.id,
    name: record.name,
    externalId: record.externalId,
    tier: TIERS[record.tier],
    owner: record.owner ?? '',
    spec: toSpecMessage(record.spec),
    etag: record.etag,
    accessEtag: record.accessEtag,
    configHash: record.configHash,
    // Not the one of the record: it may be from before a rule that makes the scope narrower.
    connectionScope: SCOPES[scope],
    connectionScopeReasons: [...reasons],
    createTime: new Date(record.createTime),
    lastUpdatedAt: new Date(record.lastUpdatedAt),
    set: record.set,
    generation: record.generation,
    facts: record.facts && toFactsMessage(record.facts),
    factsEtag: record.factsEtag,
    privateSource: record.privateSource ?? '',
    transportExempt: record.transportExempt ?? false,
  };
}

/** For answers about many servers at once: facts may take 300 KB each. */
export function toServerMessageWithoutFacts(record: ServerRecord): message.Server {
  return { ...toServerMessage(record), facts: undefined };
}

/** A server of which a reader may know the id and perhaps the name only. */
export function toBareServerMessage(id: string, name = ''): message.Server {
  return message.Server.fromPartial({ id, name });
}

/** Reads a record that the server sent. Throws INVALID_FIELD if it is not one. */
export function fromServerMessage(server: message.Server): KnownServer {
  const { tier, owner, spec, name } = fromDeclaration(server, 'server');
  const { id, etag, accessEtag, factsEtag, configHash } = server;
  const told = keyOf(SCOPES, server.connectionScope) ?? 'request';
  // A control plane from before this rule may still say that it is shared.
  const scope = told === 'shared' && userSignIn(spec) !== undefined ? 'user' : told;
  const lastUpdatedAt = server.lastUpdatedAt?.getTime() ?? 0;
  return {
    id,
    name,
    tier,
    spec,
    etag,
    accessEtag,
    factsEtag,
    configHash,
    scope,
    lastUpdatedAt,
    ...(owner === undefined ? {} : { owner }),
    ...(server.transportExempt ? { transportExempt: true } : {}),
    ...(server.facts === undefined ? {} : { facts: fromFactsMessage(server.facts) }),
  };
}

/** Reads all that the server says of a record. Throws INVALID_FIELD if it is not one. */
export function fromReportedMessage(server: message.Server | undefined): ReportedServer {
  if (server === undefined) throw invalidField('server', 'is required');
  const { externalId, set, privateSource, generation, createTime } = server;
  return {
    ...fromServerMessage(server),
    externalId,
    set,
    generation,
    createTime: createTime?.getTime() ?? 0,
    ...(privateSource === '' ? {} : { privateSource }),
  };
}

/** What a request declares about a server. Throws INVALID_FIELD with paths below `path`. */
export function fromDeclaration(server: message.Server | undefined, path: string): Declaration {
  if (server === undefined) throw invalidField(path, 'is required');
  const tier = fromTier(server.tier, `${path}.tier`);
  if (server.spec === undefined) throw invalidField(`${path}.spec`, 'is required');
  return {
    name: server.name,
    externalId: server.externalId,
    tier,
    ...(server.owner === '' ? {} : { owner: server.owner }),
    spec: fromSpecMessage(server.spec, `${path}.spec`),
    // Output only: a request cannot say it.
    set: '',
  };
}

/** What a file declares about a server. */
export interface DeclaredServer {
  readonly name: string;
  /** Left out, the control plane derives it from the spec. */
  readonly tier?: Tier;
  readonly owner?: string;
  readonly externalId?: string;
  readonly spec: ServerSpec;
}

/** The same as a request carries it; with an etag, it is refused if the server has moved. */
export function toDeclarationMessage(declared: DeclaredServer, etag = ''): message.Server {
  return message.Server.fromPartial({
    name: declared.name,
    tier: declared.tier === undefined ? message.Tier.TIER_UNSPECIFIED : TIERS[declared.tier],
    owner: declared.owner ?? '',
    externalId: declared.externalId ?? '',
    spec: toSpecMessage(declared.spec),
    etag,
  });
}

/** A tier as a message. */
export function toTierMessage(tier: Tier): message.Tier {
  return TIERS[tier];
}

/** A tier in a request. Throws INVALID_FIELD if it was left out or is none. */
export function fromTier(tier: message.Tier, path: string): Tier {
  const known = keyOf(TIERS, tier);
  if (known === undefined)
    throw invalidField(path, 'is required: TIER_APP, TIER_USER or TIER_PRIVATE');
  return known;
}
