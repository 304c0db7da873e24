import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Format, FORMATS, type Loss } from '../../../src/formats/format.js';
import { readServers } from '../../../src/formats/read-servers.js';
import { type WritableServer, writeServers } from '../../../src/formats/write-servers.js';
import { differences, tellsOf } from '../../support/formats/differences.js';
import { anyServer, declaredBy } from '../../support/formats/servers.js';

function read(text: string, format: Format): readonly WritableServer[] {
  const { servers, problems } = readServers(text, { format });
  expect(problems).toEqual([]);
  return servers.map(declaredBy);
}

function isLeftOut({ name }: WritableServer, losses: readonly Loss[]): boolean {
  return losses.some(
    ({ server, reason }) => server === name && reason.endsWith('the server is left out'),
  );
}

/** Servers for one file; a server.json has only one. */
function serversFor(format: Format): fc.Arbitrary<readonly WritableServer[]> {
  const maxLength = format === 'server-json' ? 1 : 3;
  return fc.uniqueArray(anyServer, { minLength: 1, maxLength, selector: ({ name }) => name });
}

describe.each(FORMATS)('%s', (format) => {
  it('written and read again has the same servers, but for what writing told', () => {
    fc.assert(
      fc.property(serversFor(format), (servers) => {
        const { text, losses } = writeServers(servers, format, { includePrivate: true });
        const written = servers.filter((server) => !isLeftOut(server, losses));
        fc.pre(written.length > 0);
        const again = read(text, format);
        expect(again.map(({ name }) => name).sort()).toEqual(
          written.map(({ name }) => name).sort(),
        );
        for (const server of written) {
          const copy = again.find(({ name }) => name === server.name) ?? server;
          const told = losses.filter((loss) => loss.server === server.name);
          const untold = differences(server, copy).filter(
            (path) => !told.some(({ field }) => tellsOf(field, path)),
          );
          expect(untold).toEqual([]);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('read from what was written is written as the same text, without any loss', () => {
    fc.assert(
      fc.property(serversFor(format), (servers) => {
        const { text, losses } = writeServers(servers, format, { includePrivate: true });
        fc.pre(servers.some((server) => !isLeftOut(server, losses)));
        expect(writeServers(read(text, format), format)).toEqual({ text, losses: [] });
      }),
      { numRuns: 40 },
    );
  });
});
