import { describe, expect, it } from 'vitest';
import { PrivateLoad } from '../../../generated/switchboard/v1/private_load.js';
import {
  ApplyServersResponse,
  ExplainAccessResponse,
  GetServerResponse,
  ListServerVersionsResponse,
  WatchServersResponse,
} from '../../../generated/switchboard/v1/registry_service.js';
import { Server } from '../../../generated/switchboard/v1/server.js';
import { invalidField, SwitchboardError } from '../../../src/domain/errors.js';
import type { AccessCandidate } from '../../../src/domain/explain.js';
import type { LoadStatus } from '../../../src/domain/load-record.js';
import type { AccessStep, ServerRecord, ServerVersion } from '../../../src/domain/server.js';
import type { SourceStatus } from '../../../src/domain/source-record.js';
import { toApplyResponse } from '../../../src/wire/apply-codec.js';
import { answerOf } from '../../../src/wire/client/answer.js';
import { fromApplyResponse } from '../../../src/wire/client/apply.js';
import { fromWatchResponse } from '../../../src/wire/client/watch.js';
import { fromExplanation, toExplainAccessResponse } from '../../../src/wire/explain-codec.js';
import {
  fromAccessChange,
  fromVersion,
  toListServerVersionsResponse,
} from '../../../src/wire/history-codec.js';
import { fromLoadMessage, toLoadResponse } from '../../../src/wire/load-codec.js';
import { toServerResponse } from '../../../src/wire/registry-codec.js';
import { fromReportedMessage } from '../../../src/wire/server-codec.js';
import { fromSourceMessage, toSourceResponse } from '../../../src/wire/source-record-codec.js';
import type { HeaderFacts } from '../../../src/wire/view-codec.js';
import { createWatchEncoder } from '../../../src/wire/watch-encoder.js';
import { failureAt, observationAt } from '../../support/inspection/facts.js';
import { recordOf } from '../../support/storage/builders.js';

// What the server encodes is read by the client as what it was encoded from.

const HEADER: HeaderFacts = {
  tenant: 'default',
  position: { epoch: 'e', revision: 7, fingerprint: 'f' },
  servedBy: 'replica-1',
  upstream: { state: 'following', ageMs: 120 },
};

const SHARED = recordOf({ id: 'docs', name: 'docs', tier: 'APP', set: 'a.yaml' });
const OWN: ServerRecord = {
  ...recordOf({ id: 'own', name: 'own', owner: 'ana', externalId: 'x', privateSource: 'db' }),
  factsEtag: 'facts',
  facts: {
    observation: observationAt('hash'),
    oauthNeed: 'yes',
    failure: failureAt('hash', { nextAttemptTime: 2_000 }),
  },
};

/** A record as it is reported. */
function reported({ revision: _, ...record }: ServerRecord) {
  return record;
}

/** A message as it arrives. */
function sent<M>(
  codec: { encode(message: M): { finish(): Uint8Array }; decode(bytes: Uint8Array): M },
  message: M,
): M {
  return codec.decode(codec.encode(message).finish());
}

describe('the client reads', () => {
  it.each([SHARED, OWN])('a record, all but its revision: $id', (record) => {
    const { server } = sent(GetServerResponse, toServerResponse(HEADER, record));
    expect(fromReportedMessage(server)).toEqual(reported(record));
  });

  it('an explanation, with verdicts that are newer than it as untold', () => {
    const candidates: readonly AccessCandidate[] = [
      {
        id: 'a',
        tier: 'PRIVATE',
        owner: 'ana',
        verdict: 'shadowed_by_earlier_grant',
        explanation: 'Because.',
        disabled: true,
        revision: 3,
        sights: [{ subject: 'group:dev', owner: false, revision: 2 }],
      },
      {
        id: 'b',
        tier: 'APP',
        verdict: 'wins',
        explanation: 'So.',
        disabled: false,
        revision: 4,
        sights: [],
      },
    ];
    const told = { explanation: 'Both.', candidates, moreUnseen: true, moreDeleted: false };
    const answer = toExplainAccessResponse(HEADER, { ...told, winner: undefined });
    const arrived = sent(ExplainAccessResponse, answer);
    expect(fromExplanation(arrived)).toEqual(told);
    const newer = arrived.candidates.map((candidate) => ({ ...candidate, verdict: 99 as never }));
    expect(fromExplanation({ ...arrived, candidates: newer }).candidates[0]?.verdict).toBe(
      'untold',
    );
  });

  it('versions with what each changed', () => {
    const { id: _, revision, createTime, lastUpdatedAt, etag, ...declared } = SHARED;
    const version: ServerVersion = {
      generation: 1,
      cause: 'RENAME_SOURCE',
      actor: 'ana',
      reason: 'why',
      time: 5_000,
      revision,
      declared,
      etag,
      createTime,
      lastUpdatedAt,
      grants: [],
    };
    const gone: ServerVersion = {
      generation: 2,
      cause: 'DELETE',
      actor: 'bob',
      reason: '',
      time: 6_000,
      revision: 9,
      etag: '',
      createTime,
      lastUpdatedAt,
      grants: [],
    };
    const step: AccessStep = {
      revision: 8,
      cause: 'ACCESS',
      actor: 'zoe',
      reason: 'joined',
      time: 7_000,
      granted: ['user:bob'],
      revoked: ['group:ops', 'user:ana'],
    };
    const steps = [
      { version: gone, previous: version },
      { version, previous: undefined },
    ];
    const answer = toListServerVersionsResponse(HEADER, {
      steps,
      access: [step],
      nextPageToken: '',
    });
    const { versions, accessChanges } = sent(ListServerVersionsResponse, answer);
    expect(versions.map(fromVersion)).toMatchObject([
      { generation: 2, cause: 'DELETE', actor: 'bob', reason: '', time: 6_000, revision: 9 },
      { generation: 1, cause: 'RENAME_SOURCE', actor: 'ana', reason: 'why', time: 5_000 },
    ]);
    expect(accessChanges.map(fromAccessChange)).toEqual([step]);
    for (const { changes } of versions.map(fromVersion))
      expect(changes).toContainEqual(expect.objectContaining({ path: 'name' }));
  });

  it('a load: what failed, and what was left out', () => {
    const load: LoadStatus = {
      user: 'ana',
      state: 'invalidated',
      source: 'db',
      loading: true,
      serverCount: 3,
      loadTime: 5_000,
      revision: 7,
      refusedCount: 4,
      refused: [{ rowId: 'r', name: 'notes', reason: 'ROW_BROKEN', message: 'no key' }],
      failure: new SwitchboardError('SOURCE_UNAVAILABLE', 'no route', { retryDelayMs: 2_000 }),
      nextAttemptTime: 9_000,
    };
    const { load: message } = toLoadResponse(HEADER, load);
    expect(fromLoadMessage(sent(PrivateLoad, message))).toEqual(load);
    const never: LoadStatus = {
      user: 'ana',
      state: 'cold',
      source: '',
      loading: false,
      serverCount: 0,
      loadTime: 0,
      revision: 0,
      refused: [],
      refusedCount: 0,
      failure: undefined,
      nextAttemptTime: undefined,
    };
    expect(fromLoadMessage(toLoadResponse(HEADER, never).load)).toEqual(never);
  });

  it.each<SourceStatus>([
    { record: undefined, configuredName: 'db' },
    {
      record: {
        name: 'new-db',
        namespace: 'db',
        state: 'removing',
        revision: 7,
        formerNames: ['db'],
      },
      configuredName: '',
    },
  ])('a private source: %j', (source) => {
    expect(fromSourceMessage(toSourceResponse(HEADER, source).source)).toEqual(source);
  });

  it('what became of a set, each server with its JSON', async () => {
    const error = invalidField('servers[2].name', 'must not be empty');
    const answer = fromApplyResponse(
      sent(
        ApplyServersResponse,
        await toApplyResponse(HEADER, {
          results: [
            { action: 'created', record: SHARED },
            { action: 'held_back', record: OWN },
            { action: 'refused', error },
          ],
          applied: true,
        }),
      ),
    );
    expect(answer.results).toMatchObject([
      { action: 'created', server: reported(SHARED) },
      { action: 'held_back', server: { id: 'own', owner: 'ana', privateSource: 'db' } },
      { action: 'refused', server: undefined },
    ]);
    expect(answer.results[1]?.server).not.toHaveProperty('facts');
    expect(answer.results[2]?.error).toEqual(error);
    const json = answer.toJSON() as { applied: boolean; results: object[] };
    expect(json).toMatchObject({ applied: true, header: { servedBy: 'replica-1' } });
    expect(answer.results.map((result) => result.toJSON())).toEqual(json.results);
    expect(json.results[0]).toMatchObject({ action: 'ACTION_CREATED', server: { id: 'docs' } });
  });

  it('messages of a watch, and which of them closes what came before', () => {
    const encoder = createWatchEncoder('default');
    const read = (frame: Uint8Array) => fromWatchResponse(WatchServersResponse.decode(frame));
    const { position } = HEADER;
    const stored = { record: OWN, grants: [] };
    const event = encoder.event('modified', { id: 'own', stored }, 'UPDATE');
    expect(read(event)).toMatchObject({
      content: { kind: 'event', type: 'modified', id: 'own', name: 'own', server: reported(OWN) },
      closingToken: undefined,
    });
    expect(read(encoder.event('removed', { id: 'own' }, 'DELETE')).content).toEqual({
      kind: 'event',
      type: 'removed',
      id: 'own',
      name: '',
      server: undefined,
    });
    const synced = read(encoder.synced(position, { kind: 'app' }));
    expect(synced.content).toEqual({ kind: 'synced' });
    expect(synced.closingToken).toMatch(/./);
    expect(read(encoder.reset('lagged')).content).toEqual({ kind: 'reset', reason: 'lagged' });
    const unknown = read(Uint8Array.of(0x3a, 0x00));
    expect(unknown).toMatchObject({ content: { kind: undefined }, closingToken: undefined });
  });

  it('says of an answer that it cannot read that the server may be newer', () => {
    const server = Server.fromPartial({
      ...toServerResponse(HEADER, SHARED).server!,
      tier: 99 as never,
    });
    const answer = GetServerResponse.fromPartial({ server });
    expect(() =>
      answerOf('GetServerResponse', answer, (message) => ({
        server: fromReportedMessage(message.server),
      })),
    ).toThrow(
      expect.objectContaining({
        reason: 'UNRECOGNIZED_STATUS',
        message: expect.stringMatching(/server\.tier.*newer version$/) as string,
      }),
    );
  });
});
