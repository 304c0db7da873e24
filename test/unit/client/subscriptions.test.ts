import { describe, expect, it } from 'vitest';
import { Subscriptions } from '../../../src/client/reflector/subscriptions.js';
import { SwitchboardError } from '../../../src/domain/errors.js';
import { APP_VIEW, userView } from '../../../src/domain/view.js';
import { clientErrorOf } from '../../support/mcp/pool.js';

const ANA = userView('ana', ['staff']);

/** The id that a subscription has on the wire. */
function wireIdOf(subscriptions: Subscriptions, id: string): string {
  return subscriptions.request(id).id;
}

describe('the subscriptions of a node', () => {
  it('resolve when they are synced', async () => {
    const subscriptions = new Subscriptions();
    const done = subscriptions.add('app', APP_VIEW);
    const wireId = wireIdOf(subscriptions, 'app');
    expect(subscriptions.idOf(wireId)).toBe('app');
    subscriptions.synced(wireId, 'digest');
    await done;
    expect(subscriptions.request('app').digest).toBe('digest');
  });

  it('have short ids on the wire, whatever the view is', () => {
    const subscriptions = new Subscriptions();
    const groups = Array.from(
      { length: 500 },
      (_, index) => `a group with a long name ${String(index)}`,
    );
    void subscriptions.add('many groups', userView('ana', groups));
    expect(wireIdOf(subscriptions, 'many groups').length).toBeLessThan(20);
  });

  it('are not taken for what came before under the same id', async () => {
    const subscriptions = new Subscriptions();
    const first = subscriptions.add('ana', ANA);
    const old = wireIdOf(subscriptions, 'ana');
    expect(subscriptions.remove('ana')).toBe(old);
    expect((await clientErrorOf(first)).reason).toBe('CANCELLED');
    const second = subscriptions.add('ana', ANA);
    subscriptions.synced(old, 'late');
    expect(subscriptions.idOf(old)).toBeUndefined();
    expect(subscriptions.request('ana').digest).toBe('');
    subscriptions.synced(wireIdOf(subscriptions, 'ana'), 'digest');
    await second;
  });

  it('open with all of them, and resume with those that were synced', () => {
    const subscriptions = new Subscriptions();
    void subscriptions.add('app', APP_VIEW);
    void subscriptions.add('ana', ANA);
    const ids = (requests: readonly { id: string }[]): (string | undefined)[] =>
      requests.map(({ id }) => subscriptions.idOf(id));
    const anew = subscriptions.opening(false);
    expect([ids(anew.first), ids(anew.later), anew.hasUsers]).toEqual([['app', 'ana'], [], true]);
    subscriptions.synced(wireIdOf(subscriptions, 'app'), 'digest');
    const resumed = subscriptions.opening(true);
    expect([ids(resumed.first), ids(resumed.later), resumed.hasUsers]).toEqual([
      ['app'],
      ['ana'],
      false,
    ]);
  });

  it('can be refused, with the cause, and asked for again', async () => {
    const subscriptions = new Subscriptions();
    const done = subscriptions.add('ana', ANA);
    const cause = new SwitchboardError('INVALID_FIELD', 'view.user: must not be blank');
    expect(subscriptions.refuse(wireIdOf(subscriptions, 'ana'), cause)).toBe('ana');
    const error = await clientErrorOf(done);
    expect(error).toMatchObject({ reason: 'SUBSCRIPTION_REFUSED', message: cause.message, cause });
    expect(subscriptions.refuse('99', cause)).toBeUndefined();
    void subscriptions.add('ana', ANA);
  });

  it('know which a stream was opened with, and which were synced', () => {
    const subscriptions = new Subscriptions();
    void subscriptions.add('ana', ANA);
    const wireId = wireIdOf(subscriptions, 'ana');
    expect(subscriptions.isOpening(wireId)).toBe(false);
    subscriptions.opening(true);
    expect(subscriptions.isOpening(wireId)).toBe(false);
    subscriptions.opening(false);
    expect(subscriptions.isOpening(wireId)).toBe(true);
    expect(subscriptions.wasSynced(wireId)).toBe(false);
    subscriptions.synced(wireId, 'digest');
    expect(subscriptions.wasSynced(wireId)).toBe(true);
    expect(subscriptions.isOpening('99')).toBe(false);
    expect(subscriptions.wasSynced('99')).toBe(false);
  });

  it('name no digest of those with which a stream did not begin [P16]', () => {
    const subscriptions = new Subscriptions();
    for (const [id, view] of [
      ['app', APP_VIEW],
      ['ana', ANA],
    ] as const) {
      void subscriptions.add(id, view);
      subscriptions.synced(wireIdOf(subscriptions, id), `digest of ${id}`);
    }
    subscriptions.begin(new Set([wireIdOf(subscriptions, 'app')]));
    expect(subscriptions.request('app').digest).toBe('digest of app');
    expect(subscriptions.request('ana').digest).toBe('');
  });

  it('refuse the same id twice', () => {
    const subscriptions = new Subscriptions();
    void subscriptions.add('app', APP_VIEW);
    expect(() => subscriptions.add('app', APP_VIEW)).toThrow('already');
  });

  it('end with the client', async () => {
    const subscriptions = new Subscriptions();
    const done = subscriptions.add('app', APP_VIEW);
    subscriptions.close();
    expect((await clientErrorOf(done)).reason).toBe('CLIENT_CLOSED');
  });
});
