import { describe, expect, it, vi, onTestFinished } from 'vitest';
import {
  CLIENT_ERROR_REASONS,
  ClientError,
  isClientError,
} from '../../../../src/client/client-error.js';
import { callError, connectError } from '../../../../src/client/pool/call-error.js';
import { mapLimited } from '../../../../src/client/pool/map-limited.js';
import { emitEvent } from '../../../../src/client/pool/pool-event.js';
import { identityKey, SlotTable } from '../../../../src/client/pool/slot.js';
import { McpError, type McpErrorKind } from '../../../../src/mcp/mcp-error.js';

describe('identityKey', () => {
  it('differs for all that differs [C6]', () => {
    const odd = ['', 'u', 'c', 'a', '["a","b"]', 'uc[null,"a"]', 'a","b'];
    const identities = [
      {},
      ...odd.map((user) => ({ user })),
      ...odd.map((conversationId) => ({ conversationId })),
      ...odd.flatMap((user) => odd.map((conversationId) => ({ user, conversationId }))),
    ];
    expect(new Set(identities.map(identityKey)).size).toBe(identities.length);
  });
});

describe('SlotTable', () => {
  it('makes one slot for an identity, and forgets those with nothing in them', () => {
    const slots = new SlotTable({});
    const slot = slots.obtain('s', { user: 'ana' });
    expect(slots.obtain('s', { user: 'ana' })).toBe(slot);
    slots.obtain('t', {}).backoff.failed(new ClientError('CONNECT_FAILED'), 'h');
    expect([...slots.of()]).toHaveLength(2);
    slots.prune();
    expect([...slots.of()].map((one) => one.serverId)).toEqual(['t']);
    expect(slots.get('s', identityKey({ user: 'ana' }))).toBeUndefined();
  });
});

describe('mapLimited', () => {
  it('keeps the order and the limit', async () => {
    let now = 0;
    let most = 0;
    const answers = await mapLimited([5, 1, 4, 2, 3], 2, async (turns) => {
      now += 1;
      most = Math.max(most, now);
      for (let i = 0; i < turns; i += 1) await Promise.resolve();
      now -= 1;
      return turns * 10;
    });
    expect([answers, most]).toEqual([[50, 10, 40, 20, 30], 2]);
    expect(await mapLimited([], 2, async () => 1)).toEqual([]);
  });
});

describe('errors', () => {
  it('translate every kind of the connector, and keep whether it was sent', () => {
    const kinds: McpErrorKind[] = [
      'unsupported',
      'connect_failed',
      'timeout',
      'unauthorized',
      'stale_session',
      'lost',
      'unavailable',
      'refused',
      'invalid_answer',
      'aborted',
      'closed',
    ];
    for (const kind of kinds) {
      const error = new McpError(kind, 'text', { sent: true, code: -1, status: 500 });
      for (const translated of [callError(error), connectError(error, { name: 's' })]) {
        expect(Object.keys(CLIENT_ERROR_REASONS)).toContain(translated.reason);
        expect(translated).toMatchObject({
          cause: error,
          metadata: { kind, code: '-1', status: '500' },
        });
      }
      expect(callError(error).sent).toBe(true);
      expect(connectError(error, { name: 's' }).sent).toBe(false);
    }
    const own = new ClientError('DISCONNECTED');
    expect([callError(own), connectError(own, { name: 's' })]).toEqual([own, own]);
    expect(callError('odd')).toMatchObject({ reason: 'CALL_REFUSED', sent: true });
    expect([
      isClientError(own, 'DISCONNECTED'),
      isClientError(own, 'CANCELLED'),
      isClientError('x'),
    ]).toEqual([true, false, false]);
  });
});

describe('emitEvent', () => {
  it('makes a warning of what a listener throws, and harms nobody', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    onTestFinished(() => warn.mockRestore());
    const broken = new Error('listener');
    const event = {
      type: 'connecting',
      serverId: 's',
      name: 's',
      scope: 'shared',
      user: undefined,
      configHash: 'h',
    } as const;
    emitEvent(() => {
      throw broken;
    }, event);
    emitEvent(undefined, event);
    expect(warn).toHaveBeenCalledExactlyOnceWith(broken, 'PoolEventListenerWarning');
  });
});
