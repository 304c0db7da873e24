import type { WritableServer } from '../../../src/formats/write-servers.js';

/** The parts of a server by their path in the domain, such as `spec.sse.headers[Accept]`. */
export function partsOf(server: WritableServer): ReadonlyMap<string, unknown> {
  const parts = new Map<string, unknown>();
  const { name, externalId, tier, owner, spec } = server;
  for (const [path, value] of Object.entries({ name, external_id: externalId, tier, owner }))
    if (value !== undefined) parts.set(path, value);
  for (const [key, value] of Object.entries(spec) as [string, unknown][]) {
    if (key === 'transport') addTransport(parts, value as Record<string, unknown>);
    else add(parts, `spec.${snakeCase(key)}`, value);
  }
  return parts;
}

/** The paths at which two servers differ. */
export function differences(a: WritableServer, b: WritableServer): readonly string[] {
  const [left, right] = [partsOf(a), partsOf(b)];
  return [...new Set([...left.keys(), ...right.keys()])].filter(
    (path) => JSON.stringify(left.get(path)) !== JSON.stringify(right.get(path)),
  );
}

/** Whether a loss at `field` tells of a difference at `path`. */
export function tellsOf(field: string, path: string): boolean {
  return isWithin(path, field) || isWithin(field, path);
}

function isWithin(inner: string, outer: string): boolean {
  return (
    inner === outer || (inner.startsWith(outer) && ['.', '['].includes(inner.charAt(outer.length)))
  );
}

function addTransport(parts: Map<string, unknown>, transport: Record<string, unknown>): void {
  const { kind, ...fields } = transport;
  parts.set('spec.transport', kind);
  for (const [key, value] of Object.entries(fields))
    add(parts, `spec.${String(kind)}.${key}`, value);
}

/** Maps by name part by part; what the domain has no path into as one part. */
function add(parts: Map<string, unknown>, path: string, value: unknown): void {
  const isMap = /(?:headers|env|user_variables|labels|annotations)$/.test(path);
  const isWhole =
    typeof value !== 'object' || value === null || /(?:scopes|instructions)$/.test(path);
  if (isWhole) {
    if (value !== undefined) parts.set(path, value);
  } else if (Array.isArray(value)) {
    value.forEach((item, index) => {
      add(parts, `${path}[${String(index)}]`, item);
    });
  } else {
    if (path === 'spec.oauth') parts.set(path, 'given');
    for (const [key, item] of Object.entries(value) as [string, unknown][])
      add(parts, isMap ? `${path}[${key}]` : `${path}.${snakeCase(key)}`, item);
  }
}

function snakeCase(name: string): string {
  return name
    .replace(/Ms$/, '')
    .replaceAll('OAuth', 'Oauth')
    .replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
