import { type DescMessage, fromBinary, toJson } from '@bufbuild/protobuf';
import {
  GrantAccessResponse,
  ListGrantsResponse,
  RevokeAccessResponse,
  SetAccessResponse,
} from '../../generated/switchboard/v1/access.js';
import {
  GetPrivateLoadStatusResponse,
  InvalidateUserResponse,
  LoadPrivateServersResponse,
  PurgeUserResponse,
} from '../../generated/switchboard/v1/private_load.js';
import {
  GetPrivateSourceResponse,
  RemovePrivateSourceResponse,
  RenamePrivateSourceResponse,
} from '../../generated/switchboard/v1/private_source.js';
import {
  ApplyResult,
  ApplyServersResponse,
  DemoteServerResponse,
  ExplainAccessResponse,
  GetServerResponse,
  InspectServerResponse,
  ListServersResponse,
  ListServerVersionsResponse,
  PromoteServerResponse,
  RollbackServerResponse,
  UndeleteServerResponse,
  WatchServersResponse,
} from '../../generated/switchboard/v1/registry_service.js';
import { descriptorRegistry } from './descriptors.js';

/**
 * Proto JSON as its specification has it, which grpcurl and other languages also speak.
 * (The generated `toJSON` writes durations and field masks differently.)
 */
interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
}

/** The messages that are printed, by their names. */
export interface Answers {
  readonly ApplyResult: ApplyResult;
  readonly ApplyServersResponse: ApplyServersResponse;
  readonly DemoteServerResponse: DemoteServerResponse;
  readonly ExplainAccessResponse: ExplainAccessResponse;
  readonly GetPrivateLoadStatusResponse: GetPrivateLoadStatusResponse;
  readonly GetPrivateSourceResponse: GetPrivateSourceResponse;
  readonly GetServerResponse: GetServerResponse;
  readonly GrantAccessResponse: GrantAccessResponse;
  readonly InspectServerResponse: InspectServerResponse;
  readonly InvalidateUserResponse: InvalidateUserResponse;
  readonly ListGrantsResponse: ListGrantsResponse;
  readonly ListServersResponse: ListServersResponse;
  readonly ListServerVersionsResponse: ListServerVersionsResponse;
  readonly LoadPrivateServersResponse: LoadPrivateServersResponse;
  readonly PromoteServerResponse: PromoteServerResponse;
  readonly PurgeUserResponse: PurgeUserResponse;
  readonly RemovePrivateSourceResponse: RemovePrivateSourceResponse;
  readonly RenamePrivateSourceResponse: RenamePrivateSourceResponse;
  readonly RevokeAccessResponse: RevokeAccessResponse;
  readonly RollbackServerResponse: RollbackServerResponse;
  readonly SetAccessResponse: SetAccessResponse;
  readonly UndeleteServerResponse: UndeleteServerResponse;
  readonly WatchServersResponse: WatchServersResponse;
}

const CODECS: { readonly [K in keyof Answers]: Codec<Answers[K]> } = {
  ApplyResult,
  ApplyServersResponse,
  DemoteServerResponse,
  ExplainAccessResponse,
  GetPrivateLoadStatusResponse,
  GetPrivateSourceResponse,
  GetServerResponse,
  GrantAccessResponse,
  InspectServerResponse,
  InvalidateUserResponse,
  ListGrantsResponse,
  ListServersResponse,
  ListServerVersionsResponse,
  LoadPrivateServersResponse,
  PromoteServerResponse,
  PurgeUserResponse,
  RemovePrivateSourceResponse,
  RenamePrivateSourceResponse,
  RevokeAccessResponse,
  RollbackServerResponse,
  SetAccessResponse,
  UndeleteServerResponse,
  WatchServersResponse,
};

/** What the server answered, as proto JSON. `name` is the name of the message. */
export function answerToJson<K extends keyof Answers>(name: K, message: Answers[K]): object {
  const type = messageType(`switchboard.v1.${name}`);
  const bytes = CODECS[name].encode(message).finish();
  return toJson(type, fromBinary(type, bytes), { registry: descriptorRegistry() }) as object;
}

function messageType(name: string): DescMessage {
  const type = descriptorRegistry().getMessage(name);
  if (type === undefined) throw new Error(`generated/switchboard.binpb has no ${name}`);
  return type;
}
