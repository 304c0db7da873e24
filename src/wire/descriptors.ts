import { readFileSync } from 'node:fs';
import { createFileRegistry, type FileRegistry, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  FileDescriptorProtoSchema,
  type FileDescriptorSet,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';

// The same relative path from src/wire and from dist/src/wire.
const DESCRIPTORS = new URL('../../generated/switchboard.binpb', import.meta.url);

/** What others serve and we call: reflection lists every service of the files that it has. */
const CALLED_PACKAGES: readonly string[] = ['switchboard.source.v1'];

/**
 * Our .proto files with their comments, google.rpc, and what they import, but for services
 * that we do not serve: each an encoded FileDescriptorProto.
 */
export function descriptorFiles(): readonly Uint8Array[] {
  return readDescriptors()
    .file.filter((file) => !CALLED_PACKAGES.includes(file.package))
    .map((file) => toBinary(FileDescriptorProtoSchema, file));
}

function readDescriptors(): FileDescriptorSet {
  return fromBinary(FileDescriptorSetSchema, readFileSync(DESCRIPTORS));
}

let registry: FileRegistry | undefined;

/** Looks up message types by name. The files never change, so they are read once. */
export function descriptorRegistry(): FileRegistry {
  registry ??= createFileRegistry(readDescriptors());
  return registry;
}
