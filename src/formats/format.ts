import type { ServerSpec } from '../domain/config/spec.js';
import type { Tier } from '../domain/tier.js';

/** The kinds of file that can be read and written. `switchboard` is our own. */
export const FORMATS = [
  'switchboard',
  'librechat',
  'claude',
  'cursor',
  'vscode',
  'server-json',
] as const;
export type Format = (typeof FORMATS)[number];

/** A place in a file: the path of the field in the words of the file; line and column from 1. */
export interface FilePlace {
  readonly field: string;
  readonly line: number;
  readonly column: number;
}

/** Something that keeps a server, or without `server` the whole file, from being read. */
export interface Problem extends FilePlace {
  /** The name of the server as the file has it. */
  readonly server?: string;
  readonly message: string;
}

/** Something that could not be carried over. It keeps nothing else from being carried over. */
export interface Loss {
  readonly server?: string;
  /** The path in the words of the file that was read, or of the server that was written. */
  readonly field: string;
  /** From 1; only of what was read. */
  readonly line?: number;
  readonly reason: string;
}

/** Where a server stands, and where each of its fields does. */
export interface ServerPlace extends FilePlace {
  readonly fields: FieldPlaces;
}

/** Finds the place of a field by its path in the domain, such as `spec.sse.url`. */
export interface FieldPlaces {
  get(path: string): FilePlace | undefined;
}

/** A server of a file. It satisfies the rules of the domain, with tier USER where none is told. */
export interface ReadServer {
  readonly name: string;
  /** Undefined: the file does not tell; the control plane derives it from the spec. */
  readonly tier?: Tier;
  readonly owner?: string;
  readonly externalId?: string;
  readonly spec: ServerSpec;
  readonly place: ServerPlace;
}

export interface ReadResult {
  /** Undefined if it could not be told what kind of file it is; then there is a problem. */
  readonly format: Format | undefined;
  readonly servers: readonly ReadServer[];
  readonly problems: readonly Problem[];
  readonly losses: readonly Loss[];
}

const PREFIX = /^(?:[a-z_]+(?:\[\d+\])?\.)*?(?=(?:name|external_id|tier|owner|spec)(?:$|[.[]))/;

/**
 * Where the file has `fieldPath`, a path as INVALID_FIELD names it, such as
 * `servers[3].spec.sse.headers[Authorization]`. The nearest field around it where the file
 * has none of its own; at last the server itself.
 */
export function placeOf(server: ReadServer, fieldPath: string): FilePlace {
  const place = nearestPlace(server.place.fields, fieldPath.replace(PREFIX, ''));
  if (place !== undefined) return place;
  const { field, line, column } = server.place;
  return { field, line, column };
}

/** The place of the domain's `path` among `fields`, or of the nearest field around it. */
export function nearestPlace(fields: FieldPlaces, path: string): FilePlace | undefined {
  for (let around = path; around !== '';) {
    const place = fields.get(around);
    if (place !== undefined) return place;
    around = around.slice(0, Math.max(around.lastIndexOf('.'), around.lastIndexOf('['), 0));
  }
  return undefined;
}
