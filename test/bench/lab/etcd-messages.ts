import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

// What is used of etcd's API (etcdserverpb): field numbers as its documentation gives them.

/** Sets a key. */
export const PUT_PATH = '/etcdserverpb.KV/Put';
/** Opens a stream on which keys can be watched. */
export const WATCH_PATH = '/etcdserverpb.Watch/Watch';

const PUT = { key: 1, value: 2 };
const WATCH_REQUEST = { create: 1 };
const WATCH_CREATE = { key: 1 };
const WATCH_RESPONSE = { events: 11 };

/** A PutRequest. */
export function encodePut(key: Buffer, value: Buffer): Buffer {
  const writer = new BinaryWriter();
  writer.tag(PUT.key, WireType.LengthDelimited).bytes(key);
  writer.tag(PUT.value, WireType.LengthDelimited).bytes(value);
  return Buffer.from(writer.finish());
}

/** A WatchRequest for one key, from now on. */
export function encodeWatch(key: Buffer): Buffer {
  const create = new BinaryWriter().tag(WATCH_CREATE.key, WireType.LengthDelimited).bytes(key);
  const writer = new BinaryWriter().tag(WATCH_REQUEST.create, WireType.LengthDelimited);
  return Buffer.from(writer.bytes(create.finish()).finish());
}

/** How many events a WatchResponse holds; none when it says that the watch was created. */
export function countEvents(response: Buffer): number {
  const reader = new BinaryReader(response);
  let events = 0;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === WATCH_RESPONSE.events) events += 1;
    reader.skip(type);
  }
  return events;
}
