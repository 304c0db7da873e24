import { describe, expect, it } from 'vitest';
import { ApplyServersRequest } from '../../../generated/switchboard/v1/registry_service.js';
import { ServerSpec, Tier } from '../../../generated/switchboard/v1/server.js';
import { isSwitchboardError } from '../../../src/domain/errors.js';
import { fromApplyServers } from '../../../src/wire/apply-codec.js';
import type { Init } from '../../support/grpc-admin/grpc-admin.js';

const spec = ServerSpec.fromPartial({
  transport: { $case: 'streamableHttp', value: { url: 'https://a.example' } },
});

/** The items of a set, or the fields that are wrong with each. */
function itemsOf(servers: Init<typeof ApplyServersRequest>['servers']) {
  const request = ApplyServersRequest.fromPartial({ set: 's', servers: servers ?? [] });
  return fromApplyServers(request).command.items;
}

describe('fromApplyServers', () => {
  it('reads what each item is about, and leaves out a tier that is not told', () => {
    const items = itemsOf([
      { name: 'a', spec, etag: 'e' },
      { name: 'b', spec, tier: Tier.TIER_USER },
      { name: 'c', spec, tier: Tier.TIER_PRIVATE, owner: 'ana', externalId: 'x' },
    ]);
    expect(items.map(({ at, etag }) => ({ ...at, etag }))).toEqual([
      { name: 'a', etag: 'e' },
      { name: 'b', etag: '' },
      { name: 'c', owner: 'ana', etag: '' },
    ]);
    expect(items[0]?.content).not.toHaveProperty('tier');
    expect(items[1]?.content).toMatchObject({ name: 'b', tier: 'USER' });
    expect(items[2]?.content).toMatchObject({ tier: 'PRIVATE', owner: 'ana', externalId: 'x' });
    for (const { content } of items) expect(content).not.toHaveProperty('set');
  });

  it('keeps what is wrong with an item in its place, with its path [C7]', () => {
    const unknownTier = JSON.parse('99') as Tier;
    const items = itemsOf([
      { name: 'a', spec },
      { name: 'b' },
      { name: 'c', spec: {} },
      { name: 'd', spec, tier: unknownTier },
      {},
      { name: 'own', tier: Tier.TIER_PRIVATE },
    ]);
    const fields = items.map(({ content }) =>
      isSwitchboardError(content) ? content.violations.map(({ field }) => field) : 'fine',
    );
    expect(fields).toEqual([
      'fine',
      ['servers[1].spec'],
      ['servers[2].spec.transport'],
      ['servers[3].tier'],
      ['servers[4].spec'],
      ['servers[5].spec'],
    ]);
    // Its own name is not doubted: what belongs to it must not be taken for left out.
    expect(items[1]?.at).toEqual({ name: 'b' });
    expect(items[5]?.at).toEqual({ name: 'own', owner: '' });
  });
});
