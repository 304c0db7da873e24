import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Format } from '../../../src/formats/format.js';
import { readServers } from '../../../src/formats/read-servers.js';
import { writeServers } from '../../../src/formats/write-servers.js';
import { documents } from '../../support/formats/documents.js';
import { declaredBy } from '../../support/formats/servers.js';

describe.each(Object.keys(documents) as (keyof typeof documents)[])('a file of %s', (format) => {
  it('in the documented shape is read whole and written as the same document', () => {
    fc.assert(
      fc.property(documents[format], (document) => {
        const { servers, problems, losses } = readServers(JSON.stringify(document), { format });
        expect([problems, losses]).toEqual([[], []]);
        const written = writeServers(servers.map(declaredBy), format);
        expect(written.losses).toEqual([]);
        expect(parse(written.text)).toEqual(document);
        expect(specs(written.text, format)).toEqual(servers.map(({ spec }) => spec));
      }),
      { numRuns: 60 },
    );
  });

  it('is also read through our own format, with nothing lost', () => {
    fc.assert(
      fc.property(documents[format], fc.constantFrom('yaml', 'json'), (document, notation) => {
        const servers = readServers(JSON.stringify(document), { format }).servers.map(declaredBy);
        const { text, losses } = writeServers(servers, 'switchboard', { notation });
        expect(losses).toEqual([]);
        expect(readServers(text).servers.map(declaredBy)).toEqual(servers);
      }),
      { numRuns: 30 },
    );
  });
});

function specs(text: string, format: Format): unknown {
  return readServers(text, { format }).servers.map(({ spec }) => spec);
}
