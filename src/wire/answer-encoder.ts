import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import * as message from '../../generated/switchboard/v1/registry_service.js';
import { Server } from '../../generated/switchboard/v1/server.js';
import { isSwitchboardError, type SwitchboardError } from '../domain/errors.js';
import type { ServerRecord, StoredServer } from '../domain/server.js';
import { encodedRecord } from './encoded-record.js';
import { toServerMessage } from './server-codec.js';
import { toRpcStatus } from './status.js';
import { toHeaderMessage, type HeaderFacts } from './view-codec.js';

/**
 * Answers with servers, encoded. A server makes up most of such an answer, and is the same
 * in all of them: its bytes are made once, and put into the fields by their numbers.
 */
const SERVER_FIELD = 2;
const RESULT_FIELD = 2;
const SERVER_OF_RESULT_FIELD = 1;

/** Keeps its memory from one answer to the next. Empty between them. */
const shared = new BinaryWriter();

/** The answer of GetServer. */
export function encodeGetServerResponse(header: HeaderFacts, record: ServerRecord): Uint8Array {
  const server = encodedServer(record);
  const head = { header: toHeaderMessage(header), server: undefined };
  try {
    message.GetServerResponse.encode(head, shared);
    putBytes(shared, SERVER_FIELD, server);
  } catch (error) {
    shared.finish();
    throw error;
  }
  return shared.finish();
}

/** The answer of ListServers: one page. */
export function encodeListServersResponse(
  header: HeaderFacts,
  page: {
    readonly servers: readonly { readonly record: ServerRecord }[];
    readonly nextPageToken: string;
  },
): Uint8Array {
  const empty = message.ListServersResponse.fromPartial({});
  const head = { ...empty, header: toHeaderMessage(header) };
  const writer = message.ListServersResponse.encode(head);
  for (const { record } of page.servers) putBytes(writer, SERVER_FIELD, encodedServer(record));
  const tail = { ...empty, nextPageToken: page.nextPageToken };
  return message.ListServersResponse.encode(tail, writer).finish();
}

/** The answer of BatchGetServers. */
export function encodeBatchGetServersResponse(
  header: HeaderFacts,
  results: readonly (StoredServer | SwitchboardError)[],
): Uint8Array {
  const head = { header: toHeaderMessage(header), results: [] };
  const writer = message.BatchGetServersResponse.encode(head);
  for (const found of results) {
    writer.tag(RESULT_FIELD, WireType.LengthDelimited).fork();
    if (isSwitchboardError(found)) {
      const result = { $case: 'error', value: toRpcStatus(found) } as const;
      message.ServerResult.encode({ result }, writer);
    } else putBytes(writer, SERVER_OF_RESULT_FIELD, encodedServer(found.record));
    writer.join();
  }
  return writer.finish();
}

function encodedServer(record: ServerRecord): Uint8Array {
  return (encodedRecord(record).server ??= Server.encode(toServerMessage(record)).finish());
}

function putBytes(writer: BinaryWriter, field: number, bytes: Uint8Array): void {
  writer.tag(field, WireType.LengthDelimited).bytes(bytes);
}
