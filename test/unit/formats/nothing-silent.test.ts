import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { parse } from 'jsonc-parser';
import { describe, expect, it } from 'vitest';
import type { Format, ReadResult } from '../../../src/formats/format.js';
import { readServers } from '../../../src/formats/read-servers.js';
import { fieldText, type FilePath } from '../../../src/formats/tree.js';
import { documents } from '../../support/formats/documents.js';

/** What a field means to a reader, where that is the same as without it. */
const SAYS_NOTHING = /(?:^|\.)(?:\$schema|type|isRequired|runtimeHint|transport)$/;

type Json = Record<string, unknown>;

function read(document: unknown, format: Format): ReadResult {
  return readServers(JSON.stringify(document), { format });
}

/** The paths of all fields of maps, the outer before the inner. */
function fieldsOf(value: unknown, around: FilePath = []): readonly FilePath[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]: [string, unknown]) => {
    const at = [...around, Array.isArray(value) ? Number(key) : key];
    return [...(Array.isArray(value) ? [] : [at]), ...fieldsOf(part, at)];
  });
}

/** A copy of the document in which `change` was made to the map at `at`. */
function changed(document: Json, at: FilePath, change: (map: Json) => void): Json {
  const copy = structuredClone(document);
  let map: unknown = copy;
  for (const step of at) map = (map as Record<string | number, unknown>)[step];
  change(map as Json);
  return copy;
}

/** Whether something is told of the field, of what is around it, or of what is in it. */
function isTold({ problems, losses }: ReadResult, field: string): boolean {
  return [...problems, ...losses].some(
    (told) =>
      told.field !== '' &&
      (`${field}.`.startsWith(`${told.field}.`) ||
        `${field}[`.startsWith(`${told.field}[`) ||
        told.field.startsWith(`${field}.`) ||
        told.field.startsWith(`${field}[`)),
  );
}

const specs = ({ servers }: ReadResult): unknown =>
  servers.map(({ name, externalId, spec }) => [name, externalId, spec]);

/** The fields that make no difference and of which nothing is told. */
function silent(document: Json, format: Format): readonly string[] {
  const whole = read(document, format);
  const quiet = fieldsOf(document).filter((field) => {
    const without = changed(document, field.slice(0, -1), (map) => {
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- it is what is tested
      delete map[String(field.at(-1))];
    });
    const other = read(without, format);
    const isSame =
      other.problems.length === 0 && JSON.stringify(specs(other)) === JSON.stringify(specs(whole));
    return isSame && !isTold(whole, fieldText(field));
  });
  return quiet.map(fieldText).filter((field) => !SAYS_NOTHING.test(field));
}

describe('of the examples', () => {
  const folder = path.join(import.meta.dirname, '../../../examples/configs');

  it.each([
    ['claude.mcp.json', 'claude'],
    ['cursor.mcp.json', 'cursor'],
    ['vscode.mcp.json', 'vscode'],
    ['server-remote.json', 'server-json'],
    ['server-packages.json', 'server-json'],
    ['server-npm.json', 'server-json'],
  ] as const)('every field of %s makes a difference or is told', (file, format) => {
    const document = parse(readFileSync(path.join(folder, file), 'utf8')) as Json;
    expect(silent(document, format)).toEqual([]);
  });
});

describe.each(Object.keys(documents) as (keyof typeof documents)[])('of a file of %s', (format) => {
  it('every field makes a difference or is told', () => {
    fc.assert(
      fc.property(documents[format], (document) => {
        expect(silent(document, format)).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });

  it('a field that nobody knows is told, wherever it stands', () => {
    const place = fc.nat();
    fc.assert(
      fc.property(
        documents[format],
        place,
        fc.constantFrom('text', 1, { a: 1 }),
        (document, at, value) => {
          const maps = [
            ...new Set(fieldsOf(document).map((field) => JSON.stringify(field.slice(0, -1)))),
          ].map((text) => JSON.parse(text) as FilePath);
          const map = maps[at % Math.max(maps.length, 1)] ?? [];
          // The top of a file is the product's own, but for a server.json.
          fc.pre(map.length > 0 || format === 'server-json');
          const whole = read(document, format);
          const withIt = changed(document, map, (inner) => {
            inner['zz'] = value;
          });
          const odd = read(withIt, format);
          const field = fieldText([...map, 'zz']);
          const isCarried = JSON.stringify(specs(odd)) !== JSON.stringify(specs(whole));
          if (!isTold(odd, field)) expect([field, isCarried]).toEqual([field, true]);
        },
      ),
      { numRuns: 60 },
    );
  });
});
