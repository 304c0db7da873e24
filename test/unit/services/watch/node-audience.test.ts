import { describe, expect, it } from 'vitest';
import { viewDigest } from '../../../../src/domain/token.js';
import { userView, type ReaderView } from '../../../../src/domain/view.js';
import { NodeAudience, type SyncEncoder } from '../../../../src/services/watch/node-audience.js';
import type { SyncedSubscription } from '../../../../src/services/watch/subscribed-views.js';

const MANY = 10_000;
const POSITION = { epoch: 'e', revision: 1, fingerprint: '' };

describe('the audience of a node', () => {
  it('names 10,000 subscriptions in a turn without a look at their views [P21]', () => {
    const looks = { count: 0 };
    let named: readonly SyncedSubscription[] = [];
    const encoder = {
      synced: (_: unknown, subscriptions: readonly SyncedSubscription[]) => {
        named = subscriptions;
        return new Uint8Array();
      },
    } as unknown as SyncEncoder;
    const audience = new NodeAudience(encoder);
    for (let index = 0; index < MANY; index += 1) {
      const id = `u${String(index)}`;
      audience.set(id, counting(id, looks));
    }
    expect(looks.count).toBeGreaterThanOrEqual(MANY);

    looks.count = 0;
    audience.synced(POSITION);
    expect(looks.count).toBe(0);
    expect(named).toHaveLength(MANY);
    expect(named.at(-1)).toEqual({ id: 'u9999', digest: viewDigest(userView('u9999')) });
  });
});

/** The view of a user that counts how often somebody looks who it is. */
function counting(user: string, looks: { count: number }): ReaderView {
  return {
    kind: 'user',
    groups: [],
    get user() {
      looks.count += 1;
      return user;
    },
  };
}
