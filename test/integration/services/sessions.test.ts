import { describe, expect, it } from 'vitest';
import { userView } from '../../../src/domain/view.js';
import { eventually } from '../../support/eventually.js';
import type { SyncFrame } from '../../support/services/encoders.js';
import { create, openNode, openWorld, TENANT } from '../../support/services/world.js';
import { decodeFrames } from '../../support/services/sinks.js';

describe('a node session', () => {
  it('leaves no trace in the log, however it comes, goes and changes [P7]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { position } = await create(replica, { name: 'files' });
    for (const user of ['ana', 'ben']) {
      const { sink, session } = openNode(replica, new Map([[user, userView(user)]]));
      await eventually(() => {
        const frames = decodeFrames<SyncFrame>(sink);
        expect(frames.some(({ kind }) => kind === 'synced')).toBe(true);
      });
      void session.receive({ kind: 'unsubscribe', id: user });
      sink.disconnect();
    }
    expect(await world.catalog.log.head(TENANT)).toEqual(position);
  });
});
