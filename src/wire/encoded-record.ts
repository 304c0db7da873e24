import type * as message from '../../generated/switchboard/v1/server.js';
import type { ServerRecord } from '../domain/server.js';

/** What was made of a record for the wire, each part when it was first needed. */
export interface EncodedRecord {
  /** Shared: it must not be changed. */
  message: message.Server | undefined;
  /** The bytes of that message. */
  server: Uint8Array | undefined;
  /** The event of WatchServers by which a snapshot shows the record. */
  snapshotEvent: Uint8Array | undefined;
  /** The message of Sync that brings the record alone, to nodes that all see it alike. */
  sharedChange: Uint8Array | undefined;
}

const encoded = new WeakMap<ServerRecord, EncodedRecord>();

/** What is kept of a record for as long as the record is: records are immutable. */
export function encodedRecord(record: ServerRecord): EncodedRecord {
  const known = encoded.get(record);
  if (known !== undefined) return known;
  const made = {
    message: undefined,
    server: undefined,
    snapshotEvent: undefined,
    sharedChange: undefined,
  };
  encoded.set(record, made);
  return made;
}
