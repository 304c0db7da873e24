import { describe, expect, it } from 'vitest';
import {
  BatchGetServersResponse,
  GetServerResponse,
  ListServersResponse,
} from '../../../generated/switchboard/v1/registry_service.js';
import { SwitchboardError } from '../../../src/domain/errors.js';
import type { ServerRecord } from '../../../src/domain/server.js';
import { userView } from '../../../src/domain/view.js';
import {
  encodeBatchGetServersResponse,
  encodeGetServerResponse,
  encodeListServersResponse,
} from '../../../src/wire/answer-encoder.js';
import { toServerMessage } from '../../../src/wire/server-codec.js';
import { toRpcStatus } from '../../../src/wire/status.js';
import { toHeaderMessage, type HeaderFacts } from '../../../src/wire/view-codec.js';
import { recordOf } from '../../support/storage/builders.js';

const HEADER: HeaderFacts = {
  tenant: 'default',
  position: { epoch: 'e', revision: 7, fingerprint: 'f' },
  servedBy: 'replica-1',
  upstream: { state: 'following', ageMs: 120 },
  view: userView('ana', ['dev']),
};

const DOCS = recordOf({ id: 'docs', name: 'docs', title: 'Größe', tier: 'APP' });
const OWN = recordOf({ id: 'own', name: 'own', owner: 'ana', title: 'x'.repeat(200) });

/** What the generated code makes of the whole message. */
const plainly = {
  get: (record: ServerRecord) =>
    GetServerResponse.encode({ header: toHeaderMessage(HEADER), server: toServerMessage(record) }),
  list: (records: readonly ServerRecord[], nextPageToken: string) =>
    ListServersResponse.encode({
      header: toHeaderMessage(HEADER),
      servers: records.map(toServerMessage),
      nextPageToken,
    }),
};

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('answers with servers', () => {
  it('are the bytes of the whole message, the first time and from then on', () => {
    for (const record of [DOCS, OWN, DOCS, OWN]) {
      const bytes = encodeGetServerResponse(HEADER, record);
      expect(hex(bytes)).toBe(hex(plainly.get(record).finish()));
    }
  });

  it('are so for pages: empty, whole, and with more to come', () => {
    for (const [records, nextPageToken] of [
      [[], ''],
      [[OWN, DOCS], ''],
      [[DOCS], 'next'],
    ] as const) {
      const servers = records.map((record) => ({ record }));
      const bytes = encodeListServersResponse(HEADER, { servers, nextPageToken });
      expect(hex(bytes)).toBe(hex(plainly.list(records, nextPageToken).finish()));
    }
  });

  it('are so for batches, with errors between the servers', () => {
    const error = new SwitchboardError('SERVER_NOT_FOUND', undefined, { metadata: { name: 'x' } });
    const results = [{ record: DOCS, grants: [] }, error, { record: OWN, grants: [] }];
    const plain = BatchGetServersResponse.encode({
      header: toHeaderMessage(HEADER),
      results: [
        { result: { $case: 'server', value: toServerMessage(DOCS) } },
        { result: { $case: 'error', value: toRpcStatus(error) } },
        { result: { $case: 'server', value: toServerMessage(OWN) } },
      ],
    });
    expect(hex(encodeBatchGetServersResponse(HEADER, results))).toBe(hex(plain.finish()));
  });

  it('are not the worse for one that could not be encoded', () => {
    const broken = { ...HEADER, upstream: { state: 'following', ageMs: Number.NaN } } as const;
    expect(() => encodeGetServerResponse(broken, DOCS)).toThrow();
    const bytes = encodeGetServerResponse(HEADER, DOCS);
    expect(hex(bytes)).toBe(hex(plainly.get(DOCS).finish()));
  });
});
