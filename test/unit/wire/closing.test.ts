import { SAFE_POLICY } from '../../../src/domain/transport-policy.js';
import { describe, expect, it } from 'vitest';
import { SyncResponse } from '../../../generated/switchboard/v1/connection_service.js';
import {
  Cause,
  WatchServersResponse,
  type CommitEnd,
} from '../../../generated/switchboard/v1/registry_service.js';
import type { Commit, Position } from '../../../src/domain/commit.js';
import type { StoredServer } from '../../../src/domain/server.js';
import { encodeToken } from '../../../src/domain/token.js';
import { APP_VIEW, userView, type View } from '../../../src/domain/view.js';
import { messagesOf } from '../../../src/wire/feed-codec.js';
import { createSyncEncoder } from '../../../src/wire/sync-encoder.js';
import { createWatchEncoder } from '../../../src/wire/watch-encoder.js';
import { recordOf } from '../../support/storage/builders.js';

const TENANT = 'default';
const position: Position = { epoch: 'e', revision: 7, fingerprint: 'f' };
const commit: Commit = {
  revision: 7,
  fingerprint: 'f',
  cause: 'UPDATE',
  actor: 'ann',
  reason: '',
  time: 1_700_000_000_123,
  changes: [],
};
const ANA = userView('ana');

/** A server whose content has about so many bytes. */
const serverOf = (bytes: number): StoredServer => ({
  record: recordOf({ id: 'a', spec: { description: 'x'.repeat(bytes) } }),
  grants: [],
});

function endOf(view?: View): CommitEnd {
  const token = encodeToken(TENANT, position, view);
  return { token, cause: Cause.CAUSE_UPDATE, commitTime: new Date(commit.time) };
}

describe('the closing of a commit in WatchServers [P19, W4]', () => {
  const encoder = createWatchEncoder(TENANT);
  const eventOf = (bytes: number) =>
    encoder.event('modified', { id: 'a', stored: serverOf(bytes) }, 'UPDATE');
  const closed = (last: Uint8Array, view: View = ANA) =>
    encoder.closed(last, { commit, position }, view);

  it('is in the last event, which says all that two messages would', () => {
    const event = eventOf(100);
    const frames = closed(event);
    expect(frames).toHaveLength(1);
    const { message } = WatchServersResponse.decode(event);
    expect(WatchServersResponse.decode(frames[0]!)).toEqual({ message, closes: endOf(ANA) });
    const whole = WatchServersResponse.encode({ message, closes: endOf(ANA) }).finish();
    expect(Buffer.compare(frames[0]!, whole)).toBe(0);
  });

  it('is a message of its own after an event that is too large to be copied for each view', () => {
    const event = eventOf(20_000);
    for (const view of [ANA, userView('ben')]) {
      const [last, end, ...others] = closed(event, view);
      expect(last).toBe(event);
      expect(others).toEqual([]);
      const message = { $case: 'commit', value: endOf(view) };
      expect(WatchServersResponse.decode(end!)).toEqual({ message, closes: undefined });
    }
  });

  it('leaves the event as it is for those who get it with another closing', () => {
    const event = eventOf(100);
    const before = Buffer.from(event);
    closed(event);
    closed(event, APP_VIEW);
    expect(Buffer.compare(event, before)).toBe(0);
  });
});

describe('the closing of a commit in Sync [P19, W4]', () => {
  const encoder = createSyncEncoder({
    tenant: TENANT,
    servedBy: 'r',
    heartbeatMs: 1,
    maxSubscriptions: 1,
    transportPolicy: SAFE_POLICY,
  });

  it.each([100, 50_000])('is in the last changes, also of %i bytes', (bytes) => {
    const changes = encoder.changes([{ kind: 'upsert', server: serverOf(bytes), sights: [] }]);
    const frame = encoder.closed(changes, encoder.closing({ commit, position }));
    const { message } = SyncResponse.decode(changes);
    expect(SyncResponse.decode(frame)).toEqual({ message, closes: endOf() });
  });

  it('is read as the message `commit` that it stands for, after the changes', () => {
    const changes = { $case: 'changes' as const, value: { changes: [] } };
    const told = { kind: 'changes', changes: [] };
    const end = { kind: 'commit', token: endOf().token };
    expect([...messagesOf({ message: changes, closes: endOf() })]).toEqual([told, end]);
    expect([...messagesOf({ message: undefined, closes: endOf() })]).toEqual([end]);
    expect([...messagesOf({ message: changes, closes: undefined })]).toEqual([told]);
    expect([...messagesOf({ message: undefined, closes: undefined })]).toEqual([]);
  });
});
